"""Dates and times whose digits stand at fixed places, as most files write them: read by arithmetic on their bytes.

That takes a fraction of the time of a pattern. Any other text goes the way of patterns (date_spelling.py), which gives
the same bits.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.civil_calendar import civil_days, fraction_of_day, full_year
from glassnet.data.reading import Array

WIDTHS = (10, 16, 19)  # of a date, with hours and minutes, with seconds
DIGITS = b"0123456789"
MONTH_DAY = (slice(5, 7), slice(8, 10))
YEAR_LAST = {"dmy": (slice(3, 5), slice(2)), "mdy": (slice(2), slice(3, 5))}  # where month and day are, by the order


def fixed_width_days(cells: pa.Array, order: str) -> Array:
    """The days of texts such as 2020-12-31, 31.12.2020 or 2020-12-31 23:59, NaN for all others.

    `order` is that of a DateSpelling; dates that end with the year are read where it says what comes first.
    """
    days = np.full(len(cells), np.nan)
    lengths = pc.binary_length(cells).to_numpy(zero_copy_only=False)
    for width in WIDTHS if order != "time" else ():
        rows = np.flatnonzero(lengths == width)
        if rows.size:
            texts = cells.take(pa.array(rows)).cast(pa.large_binary()).to_pylist()
            characters = np.frombuffer(b"".join(texts), np.uint8).reshape(-1, width)
            days[rows] = _dates(characters[:, :10], order)
            if width > 10:
                days[rows] += _times(characters[:, 10:])
    return days


def _dates(characters: Array, order: str) -> Array:
    """The days of dates (n, 10), NaN for any other text."""
    days = np.full(len(characters), np.nan)
    layouts = [((4, 7), b"-/.", slice(4), MONTH_DAY)]
    layouts += [((2, 5), b"-/. ", slice(6, 10), YEAR_LAST[order])] if order in YEAR_LAST else []
    for positions, separators, year, month_day in layouts:
        digits = np.delete(characters, positions, axis=1)
        fits = _are_among(characters[:, positions], separators) & _are_among(digits, DIGITS)
        numbers = [_decimal(characters[fits, part]) for part in (year, *month_day)]
        days[fits] = civil_days(full_year(numbers[0]), *numbers[1:])
    return days


def _times(characters: Array) -> Array:
    """The fractions of a day of T23:59 or T23:59:59 (n, 6 or 9), with T or a blank, NaN for any other text."""
    time, colons = np.full(len(characters), np.nan), list(range(3, characters.shape[1], 3))
    digits = np.delete(characters, [0, *colons], axis=1)
    fits = _are_among(characters[:, [0]], b"T ") & _are_among(characters[:, colons], b":") & _are_among(digits, DIGITS)
    hour, minute, second = (_decimal(digits[fits, start : start + 2]) for start in (0, 2, 4))
    valid = (hour < 24) & (minute < 60) & (second < 61)
    time[fits] = np.where(valid, fraction_of_day(hour, minute, second), np.nan)
    return time


def _are_among(characters: Array, allowed: bytes) -> Array:
    """Whether all characters of each row (n, k) are among the allowed ones."""
    is_allowed = np.zeros(256, bool)
    is_allowed[list(allowed)] = True
    return np.asarray(is_allowed[characters].all(axis=1))


def _decimal(characters: Array) -> Array:
    """The numbers that rows of digits spell, 0 without digits."""
    digits = characters.astype(np.int64) - ord("0")
    return digits @ 10 ** np.arange(digits.shape[1])[::-1]
