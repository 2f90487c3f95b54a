"""Intervals: the range of an activation, the domain of a cost, the values a setting may have."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from glassnet.array_likes import short_repr, to_float
from glassnet.errors import ParameterError, ParameterTypeError


@dataclass(frozen=True)
class Interval:
    """The numbers from `low` to `high`; a closed end belongs to the interval, an infinite end is never closed."""

    low: float = -inf
    high: float = inf
    low_closed: bool = True
    high_closed: bool = True

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ParameterError(f"an interval must have low ≤ high, not {self.low!r} and {self.high!r}.")
        object.__setattr__(self, "low_closed", self.low_closed and self.low != -inf)
        object.__setattr__(self, "high_closed", self.high_closed and self.high != inf)

    def contains(self, other: Interval) -> bool:
        """Whether every number of `other` lies in this interval."""
        low = self.low < other.low or (self.low == other.low and (self.low_closed or not other.low_closed))
        high = other.high < self.high or (self.high == other.high and (self.high_closed or not other.high_closed))
        return low and high

    @property
    def is_bounded(self) -> bool:
        """Whether both ends are finite."""
        return self.low > -inf and self.high < inf

    def first_outside(self, array: Any) -> tuple[int, ...] | None:
        """The index of the first element (in C order) outside the interval, or None; NaN is outside."""
        values = np.asarray(array)
        above = values >= self.low if self.low_closed else values > self.low
        below = values <= self.high if self.high_closed else values < self.high
        inside = above & below
        if inside.all():
            return None
        return tuple(int(index) for index in np.unravel_index(int(np.argmin(inside)), inside.shape))

    def __str__(self) -> str:
        low, high = (f"{end:g}".replace("inf", "∞").replace("-", "−") for end in (self.low, self.high))
        return f"{'[' if self.low_closed else '('}{low}, {high}{']' if self.high_closed else ')'}"


def interval_between(name: str, low: Any, high: Any, closed: bool = True) -> Interval:
    """The interval between two numbers that a person gave as the limits of `name`."""
    try:
        ends = to_float(low), to_float(high)
    except (TypeError, ValueError):
        given = f"{short_repr(low)} and {short_repr(high)}"
        raise ParameterTypeError(f"the limits of {name} must be two numbers, low and high, not {given}.") from None
    return Interval(*ends, closed, closed)


REAL = Interval()
POSITIVE = Interval(0, low_closed=False)
NON_NEGATIVE = Interval(0)
UNIT_INTERVAL = Interval(0, 1)
OPEN_UNIT = Interval(0, 1, low_closed=False, high_closed=False)
HALF_OPEN_UNIT = Interval(0, 1, high_closed=False)
