"""Days since 1970-01-01 from years, months, days and times of day, as arrays: the arithmetic of every spelling."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.reading import Array

FIRST_RECENT_YEAR = 69  # of two digits, as in POSIX: 69 is 1969, 68 is 2068


def full_year(year: Array) -> Array:
    """Years of two digits with their century."""
    return np.where(year >= 100, year, year + np.where(year >= FIRST_RECENT_YEAR, 1900, 2000))


def civil_days(year: Array, month: Array, day: Array) -> Array:
    """Days since 1970-01-01, NaN for a date that does not exist."""
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    last = (months + 1).astype("datetime64[D]") - 1
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (first + (day - 1) <= last) & (year >= 1)
    return np.where(valid, first.astype(np.int64) + day - 1, np.nan)


def fraction_of_day(hour: Any, minute: Any, second: Any) -> Any:
    """The time of day as a fraction of a day: of numbers, or of arrays of them."""
    return (hour + (minute + second / 60) / 60) / 24
