"""The costs of consecutive steps in bounded memory: of every step, and of very many the means of 2, 4, 8 ... steps.

There is one of what a page has not received yet, and one per branch for its whole curve: neither ever has a gap.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np

from glassnet.program.parameters import Array

MAX_WAITING = 1 << 16  # points that wait for a slow page
MAX_CURVE = 1 << 15  # points of the curve of a branch


class CostPart(NamedTuple):
    """Costs of the steps from `first` to `end` (counted from 0, without it): means of `every` steps, the last of the
    rest.
    """

    first: int
    end: int
    every: int
    values: Array


class CostLog:
    """Costs from step `first` on. Steps that are repeated (of a replay) are not noted twice."""

    def __init__(self, first: int = 0, most: int = MAX_WAITING) -> None:
        self.most, self._lock = most, threading.Lock()
        self._clear(first)

    def _clear(self, step: int) -> None:
        self._first = self._next = step
        self._parts, self._count, self._every = list[Array](), 0, 1
        self._rest_sum, self._rest_count = 0.0, 0

    def begin(self, step: int) -> None:
        """Forget all; the next cost is that of this step (counted from 0)."""
        with self._lock:
            self._clear(step)

    def begin_with(self, part: CostPart) -> None:
        """Forget all but these costs; the next one follows them."""
        with self._lock:
            self._clear(part.first)
            self._next, self._every = part.end, part.every
            whole, rest = divmod(part.end - part.first, part.every)
            self._put(part.values[:whole])
            if rest:
                self._rest_sum, self._rest_count = float(part.values[-1]) * rest, rest

    def go_on_from(self, step: int) -> None:
        """The next cost is that of this step: what waits stays, unless steps are repeated under other settings."""
        if step != self._next:
            self.begin(step)

    def add(self, step: int, costs: Array) -> None:
        """Note the costs of the steps from `step` on, as far as they are new."""
        with self._lock:
            skipped = self._next - step
            if 0 <= skipped < len(costs):
                self._append(costs[skipped:])
                self._next = step + len(costs)
                while self._count > self.most:
                    self._halve()

    def _append(self, costs: Array) -> None:
        """Add costs to the mean that has begun, and begin others."""
        missing = self._every - self._rest_count if self._rest_count else 0
        self._begin_mean(costs[:missing])
        if self._rest_count == self._every:
            self._put(np.array([self._rest_sum / self._every]))
            self._rest_sum, self._rest_count = 0.0, 0
        costs = costs[missing:]
        whole = len(costs) // self._every * self._every
        self._put(costs[:whole].reshape(-1, self._every).mean(axis=1))
        self._begin_mean(costs[whole:])

    def _put(self, means: Array) -> None:
        if len(means):
            self._parts.append(means)
            self._count += len(means)

    def _begin_mean(self, costs: Array) -> None:
        self._rest_sum += float(costs.sum())
        self._rest_count += len(costs)

    def _halve(self) -> None:
        """Put each two means together."""
        values = np.concatenate(self._parts)
        pairs, odd = len(values) // 2, len(values) % 2
        if odd:
            self._rest_sum += float(values[-1]) * self._every
            self._rest_count += self._every
        self._parts = [values[: 2 * pairs].reshape(-1, 2).mean(axis=1)]
        self._count, self._every = pairs, 2 * self._every

    def take(self) -> CostPart:
        """All costs that wait; they are then no longer here, and the next ones are again of every step."""
        with self._lock:
            part = self._part()
            self._clear(self._next)
            return part

    def part(self) -> CostPart:
        """All costs, which stay."""
        with self._lock:
            return self._part()

    def _part(self) -> CostPart:
        rest = [np.array([self._rest_sum / self._rest_count])] if self._rest_count else []
        values = np.concatenate([np.zeros(0), *self._parts, *rest])
        return CostPart(self._first, self._next, self._every, values)
