"""Bytes that Arrow reads on threads of its own, which may hold them a moment longer than the call that needed them."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

MAX_WAIT = 1.0  # seconds; it takes a thread a few milliseconds


@contextlib.contextmanager
def released_by_arrow(content: bytes) -> Iterator[None]:
    """In the block, Arrow reads these bytes; leave it when Arrow's threads have released them.

    A thread that releases bytes of Python while the interpreter ends makes the process abort.
    """
    before = sys.getrefcount(content)
    try:
        yield
    finally:
        end = time.monotonic() + MAX_WAIT
        while sys.getrefcount(content) > before and time.monotonic() < end:
            time.sleep(0.0005)
