"""The lock of a network that is being trained: one training at a time, and none inside another."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from glassnet.errors import ParameterError

IN_TRAINING = "this network is being trained, and a callback of that run cannot train it too"


class _ProcessLock:
    """A lock of one process, and how often the thread that holds it has entered."""

    def __init__(self) -> None:
        self.lock, self.depth = threading.RLock(), 0


class TrainingLock:
    """A re-entrant lock. A forked process finds it open: the thread that held it does not exist there."""

    def __init__(self) -> None:
        self._locks: dict[int, _ProcessLock] = {}

    def _current(self) -> _ProcessLock:
        return self._locks.setdefault(os.getpid(), _ProcessLock())

    def __enter__(self) -> int:
        """Wait for the lock; return how often this thread holds it now: 1 if it did not before."""
        held = self._current()
        held.lock.acquire()
        held.depth += 1
        return held.depth

    def __exit__(self, *error: object) -> None:
        held = self._current()
        if held.depth:  # not in a process that was forked inside
            held.depth -= 1
            held.lock.release()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for the lock, for a training. Raises ParameterError inside another training of the same thread."""
        with self as trainings:
            if trainings > 1:
                raise ParameterError(f"{IN_TRAINING}; train it after the run, or train a copy (copy.deepcopy).")
            yield

    def is_held_here(self) -> bool:
        """Whether this thread holds the lock."""
        held = self._current()
        if not held.lock.acquire(blocking=False):
            return False
        held.lock.release()
        return held.depth > 0
