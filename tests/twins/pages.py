"""Memory between two pages that cannot be read or written, so that one step too far ends the process."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Guarded:
    """Room for `size` bytes between two such pages."""

    def __init__(self, size: int) -> None:
        page = mmap.PAGESIZE
        inner = -(-size // page) * page
        self.memory = mmap.mmap(-1, inner + 2 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.whole = np.frombuffer(self.memory, np.uint8)[page : page + inner]
        protect = ctypes.CDLL(None).mprotect
        for place in (start, start + page + inner):
            assert protect(ctypes.c_void_p(place), ctypes.c_size_t(page), 0) == 0

    def holding(self, values: Array, behind: bool) -> Array:
        """The values right before the page behind, or right behind the page before."""
        size = values.nbytes
        part = self.whole[len(self.whole) - size :] if behind else self.whole[:size]
        found = part.view(values.dtype).reshape(values.shape)
        found[...] = values
        return found
