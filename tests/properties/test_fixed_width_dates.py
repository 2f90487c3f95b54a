"""Dates and times with digits at fixed places have the bits that the patterns of date_spelling.py give."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from glassnet.data.date_spelling import DateSpelling
from glassnet.data.fixed_width_dates import fixed_width_days

YEARS, MONTHS, DAYS = (0, 7, 68, 69, 1582, 1970, 2000, 2023), (0, 1, 2, 12, 13), (0, 1, 28, 29, 31, 32)
HOURS, MINUTES, SECONDS = ("00", "09", "23", "24"), ("00", "59", "60"), ("", ":00", ":59", ":60", ":61")


@pytest.mark.parametrize("between", ["T", " "])
@pytest.mark.parametrize("written", ["ymd", "dmy", "mdy"])
@pytest.mark.parametrize("mark", "-/.")
def test_date_times_have_the_bits_of_the_patterns(mark: str, written: str, between: str) -> None:
    dates = []
    for year, month, day in product(YEARS, MONTHS, DAYS):
        parts = {"y": f"{year:04}", "m": f"{month:02}", "d": f"{day:02}"}
        dates.append(mark.join(parts[part] for part in written))
    times = [f"{hour}:{minute}{second}" for hour, minute, second in product(HOURS, MINUTES, SECONDS)]
    fixed, others = (  # the others have a second blank, which no fixed place has
        pa.array([f"{date}{blanks}{time}" for date, time in product(dates, times)], pa.large_string())
        for blanks in (between, f"{between} ")
    )
    for order in ("dmy", "mdy", "ymd") if written == "ymd" else (written,):
        expected = DateSpelling(order).parse(others)[0]
        assert 0.1 < np.isnan(expected).mean() < 0.9
        np.testing.assert_array_equal(DateSpelling(order).parse(fixed)[0], expected)
        np.testing.assert_array_equal(fixed_width_days(fixed, order), expected, "a pattern was needed")


@pytest.mark.parametrize(
    "text",
    ["2020-12-31_10:00", "2020-12-31 10-00", "2020-12-31 1a:00", "2020 12 31T10:00", "2020-12-31 10:00.00", "é" * 5],
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert len(text.encode()) in (10, 16, 19)
    assert np.isnan(fixed_width_days(pa.array([text]), "ymd")).all()
    assert np.isnan(DateSpelling("ymd").parse(pa.array([text], pa.large_string()))[0]).all()
