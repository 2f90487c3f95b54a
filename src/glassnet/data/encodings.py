"""How the values of a column become inputs of a network: standardised numbers, one-hot levels, parts of a date.

An encoding is fitted to the statistics of the training rows and knows nothing about spellings; another encoding of the
same reading is another class with the same methods. Model files store its fields as JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self, cast

import numpy as np

from glassnet.data.reading import Array
from glassnet.data.readings import Reading
from glassnet.data.statistics import NumberStatistics, power_of_two
from glassnet.errors import DataError

MAX_ONE_HOT_LEVELS = 100
MIN_DEVIATION = 1e-300
FLOAT32_MAX = float(np.finfo(np.float32).max)
DAYS_PER_YEAR = 365.2425
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MANY_DAYS = 1024  # from which on days are encoded once each, if they repeat
FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday
Locate = Callable[[int], str]


class Encoding(Protocol):
    """What an encoding has; `input_kinds` says what each of its inputs is, in the order of `features`.

    number: a scaled quantity; cycle: a sine or cosine; indicator: 1 where a cell is missing;
    binary: one of two levels as a sign; level: one of several; code: the number of a level, 0 where missing or unseen.
    """

    kind: ClassVar[str]
    summary_name: ClassVar[str]
    treatment: ClassVar[str]

    @property
    def input_kinds(self) -> list[str]:
        """What each input is: number, cycle, indicator, binary, level or code."""
        ...

    def features(self, name: str) -> list[str]:
        """The names of the network's inputs that come from this column."""
        ...

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        ...


class Serializable:
    """Base class of the dataclasses that a model file stores as JSON."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        return {"kind": self.kind, **asdict(cast(Any, self))}


class NumberEncoding(Serializable):
    """Base class of the encodings of a number as one input, with a second one for missing cells if `indicator`."""

    indicator: bool

    @property
    def input_kinds(self) -> list[str]:
        """What each input is."""
        return ["number", "indicator"] if self.indicator else ["number"]

    def features(self, name: str) -> list[str]:
        """The names of the network's inputs that come from this column."""
        return [name, f"{name} is missing"] if self.indicator else [name]


@dataclass(frozen=True)
class StandardizedNumber(NumberEncoding):
    """(value − mean) · scale; missing cells become the median; scale is 1/deviation, or 0 for a constant column."""

    kind: ClassVar[str] = "standardized"
    summary_name: ClassVar[str] = "number"
    treatment: ClassVar[str] = "standardised"
    median: float
    mean: float
    scale: float
    indicator: bool

    @classmethod
    def fit(cls, statistics: NumberStatistics, reading: Reading) -> Self:
        """Fit to the numbers of the training rows, in which missing ones are the median."""
        median = statistics.median
        mean, scale = _mean_and_scale_of(statistics, median)
        return cls(median, mean, scale, statistics.missing > 0)

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        missing = np.isnan(values)
        with np.errstate(over="ignore"):
            scaled = (np.where(missing, self.median, values) - self.mean) * self.scale
        if (overflows := np.abs(scaled) > FLOAT32_MAX).any():
            row = int(overflows.argmax())
            cell = f"{locate(row)}: {values[row]:g}"
            raise DataError(f"{cell} is too far outside the range of the training data; correct or empty the cell.")
        out[:, 0] = scaled
        if self.indicator:
            out[:, 1] = missing


@dataclass(frozen=True)
class OneHot(Serializable):
    """One column of 0 and `value` per level; missing, rare and unseen values are 0 in all of them.

    `codes` are the codes that the reading gives to the levels, in ascending order.
    """

    kind: ClassVar[str] = "one_hot"
    summary_name: ClassVar[str] = "category"
    treatment: ClassVar[str] = "one-hot encoded"
    max_levels: ClassVar[int] = MAX_ONE_HOT_LEVELS
    codes: list[int]
    levels: list[str]
    value: float = 1.0

    @classmethod
    def fit(cls, statistics: Array, reading: Any) -> Self:
        """Choose the most frequent levels of the training rows; `statistics` is how often each level occurs."""
        return cls(*most_frequent(statistics, reading, cls.max_levels))

    @property
    def input_kinds(self) -> list[str]:
        """What each input is."""
        return ["level"] * len(self.codes)

    def features(self, name: str) -> list[str]:
        """The names of the network's inputs that come from this column."""
        return [f"{name} = {level}" for level in self.levels]

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        positions = self._positions[np.minimum(values, len(self._positions) - 3)]
        rows = np.flatnonzero(positions >= 0)
        out[:] = 0
        out[rows, positions[rows]] = self.value

    @cached_property
    def _positions(self) -> Array:
        return positions_of(self.codes)


