"""The machine code of a kernel as text, and whether it is vector code."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable

from glassnet.engine.kernel_spec import KernelSpec

SUFFIX = {"float32": "ps", "float64": "pd"}
LABEL, JUMP = re.compile(r"(\.\w+):"), re.compile(r"\sj\w+\s+(\.\w+)")
ARITHMETIC = r"\sv?(?:add|sub|mul|div|sqrt|max|min|fn?m(?:add|sub)\d+|dpbf16|cvt(?:t?p[sd]|dq|qq|u?dq)2)"
PACKED, SCALAR = re.compile(ARITHMETIC + r"p[sd]\s"), re.compile(ARITHMETIC.replace("cvt", "no") + r"s[sd]\s")


def has_fma() -> bool:
    """Whether this is an x86 processor with fused multiply-add."""
    import llvmlite.binding as llvm

    return platform.machine() in ("x86_64", "AMD64") and bool(llvm.get_host_cpu_features().get("fma", False))


def instructions(spec: KernelSpec) -> str:
    """The instructions of a kernel."""
    from glassnet.engine import address
    from glassnet.engine.cache import add_symbol
    from glassnet.engine.kernels import KERNELS

    if spec.callee is not None:
        add_symbol(spec.callee.symbol, address(spec.callee.kind, spec.callee.dtype))
    return instructions_of(KERNELS[spec.kind](spec))


def instructions_of(kernel: Callable[..., None]) -> str:
    """The instructions of a Python function of (row, context), compiled as kernels are."""
    from glassnet.engine.compile import assembly, optimised

    return assembly(optimised(kernel)[1])


def inner_loops(code: str) -> list[str]:
    """The innermost loops: code between a label and a jump back to it that contains no other such code."""
    lines = code.splitlines()
    labels = {match[1]: number for number, line in enumerate(lines) if (match := LABEL.match(line))}
    jumps = {number: labels.get(match[1], number) for number, line in enumerate(lines) if (match := JUMP.match(line))}
    loops = {(start, end) for end, start in jumps.items() if start < end}
    inner = [one for one in loops if not any(one[0] <= start and end <= one[1] for start, end in loops - {one})]
    return ["\n".join(lines[start : end + 1]) for start, end in sorted(inner)]


def scalar_loops(code: str) -> list[str]:
    """The innermost loops of scalar arithmetic."""
    return [loop for loop in inner_loops(code) if SCALAR.search(loop) and not PACKED.search(loop)]


def packed_loops(code: str) -> list[str]:
    """The innermost loops of vector arithmetic."""
    return [loop for loop in inner_loops(code) if PACKED.search(loop)]


def is_packed(code: str, dtype: str, arithmetic: str = r"fn?madd\d+") -> bool:
    """Whether the code has such arithmetic on whole vectors."""
    return bool(re.search(rf"\sv{arithmetic}{SUFFIX[dtype]}\s.*%[yz]mm", code))


def scalar_products(code: str) -> int:
    """The number of scalar multiplications and divisions."""
    return len(re.findall(r"\sv(?:fn?m\w+|mul|div)s[sd]\s", code))


def calls(code: str) -> int:
    """The number of calls; that of a kernel which could raise an exception counts too."""
    return len(re.findall(r"\scall", code))
