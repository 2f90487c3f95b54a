"""The lock between a run that changes parameters and another thread that copies or saves them: only between steps.

A run holds it for one compiled call at a time and takes it again at once; so that others have their turn, whoever waits
for it holds a second lock, the queue, which the run needs as well.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator


class StepLock:
    """Held by a run while it makes steps, and by whoever needs the parameters as they are after one.

    A child process has locks of its own: one that a thread of the parent held would never be free.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._queue, self._lock = threading.Lock(), threading.RLock()

    @contextlib.contextmanager
    def steps(self) -> Iterator[None]:
        """In the block, a run makes steps."""
        queue, lock = self._locks()
        with queue:
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def between_steps(self) -> Iterator[None]:
        """In the block, no other thread makes a step; a thread that makes one itself may enter."""
        queue, lock = self._locks()
        if not lock.acquire(blocking=False):
            with queue:
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _locks(self) -> tuple[threading.Lock, threading.RLock]:
        if self._process != os.getpid():
            self.__init__()  # type: ignore[misc]
        return self._queue, self._lock