@dataclass(frozen=True)
class DateParts(Serializable):
    """Days since the first (standardised), year, position in the year and hour as sine and cosine, weekday one-hot.

    Parts that do not vary in the training rows are left out; a missing date is 0 everywhere but in its indicator.
    """

    kind: ClassVar[str] = "date_parts"
    summary_name: ClassVar[str] = "date"
    treatment: ClassVar[str] = "split into parts"
    days: list[float] = field(default_factory=list)  # mean and scale; empty for times of day
    years: list[float] = field(default_factory=list)
    hours: bool = False
    indicator: bool = False

    @classmethod
    def fit(cls, statistics: NumberStatistics, reading: Any) -> Self:
        """Fit to the days of the training rows."""
        missing = statistics.missing > 0
        if reading.spelling.order == "time":
            return cls(hours=True, indicator=missing)
        year, _ = years_and_positions(statistics.sample)
        varies = statistics.count > 0 and bool((year != year[0]).any())
        years = list(cls._scaling(NumberStatistics.of(year))) if varies else []
        return cls(list(cls._scaling(statistics)), years, not statistics.whole, missing)

    @classmethod
    def _scaling(cls, statistics: NumberStatistics) -> tuple[float, float]:
        """What is subtracted from days or years, and what they are multiplied by."""
        return _mean_and_scale_of(statistics, statistics.median)

    @classmethod
    def _scaled(cls, values: Array, scaling: list[float]) -> Array:
        return (values - scaling[0]) * scaling[1]

    @property
    def input_kinds(self) -> list[str]:
        """What each input is."""
        numbers = ["number"] * (1 + bool(self.years))
        kinds = [*numbers, "cycle", "cycle", *["level"] * len(WEEKDAYS)] if self.days else []
        return kinds + ["cycle", "cycle"] * self.hours + ["indicator"] * self.indicator

    def features(self, name: str) -> list[str]:
        """The names of the network's inputs that come from this column."""
        parts = []
        if self.days:
            parts += ["days", *(["year"] if self.years else []), "sin(year)", "cos(year)"]
            parts += list(WEEKDAYS)
        parts += ["sin(hour)", "cos(hour)"] if self.hours else []
        return [f"{name} {part}" for part in parts + (["is missing"] if self.indicator else [])]

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        if len(values) < MANY_DAYS or (days := _calendar(values)) is None:
            self._encode_days_into(values, out)
            return
        encoded = np.empty((len(days), out.shape[1]), out.dtype)
        self._encode_days_into(days, encoded)
        indices = np.where(np.isnan(values), len(days) - 1, values - days[0]).astype(np.int64)
        np.take(encoded, indices, axis=0, out=out, mode="clip")

    def _encode_days_into(self, values: Array, out: Array) -> None:
        missing = np.isnan(values)
        parts = self._parts(np.where(missing, 0.0, values))
        for index, part in enumerate(parts):
            out[:, index] = np.where(missing, 0.0, part)
        if self.indicator:
            out[:, len(parts)] = missing

    def _parts(self, days: Array) -> list[Array]:
        parts = []
        if self.days:
            year, position = years_and_positions(days)
            parts.append(self._scaled(days, self.days))
            parts += [self._scaled(year, self.years)] if self.years else []
            parts += [np.sin(2 * np.pi * position), np.cos(2 * np.pi * position)]
            weekday = (np.floor(days).astype(np.int64) + FIRST_WEEKDAY) % 7
            parts += [weekday == number for number in range(7)]
        if self.hours:
            angle = 2 * np.pi * (days - np.floor(days))
            parts += [np.sin(angle), np.cos(angle)]
        return parts


PLAIN_ENCODINGS: dict[str, Any] = {
    "number": StandardizedNumber,
    "boolean": OneHot,
    "category": OneHot,
    "date": DateParts,
}


def most_frequent(counts: Array, reading: Any, limit: int) -> tuple[list[int], list[str]]:
    """At most `limit` levels that occur, the most frequent ones: their codes in ascending order, and the levels."""
    present = [code for code in np.argsort(-counts, kind="stable").tolist() if counts[code]]
    codes = sorted(present[:limit])
    return codes, [reading.levels[code] for code in codes]


def positions_of(codes: list[int]) -> Array:
    """The position of each code in the list; then −1 for greater codes, and at index −1 and −2 for no level."""
    positions = np.full(max(codes, default=-1) + 4, -1, np.int64)
    positions[codes] = np.arange(len(codes))
    return positions


def _calendar(values: Array) -> Array | None:
    """All days from the first to the last, and NaN, where they are whole days that repeat; otherwise None."""
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    if not high - low < len(values) // 2 or not ((values == np.floor(values)) | np.isnan(values)).all():
        return None
    return np.append(np.arange(low, high + 1), np.nan)


def years_and_positions(days: Array) -> tuple[Array, Array]:
    """The year of days since 1970, and the position in it from 0 to 1."""
    dates = np.floor(days).astype(np.int64).astype("datetime64[D]")
    years = dates.astype("datetime64[Y]")
    start = years.astype("datetime64[D]").astype(np.int64)
    length = (years + 1).astype("datetime64[D]").astype(np.int64) - start
    return years.astype(np.int64) + 1970.0, (days - start) / length


def mean_and_scale(values: Array) -> tuple[float, float]:
    """Mean and 1/deviation of numbers, 0 for the scale of constant ones; divided first, so that nothing overflows."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    largest = max(abs(low), abs(high))
    scaled = values / largest
    mean, deviation = float(scaled.mean()), float(scaled.std())
    return mean * largest, 1 / deviation / largest if deviation * largest > MIN_DEVIATION else 0.0


def _mean_and_scale_of(statistics: NumberStatistics, median: float) -> tuple[float, float]:
    """Mean and 1/deviation of numbers, the missing ones of which are the median."""
    if statistics.low >= statistics.high:
        return (statistics.low if statistics.count else 0.0), 0.0
    size = max(statistics.size, power_of_two(abs(median)))
    known = statistics.mean * (statistics.size / size)
    total = statistics.count + statistics.missing
    difference = median / size - known
    mean = known + difference * statistics.missing / total
    squares = statistics.squares * (statistics.size / size) ** 2
    squares += difference**2 * statistics.count * statistics.missing / total
    deviation = float(np.sqrt(squares / total))
    return mean * size, 1 / deviation / size if deviation * size > MIN_DEVIATION else 0.0
