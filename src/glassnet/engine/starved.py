"""Whether this process may run code that it has written, and has the memory to do so; asked before it is tried.

Where it may not, the first kernel would be a segmentation fault, and LLVM ends the process where memory is short.
"""

from __future__ import annotations

import ctypes
import mmap
import sys

from glassnet.errors import EngineUnavailable

PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
NEEDED = {  # bytes of address space that take the import of a module and one kernel, and one kernel more
    "llvmlite.binding": (240 << 20, 16 << 20),  # to load a kernel, and to run NumPy if that fails
    "numba": (240 << 20, 48 << 20),  # to compile one
}


def check_executable_memory() -> None:
    """Try what LLVM does with a kernel: write a page, then make it executable. Raises EngineUnavailable."""
    if sys.platform != "linux":
        return
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, **PRIVATE)  # not closed here: `memory` holds it; both end with this call
        memory = ctypes.c_char.from_buffer(page)
        denied = ctypes.CDLL(None).mprotect(
            ctypes.c_void_p(ctypes.addressof(memory)), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC
        )
    except OSError as error:
        raise EngineUnavailable(f"there is no memory for compiled code ({error})") from error
    if denied:
        reason = "this process may not run code that it has written"
        raise EngineUnavailable(f"{reason}, as under MemoryDenyWriteExecute of systemd or a rule of SELinux")


def check_free_memory(module: str, purpose: str) -> None:
    """Reserve for a moment the address space that a purpose needs. Raises EngineUnavailable where it is not there."""
    first, more = NEEDED[module]
    size = more if module in sys.modules else first
    try:
        mmap.mmap(-1, size, **PRIVATE).close()
    except (OSError, MemoryError, ValueError) as error:
        raise EngineUnavailable(f"{purpose} needs {size >> 20} MB of memory that this process may not have") from error
