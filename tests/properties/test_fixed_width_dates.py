"""Dates and times with digits at fixed places have the bits that the patterns of date_spelling.py give."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.data.date_spelling import DateSpelling
from glassnet.data.fixed_width_dates import fixed_width_days

TIMES = st.tuples(*map(st.sampled_from, ([0, 9, 23, 24], [0, 31, 59, 60], [0, 7, 59, 60, 61])))
DATES = st.tuples(
    st.sampled_from([0, 7, 68, 69, 99, 1582, 1999, 2000, 2024]),
    st.sampled_from([0, 1, 2, 11, 12, 13]),
    st.sampled_from([0, 1, 28, 29, 30, 31, 32]),
)


def days_of(text: str, order: str) -> np.ndarray:
    return DateSpelling(order).parse(pa.array([text], pa.large_string()))[0]


@given(
    DATES, TIMES, st.sampled_from("-/."), st.sampled_from("T "), st.booleans(), st.sampled_from(["ymd", "dmy", "mdy"])
)
def test_date_times_have_the_bits_of_the_patterns(
    date: tuple[int, int, int], time: tuple[int, int, int], mark: str, between: str, seconds: bool, order: str
) -> None:
    year, month, day = f"{date[0]:04}", f"{date[1]:02}", f"{date[2]:02}"
    clock = ":".join(f"{part:02}" for part in time[: 2 + seconds])
    parts = {"ymd": (year, month, day), "dmy": (day, month, year), "mdy": (month, day, year)}
    for written in {"ymd", order}:
        text = mark.join(parts[written])
        by_pattern = days_of(f"{text}{between} {clock}", order)  # a second blank, which no fixed place has
        assert days_of(f"{text}{between}{clock}", order).tobytes() == by_pattern.tobytes()
        fixed = fixed_width_days(pa.array([f"{text}{between}{clock}"]), order)
        assert fixed.tobytes() == by_pattern.tobytes(), "and they need no pattern"


@pytest.mark.parametrize(
    "text",
    ["2020-12-31_10:00", "2020-12-31 10-00", "2020-12-31 1a:00", "2020 12 31T10:00", "2020-12-31 10:00.00", "é" * 5],
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert len(text.encode()) in (10, 16, 19)
    assert np.isnan(fixed_width_days(pa.array([text]), "ymd")).all() and np.isnan(days_of(text, "ymd")).all()
