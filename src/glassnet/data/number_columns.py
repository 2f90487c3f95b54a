"""What NumberStatistics are of one column, for many columns at once, none of which has a missing cell.

With hundreds of columns, a call per column would take longer than the arithmetic. Their samples hold the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from glassnet.data.encodings import MIN_DEVIATION
from glassnet.data.reading import Array
from glassnet.data.statistics import NumberStatistics, smallest_hashes


@dataclass(frozen=True)
class NumberColumns:
    """Statistics of `count` finite numbers of each of k columns: arrays (k,), and a sample (k, n) of these rows."""

    count: int
    size: Array
    mean: Array
    squares: Array
    low: Array
    high: Array
    whole: Array
    consecutive: Array
    first: Array
    last: Array
    sample: Array
    rows: Array

    @classmethod
    def of(cls, values: Array, first_row: int, sample: int) -> Self:
        """The statistics of finite numbers (k, n); `first_row` is the number of their first row, `sample` a limit."""
        low, high, count = values.min(axis=1), values.max(axis=1), values.shape[1]
        size = _powers_of_two(np.maximum(np.abs(low), np.abs(high)))
        scaled = values / size[:, np.newaxis]
        mean = scaled.mean(axis=1)
        scaled -= mean[:, np.newaxis]
        squares = np.square(scaled, out=scaled).sum(axis=1)
        whole = (values == np.floor(values, out=scaled)).all(axis=1)
        first, last = values[:, 0].copy(), values[:, -1].copy()
        with np.errstate(over="ignore"):
            consecutive = whole & (last - first == count - 1)
        steps = np.flatnonzero(consecutive)
        consecutive[steps] = (np.diff(values[steps], axis=1) == 1).all(axis=1)
        rows = np.arange(first_row, first_row + count)
        chosen = smallest_hashes(rows, sample)
        drawn = values[:, chosen].copy()
        return cls(count, size, mean, squares, low, high, whole, consecutive, first, last, drawn, rows[chosen])

    def merge(self, other: Self, sample: int) -> Self:
        """The statistics of the rows of both; `other` comes after."""
        size, count = np.maximum(self.size, other.size), self.count + other.count
        ours, theirs = self.mean * (self.size / size), other.mean * (other.size / size)
        difference = theirs - ours
        squares = self.squares * (self.size / size) ** 2 + other.squares * (other.size / size) ** 2
        squares += difference**2 * self.count * other.count / count
        mean = ours + difference * other.count / count
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        whole = self.whole & other.whole
        steps = self.consecutive & other.consecutive & (other.first == self.last + 1)
        rows = np.append(self.rows, other.rows)
        chosen = smallest_hashes(rows, sample)
        drawn = np.concatenate([self.sample, other.sample], axis=1)[:, chosen]
        ends = self.first, other.last
        return type(self)(count, size, mean, squares, low, high, whole, steps, *ends, drawn, rows[chosen])

    def mean_and_scale(self) -> tuple[list[float], list[float]]:
        """The mean and 1/deviation of each column, 0 for the scale of constant ones."""
        deviation = np.sqrt(self.squares / self.count)
        varies = (self.low < self.high) & (deviation * self.size > MIN_DEVIATION)
        scale = np.where(varies, 1 / np.where(varies, deviation, 1) / self.size, 0.0)
        return np.where(self.low < self.high, self.mean * self.size, self.low).tolist(), scale.tolist()

    def part(self, chosen: Array) -> Self:
        """The statistics of some of the columns, by their numbers."""
        arrays = {name: value[chosen] for name, value in vars(self).items() if name not in ("count", "rows")}
        return type(self)(count=self.count, rows=self.rows, **arrays)

    def column(self, number: int) -> NumberStatistics:
        """The statistics of one of the columns."""
        names = ("size", "mean", "squares", "low", "high", "first", "last")
        numbers: dict[str, float] = {name: float(getattr(self, name)[number]) for name in names}
        flags: dict[str, bool] = {name: bool(getattr(self, name)[number]) for name in ("whole", "consecutive")}
        sample = {"sample": self.sample[number].copy(), "rows": self.rows}
        return NumberStatistics(self.count, **numbers, **flags, **sample)  # type: ignore[arg-type]


def _powers_of_two(largest: Array) -> Array:
    """What `power_of_two` gives for each number."""
    exponents = np.clip(np.frexp(largest)[1], -1000, 1000)
    return np.where(largest > 0, np.ldexp(1.0, exponents), 1.0)
