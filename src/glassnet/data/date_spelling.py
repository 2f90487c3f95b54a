"""The ways in which people write dates and times: ISO, day or month first, with a name or a mark, or a time alone.

The order of day and month is found once, from the whole column, and then applied to every file. Values are days since
1970-01-01 in UTC, with the time of day as a fraction; a time alone is a fraction of a day.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.civil_calendar import civil_days, fraction_of_day, full_year
from glassnet.data.date_words import numeric_dates
from glassnet.data.fixed_width_dates import fixed_width_days
from glassnet.data.number_spelling import normalised
from glassnet.data.reading import Array

TIME = r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}(?:[.,]\d+)?))?\s*(?P<ap>[AaPp]\.?[Mm]\.?)?(?:\s*Uhr)?"
REST = rf"(?:[T ,]\s*{TIME}\s*(?P<tz>Z|UTC|GMT|[+-]\d{{2}}(?::?\d{{2}})?)?)?$"
YEAR_FIRST = rf"^(?P<a>\d{{4}})[-/.](?P<b>\d{{1,2}})(?:[-/.](?P<c>\d{{1,2}}))?{REST}"
COMPACT = rf"^(?P<a>\d{{4}})(?P<b>\d{{2}})(?P<c>\d{{2}}){REST}"
YEAR_LAST = rf"^(?P<a>\d{{1,2}})[-/. ](?P<b>\d{{1,2}})[-/. ](?P<c>\d{{4}}|\d{{2}}){REST}"
BEYOND_A_DAY = r"^(?:2[5-9]|[3-9]\d):\d\d:\d\d"  # then these are durations
SHORT_YEAR = r"^\s*\d{1,2}[-/. ](?:\d{1,2}|\pL+\.?)[-/. ](?P<year>\d{2})(?:\D|$)"
TIME_ALONE = rf"^{TIME}$"
LAST_LIKELY_YEAR = 2040  # of two digits: 45 is 2045, but a date of birth would be of 1945
PARTS = {"dmy": "cba", "mdy": "cab"}  # the groups of YEAR_LAST that are year, month and day


@dataclass(frozen=True)
class DateSpelling:
    """The order of the parts of a date: "ymd", "dmy" or "mdy", or "time" for times of day alone."""

    order: str = "ymd"

    def parse(self, cells: pa.Array) -> tuple[Array, Array]:
        """Days since 1970-01-01 (n,) float64, NaN where a cell is null or no date, and which cells are dates (n,)."""
        days = fixed_width_days(pc.fill_null(cells, ""), self.order)
        if not (np.isnan(days) & cells.is_valid().to_numpy(zero_copy_only=False)).any():
            return days, ~np.isnan(days)
        cells = pc.fill_null(numeric_dates(normalised(cells)), "")
        if self.order == "time":
            _fill_into(days, cells, TIME_ALONE, "")
            return days, ~np.isnan(days)
        patterns = [(YEAR_FIRST, "abc"), (COMPACT, "abc")]
        if self.order != "ymd":  # no text matches two of the patterns, so the most likely one goes first
            patterns.insert(0, (YEAR_LAST, PARTS[self.order]))
        for pattern, order in patterns:
            if np.isnan(days).any():
                _fill_into(days, cells, pattern, order)
        if self.order == "ymd" and np.isnan(days).any() and (order := _unambiguous_order(cells)):
            _fill_into(days, cells, YEAR_LAST, PARTS[order])
        return days, ~np.isnan(days)

    @classmethod
    def discover(cls, texts: pa.Array, order: str | None = None) -> tuple[Self, str]:
        """The spelling of distinct texts, and how it was told: empty where nothing had to be told."""
        cells = numeric_dates(normalised(texts))
        beyond_a_day = pc.any(pc.match_substring_regex(cells, BEYOND_A_DAY)).as_py()
        if pc.all(pc.match_substring_regex(cells, TIME_ALONE)).as_py() and len(cells) and not beyond_a_day:
            return cls("time"), ""
        if order:
            return cls(order), "as requested"
        parts, years = _parts(cells, YEAR_LAST), _short_year_phrase(texts)
        if not len(parts):
            return cls(), years.removeprefix(", ")
        example = parts["text"][0]
        if (parts["a"] > 12).any() and not (parts["b"] > 12).any():
            return cls("dmy"), f"day first: {parts['text'][int((parts['a'] > 12).argmax())]}{years}"
        if (parts["b"] > 12).any() and not (parts["a"] > 12).any():
            return cls("mdy"), f"month first: {parts['text'][int((parts['b'] > 12).argmax())]}{years}"
        if "/" in example:
            return cls("mdy"), f"month first is assumed, no day is above 12: {example}{years}"
        return cls("dmy"), f"day first is assumed, no day is above 12: {example}{years}"

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        return asdict(self)


def typed_days(column: pa.Array) -> Array:
    """Days of an Arrow column of dates, timestamps or times, NaN where it is null."""
    kind = column.type
    if pa.types.is_time(kind):
        unit = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]
        integers = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
        return np.asarray(integers.cast(pa.float64()).to_numpy(zero_copy_only=False)) / unit / 86400
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("s"))
    elif column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit))
    unit = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
    ticks = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.where(column.is_valid().to_numpy(zero_copy_only=False), ticks, np.nan) / unit / 86400


def _short_year_phrase(texts: pa.Array) -> str:
    """What the latest year of two digits means, where it is far ahead and so perhaps of the last century."""
    digits = pc.drop_null(pc.struct_field(pc.extract_regex(texts, SHORT_YEAR), "year"))
    latest = full_year(digits.cast(pa.int64()).to_numpy()).max(initial=0)
    return f", years of two digits: {latest - 2000} is {latest}" if latest > LAST_LIKELY_YEAR else ""


def _unambiguous_order(cells: pa.Array) -> str:
    """The order of dates that end with the year, where the cells leave no doubt about it."""
    parts = _parts(cells, YEAR_LAST)
    if not len(parts):
        return ""
    day_first, month_first = (parts["a"] > 12).any(), (parts["b"] > 12).any()
    if day_first != month_first:
        return "dmy" if day_first else "mdy"
    return "dmy" if not day_first and all("." in text for text in parts["text"]) else ""


def _parts(cells: pa.Array, pattern: str) -> np.ndarray[Any, Any]:
    """The first two numbers and the text of each cell that matches."""
    matches = pc.extract_regex(cells, pattern)
    valid = matches.is_valid()
    matches, texts = matches.filter(valid), cells.filter(valid)
    result = np.empty(len(matches), [("a", np.int64), ("b", np.int64), ("text", object)])
    for name in "ab":
        result[name] = pc.struct_field(matches, name).cast(pa.int64()).to_numpy(zero_copy_only=False)
    result["text"] = texts.to_pylist()
    return result


def _fill_into(days: Array, cells: pa.Array, pattern: str, order: str) -> None:
    """Write the days of the cells that match the pattern; `order` names its year, month and day."""
    matches = pc.extract_regex(cells, pattern)
    rows = np.flatnonzero(matches.is_valid().to_numpy(zero_copy_only=False) & np.isnan(days))
    if not rows.size:
        return
    chosen = matches.take(pa.array(rows))
    timed = pc.any(pc.not_equal(pc.struct_field(chosen, "H"), "")).as_py()
    time = _time_of_day(chosen, "tz" in [field.name for field in chosen.type]) if timed else np.zeros(len(rows))
    if order:
        year, month, day = (_integers(chosen, name, 1) for name in order)
        time = civil_days(full_year(year), month, day) + time
    days[rows] = time


def _time_of_day(chosen: pa.StructArray, zoned: bool) -> Array:
    """The fraction of a day, in UTC, NaN for a time that does not exist; 0 without a time."""
    hour, minute = _integers(chosen, "H", 0), _integers(chosen, "M", 0)
    seconds = pc.replace_substring(_field(chosen, "S"), ",", ".").cast(pa.float64())
    second = np.nan_to_num(np.asarray(seconds.to_numpy(zero_copy_only=False), np.float64))
    half = pc.utf8_lower(pc.utf8_slice_codeunits(_field(chosen, "ap"), 0, 1)).to_numpy(zero_copy_only=False)
    valid = (minute < 60) & (second < 61) & (hour < np.where(half == None, 24, 13))  # noqa: E711
    hour = np.where(half == "p", hour % 12 + 12, np.where(half == "a", hour % 12, hour))
    time = np.where(valid, fraction_of_day(hour, minute, second), np.nan)
    return time - _offset(_field(chosen, "tz")) if zoned else time


def _offset(zones: pa.Array) -> Array:
    """The time zone's offset from UTC, in days."""
    texts = pc.replace_substring(pc.if_else(pc.match_substring_regex(zones, r"^[+-]"), zones, "+0000"), ":", "")
    texts = pc.utf8_rpad(pc.fill_null(texts, "+0000"), 5, "0")  # +02 is +0200
    hours = pc.utf8_slice_codeunits(texts, 0, 3).cast(pa.float64())
    minutes = pc.utf8_slice_codeunits(texts, 3).cast(pa.float64())
    whole, part = (np.asarray(values.to_numpy(zero_copy_only=False)) for values in (hours, minutes))
    return (whole + np.copysign(part, whole) / 60) / 24


def _field(chosen: pa.StructArray, name: str) -> pa.Array:
    """One group of the matches, null where it is empty."""
    texts = pc.struct_field(chosen, name)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)


def _integers(chosen: pa.StructArray, name: str, default: int) -> Array:
    return pc.fill_null(_field(chosen, name).cast(pa.int64()), default).to_numpy(zero_copy_only=False)
