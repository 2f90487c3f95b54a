"""A training uses no more memory than promised: a copy of x if it needs one, 32 bytes per parameter, and 64 MB."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.memory import CASES, Case, measure

CHOSEN = [case for case in CASES if case.samples < 10_000 or (case.layout == "columns" and case.dtype == "float64")]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux, which can reset a peak")
@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_the_peak_of_a_training_is_within_its_bound(case: Case) -> None:
    peak, bound = measure(case)
    assert peak <= bound
    assert peak > case.copied_bytes  # else the copy was not part of what was measured
