"""Memory between two pages that cannot be read or written, so that a byte too far ends the process."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Guarded:
    """Memory of `size` bytes between two such pages."""

    def __init__(self, size: int) -> None:
        page = mmap.PAGESIZE
        length = -(-size // page) * page
        self.memory = mmap.mmap(-1, length + 2 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.inner = np.frombuffer(self.memory, np.uint8)[page : page + length]
        protect = ctypes.CDLL(None).mprotect
        for address in (start, start + page + length):
            assert protect(ctypes.c_void_p(address), ctypes.c_size_t(page), 0) == 0

    def copy(self, values: Array, at_end: bool) -> Array:
        """A copy of the values that ends at the second page, or begins at the first."""
        size = values.nbytes
        part = self.inner[len(self.inner) - size :] if at_end else self.inner[:size]
        array = part.view(values.dtype).reshape(values.shape)
        array[...] = values
        return array
