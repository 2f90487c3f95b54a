"""What the engine finds on this machine: the processor, its vector unit, and the kernels that are stored on disk.

`glassnet --version --verbose` prints it, for a report of a fault. Nothing is compiled and Numba is not imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from glassnet.engine.cache_folder import cache_folder
from glassnet.errors import EngineUnavailable

FEATURES = ("sse2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "avx512bf16", "amx-bf16", "neon", "sve")


class EngineStatus(NamedTuple):
    """The processor's name for LLVM and its features that decide the kernels, and the folder of the kernels.

    `problem` says why the engine cannot work here, or why kernels are not stored; empty where there is nothing to say.
    """

    processor: str
    features: tuple[str, ...]
    folder: Path | None
    kernels: int
    kernel_bytes: int
    problem: str


def engine_status() -> EngineStatus:
    """The status of the compiled engine in this process."""
    folder = cache_folder()
    files = [path.stat().st_size for path in folder.path.glob("*.kernel")] if folder.path else []
    problem = f"kernels are not stored: {folder.reason}" if folder.reason else ""
    try:
        processor, features = host_processor()
    except EngineUnavailable as error:
        processor, features, problem = "", (), str(error)
    return EngineStatus(processor, features, folder.path, len(files), sum(files), problem)


def host_processor() -> tuple[str, tuple[str, ...]]:
    """LLVM's name of the processor and those of FEATURES that it has. Raises EngineUnavailable."""
    from glassnet.engine.cache import environment

    environment()  # raises where Numba or llvmlite is missing
    import llvmlite.binding as llvm

    present = llvm.get_host_cpu_features()
    return llvm.get_host_cpu_name(), tuple(name for name in FEATURES if present.get(name))
