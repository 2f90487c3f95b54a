"""What is learnt from the cells of a column, in a form that merges: counts, moments, a sample, and levels.

The statistics of two blocks of rows merge into those of all their rows, so that a file larger than memory, or one that
lies on many machines, is described as one that fits. Sample and levels are exact up to a size that bounds the memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.arrow_types import as_text
from glassnet.data.reading import Array

MAX_SAMPLE = 50_000
MAX_LEVELS = 100_000
MAX_REPEATED = 1_000_000  # numbers of counted values that are looked at


@dataclass(frozen=True)
class NumberStatistics:
    """Numbers of a column: how many, mean, sum of squared deviations, range, and a sample of them for quantiles.

    The moments are those of `numbers / size`, where size is a power of two near the largest, so that nothing
    overflows. `sample` holds the numbers whose rows have the smallest hashes, with these rows.
    """

    count: int = 0
    missing: int = 0
    size: float = 1.0
    mean: float = 0.0
    squares: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    whole: bool = True
    consecutive: bool = True
    first: float = np.nan
    last: float = np.nan
    sample: Array = field(default_factory=lambda: np.empty(0))
    rows: Array = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, values: Array, first_row: int = 0) -> Self:
        """The statistics of numbers (n,), NaN where missing; `first_row` is the number of their first row."""
        rows = np.flatnonzero(~np.isnan(values))
        known = np.asarray(values[rows], np.float64)
        if not known.size:
            return cls(missing=len(values))
        low, high = float(known.min()), float(known.max())
        size = power_of_two(max(abs(low), abs(high)))
        scaled = known / size
        mean = float(scaled.mean())
        squares = float(((scaled - mean) ** 2).sum())
        whole = bool((known == np.floor(known)).all())
        with np.errstate(over="ignore"):
            steps = whole and known.size == len(values) and bool((np.diff(known) == 1).all())
        missing, ends = len(values) - known.size, (float(known[0]), float(known[-1]))
        if missing or known.size <= MAX_SAMPLE:
            sample, rows = _smallest_hashes(known, rows + first_row)
        else:  # as in every complete column of the table
            chosen = _smallest_hashes_of_range(first_row, known.size, MAX_SAMPLE)
            sample, rows = known[chosen], chosen + first_row
        return cls(known.size, missing, size, mean, squares, low, high, whole, steps, *ends, sample, rows)

    @classmethod
    def of_counts(cls, values: Array, counts: Array, missing: int = 0) -> Self:
        """The statistics of values (n,) that occur `counts` times each, NaN where missing, and of more missing ones."""
        known = ~np.isnan(values)
        shrunk = np.maximum(1, counts[known] // max(1, int(counts.sum()) // MAX_REPEATED))
        statistics = cls.of(np.repeat(values[known], shrunk))
        total = int(counts[known].sum())
        squares = statistics.squares * total / max(statistics.count, 1)
        missing += int(counts[~known].sum())
        return replace(statistics, count=total, squares=squares, missing=missing, consecutive=False)

    def merge(self, other: Self) -> Self:
        """The statistics of the rows of both; `other` comes after."""
        if not self.count or not other.count:
            one, missing = other if other.count else self, self.missing + other.missing
            return replace(one, missing=missing, consecutive=one.consecutive and not missing)
        size, count = max(self.size, other.size), self.count + other.count
        ours, theirs = self.mean * (self.size / size), other.mean * (other.size / size)
        difference = theirs - ours
        squares = self.squares * (self.size / size) ** 2 + other.squares * (other.size / size) ** 2
        squares += difference**2 * self.count * other.count / count
        steps = self.consecutive and other.consecutive and other.first == self.last + 1
        steps = steps and not self.missing and not other.missing
        sample, rows = _smallest_hashes(np.append(self.sample, other.sample), np.append(self.rows, other.rows))
        mean = ours + difference * other.count / count
        low, high = min(self.low, other.low), max(self.high, other.high)
        whole, missing = self.whole and other.whole, self.missing + other.missing
        ends = self.first, other.last
        return type(self)(count, missing, size, mean, squares, low, high, whole, steps, *ends, sample, rows)

    def limited(self, count: int) -> Self:
        """The same with a sample of at most so many numbers."""
        sample, rows = _smallest_hashes(self.sample, self.rows, count)
        return replace(self, sample=sample, rows=rows)

    @property
    @np.errstate(under="ignore")
    def median(self) -> float:
        """The median of the sample."""
        return 2 * float(np.median(self.sample / 2)) if self.count else 0.0  # halved, so that no sum overflows

    @np.errstate(under="ignore")  # halves of the least numbers are 0
    def quantiles(self, shares: Any) -> Array:
        """Quantiles of the sample, for shares from 0 to 1, interpolated linearly between its numbers."""
        ordered = np.sort(self.sample) / 2  # halved, so that no difference overflows; a sort beats np.quantile
        positions = np.asarray(shares) * (len(ordered) - 1)
        lower = positions.astype(np.int64)
        low, high = ordered[lower], ordered[np.minimum(lower + 1, len(ordered) - 1)]
        result: Array = 2 * (low + (high - low) * (positions - lower))
        return result

    @property
    def distinct_share(self) -> float:
        """How many different numbers the sample has, per number."""
        return len(np.unique(self.sample)) / max(len(self.sample), 1)


@dataclass(frozen=True)
class Levels:
    """The distinct texts of a column with their counts; `other` cells have texts that are not listed."""

    counts: dict[str, int] = field(default_factory=dict)
    other: int = 0

    @classmethod
    def of(cls, cells: pa.Array) -> Self:
        """Count the texts that are not null."""
        counted = pc.value_counts(cells.drop_null())
        values, counts = counted.field(0).to_pylist(), counted.field(1).to_pylist()
        return cls(dict(zip(values, counts, strict=True))).limited()

    @classmethod
    def of_values(cls, column: pa.ChunkedArray) -> Self:
        """Count the texts of a column of numbers or booleans; only distinct values become text, which takes time."""
        counted = pc.value_counts(column.combine_chunks().drop_null())
        texts, counts = as_text(counted.field(0)).to_pylist(), counted.field(1).to_pylist()
        merged: dict[str, int] = {}
        for text, count in zip(texts, counts, strict=True):  # 0.0 and −0.0 have one text, NaN has none
            if text is not None:
                merged[text] = merged.get(text, 0) + count
        return cls(merged).limited()

    def merge(self, other: Self) -> Self:
        """The levels of the rows of both."""
        counts = dict(self.counts)
        for text, count in other.counts.items():
            counts[text] = counts.get(text, 0) + count
        return type(self)(counts, self.other + other.other).limited()

    def limited(self, count: int | None = None) -> Self:
        """The most frequent levels, at most so many, or MAX_LEVELS."""
        count = MAX_LEVELS if count is None else count
        if len(self.counts) <= count:
            return self
        frequent = dict(sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:count])
        return type(self)(frequent, self.other + sum(self.counts.values()) - sum(frequent.values()))

    @property
    def total(self) -> int:
        """How many cells were counted."""
        return sum(self.counts.values()) + self.other


def power_of_two(largest: float) -> float:
    """A power of two near a positive number, by which float64 divides without rounding; 1 for 0."""
    return float(2.0 ** min(max(np.frexp(largest)[1], -1000), 1000)) if largest > 0 else 1.0


def _smallest_hashes(values: Array, rows: Array, count: int | None = None) -> tuple[Array, Array]:
    """At most `count` (or MAX_SAMPLE) of the values, chosen by a hash of their row, in the order of the rows."""
    count = MAX_SAMPLE if count is None else count
    if len(values) <= count:
        return values, rows
    chosen = smallest_hashes(rows, count)
    return values[chosen], rows[chosen]


@lru_cache(maxsize=2)
def _smallest_hashes_of_range(first: int, length: int, count: int) -> Array:
    """The positions of `count` of so many successive rows, fewer than there are, as `smallest_hashes` chooses them."""
    chosen = smallest_hashes(np.arange(first, first + length), count)
    assert isinstance(chosen, np.ndarray)
    chosen.setflags(write=False)
    return chosen


def smallest_hashes(rows: Array, count: int) -> Array | slice:
    """The positions of at most `count` of some rows, those whose numbers have the smallest hashes, in rising order."""
    if len(rows) <= count:
        return slice(None)
    hashes = rows.astype(np.uint64)
    with np.errstate(over="ignore"):  # the finaliser of SplitMix64
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    return np.sort(np.argpartition(hashes, count)[:count])
