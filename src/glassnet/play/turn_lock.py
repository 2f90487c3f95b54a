"""The lock of a run: whoever waits for it gets the next turn, before the thread that plays the run takes it again.

A plain lock would go to the player each time, because it asks again as soon as it has let go.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAX_WAIT = 1.0  # seconds that the player waits for others to take their turn


class TurnLock:
    """A re-entrant lock; `last` is the way in of the thread that lets all others go first."""

    def __init__(self) -> None:
        self._lock, self._count = threading.RLock(), threading.Lock()
        self._waiting, self._nobody = 0, threading.Event()
        self._nobody.set()

    def __enter__(self) -> None:
        with self._count:
            self._waiting += 1
            self._nobody.clear()
        self._lock.acquire()
        with self._count:
            self._waiting -= 1
            if not self._waiting:
                self._nobody.set()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    @contextmanager
    def last(self) -> Iterator[None]:
        """Hold the lock after all who wait for it now."""
        self._nobody.wait(MAX_WAIT)
        with self._lock:
            yield
