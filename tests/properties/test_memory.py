"""A training holds no more memory than is promised: a copy of x where it needs one, 32 bytes a parameter, 64 MB."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.memory import CASES, Case, measured

CHOSEN = [case for case in CASES if case.samples < 10_000 or (case.form == "columns" and case.dtype == "float64")]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="this system does not tell a peak anew")
@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_the_peak_of_a_training_is_within_its_bound(case: Case) -> None:
    peak, bound = measured(case)
    assert peak <= bound
    assert peak > case.copied  # or the copy was not in what was measured
