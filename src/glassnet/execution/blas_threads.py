"""One thread for BLAS while a model is fitted: its sums, and with them the bits of the model, depend on their number.

The limit holds for the whole process, so that fits on several threads share it: the first sets it, the last lifts it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _SharedLimit:
    """How many fits need the limit, and what lifts it: each sets it again, for a library may have been loaded since."""

    def __init__(self) -> None:
        self.lock, self.fits = threading.Lock(), 0
        self.limits: list[Any] = []

    def enter(self) -> None:
        """Set the limit for one more fit."""
        from threadpoolctl import threadpool_limits

        with self.lock:
            self.limits.append(threadpool_limits(1, "blas"))
            self.fits += 1

    def leave(self) -> None:
        """Lift it after the last one."""
        with self.lock:
            self.fits -= 1
            while self.limits and not self.fits:
                self.limits.pop().restore_original_limits()


_limit = _SharedLimit()


def _renew_lock() -> None:
    """Replace the lock in a forked process: a thread that does not exist there may have held it."""
    _limit.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """In the block, BLAS runs in one thread, whatever other threads begin or end meanwhile."""
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()
