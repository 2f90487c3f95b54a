"""Give memory that is free again back to the system: what a first pass took is then not added to what a run takes."""

from __future__ import annotations

import contextlib
import ctypes

import pyarrow as pa


def release_memory() -> None:
    """Return the free memory of Arrow and of the C library, where it is the GNU one."""
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
