"""What the compiler makes of a kernel, as text, and whether it is vector code."""

from __future__ import annotations

import platform
import re

from glassnet.engine.identity import Identity

ENDS = {"float32": "ps", "float64": "pd"}


def has_fma() -> bool:
    """Whether this is an x86 processor with fused multiply-add."""
    import llvmlite.binding as llvm

    return platform.machine() in ("x86_64", "AMD64") and bool(llvm.get_host_cpu_features().get("fma", False))


def instructions(identity: Identity) -> str:
    """The instructions of a kernel."""
    from numba import cfunc

    from glassnet.engine.compile import SIGNATURE, Pipeline
    from glassnet.engine.kernels import KERNELS

    kernel = cfunc(SIGNATURE, pipeline_class=Pipeline, error_model="numpy")(KERNELS[identity.kind](identity))
    return kernel._library.get_asm_str()


def is_packed(code: str, dtype: str, arithmetic: str = r"fn?madd\d+") -> bool:
    """Whether there is the arithmetic on whole vectors."""
    return bool(re.search(rf"\sv{arithmetic}{ENDS[dtype]}\s.*%[yz]mm", code))


def singles(code: str) -> int:
    """How many products and quotients there are of one number and another."""
    return len(re.findall(r"\sv(?:fn?m\w+|mul|div)s[sd]\s", code))


def calls(code: str) -> int:
    """How many calls there are; the one of a row that could raise an exception would count, too."""
    return len(re.findall(r"\scall", code))
