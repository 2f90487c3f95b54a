"""The costs of the steps that a page has not received yet, in bounded memory."""

from __future__ import annotations

import threading

import numpy as np

from glassnet.program.parameters import Array

MAX_COSTS = 1 << 20  # that wait for a slow page


class CostLog:
    """Consecutive costs, from step `first` on; the oldest are dropped beyond MAX_COSTS, and the page is told.

    Steps that are repeated (of a replay) are not noted twice.
    """

    def __init__(self, first: int = 0) -> None:
        self.first, self.dropped, self._parts, self._lock = first, 0, list[Array](), threading.Lock()
        self._next = first

    def begin(self, step: int) -> None:
        """Forget all; the next cost is that of this step (counted from 0)."""
        with self._lock:
            self.first = self._next = step
            self._parts.clear()

    def go_on_from(self, step: int) -> None:
        """The next cost is that of this step: what waits stays, unless steps are repeated under other settings."""
        if step != self._next:
            self.begin(step)

    def add(self, step: int, costs: Array) -> None:
        """Note the costs of the steps from `step` on, as far as they are new."""
        with self._lock:
            skipped = self._next - step
            if 0 <= skipped < len(costs):
                self._parts.append(costs[skipped:].copy())
                self._next = step + len(costs)
                self._limit()

    def _limit(self) -> None:
        while self._parts and self._next - self.first - len(self._parts[0]) > MAX_COSTS:
            oldest = self._parts.pop(0)
            self.first += len(oldest)
            self.dropped += len(oldest)

    def take(self) -> tuple[int, Array]:
        """The step of the first cost that waits, and all that wait; they are then no longer here."""
        with self._lock:
            values, first = np.concatenate([np.zeros(0), *self._parts]), self.first
            self.first = self._next
            self._parts.clear()
            return first, values
