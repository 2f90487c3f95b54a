"""Trainings that go wrong as they do in practice: the finding that names the cause comes first, whoever asks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from sklearn import datasets

from glassnet import MLPClassifier, MLPRegressor
from glassnet.see.predictability import predictability

from .sick_cases import REPORTED, SICK

CASES = {**SICK, **REPORTED}
may_not_converge = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


SEEDS = (1, 2, 3) if settings.get_current_profile_name() == "more" else (1,)  # all with make soak


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in SEEDS)])
@pytest.mark.parametrize("case", CASES)
def test_the_cause_is_found_first(case: str, seed: int) -> None:
    name, train = CASES[case]
    firsts = train(seed)
    assert firsts and all(name in first for first in firsts), f"{name!r} should be first: {firsts}"


def test_there_are_twenty_cases_and_ten_reported_ones() -> None:
    assert len(SICK) >= 20 and len(REPORTED) >= 10


# ---- whether x predicts y


def test_regressions_tell_data_that_can_be_learnt_from_noise() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((250, 2))
    for y, linear, kernel in ((x[:, :1], True, True), ((x**2).sum(axis=1, keepdims=True) < 1.2, False, True)):
        scores = predictability(x, y)
        assert scores is not None and (scores.linear > 0.9) is linear and (scores.kernel > 0.6) is kernel
    for columns in (1, 2, 20):
        scores = predictability(rng.standard_normal((250, columns)), rng.standard_normal((250, 1)))
        assert scores is not None and scores.best < 0.03
    assert predictability(x[:19], x[:19]) is None  # too few rows
    assert predictability(x, np.arange(250)[:, np.newaxis] < 5) is None  # too few of one class


def test_the_scores_are_those_of_leaving_one_sample_out() -> None:
    """Ridge regression on all samples but one, 30 times, by its normal equations."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((30, 3))
    y = x @ [[1.0], [-0.5], [0.2]] + 0.5 * rng.standard_normal((30, 1))
    z, target = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / np.abs(y).max()
    best = -np.inf
    for ridge in (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0):
        errors = []
        for left_out in range(30):
            rows = np.delete(np.arange(30), left_out)
            a = z[rows].T @ z[rows] + 3 * ridge * np.eye(3)
            errors.append(target[left_out] - z[left_out] @ np.linalg.solve(a, z[rows].T @ target[rows]))
        best = max(best, 1 - float(np.square(errors).sum() / np.square(target).sum()) / (30 / 29) ** 2)
    scores = predictability(x, y)
    assert scores is not None and scores.linear == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("size", [1e-200, 1e-6, 1e6, 1e200])
def test_the_scores_do_not_depend_on_units(size: float) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((60, 2)), rng.standard_normal((60, 1))
    y += 2 * x[:, :1]
    with np.errstate(all="raise"):
        scores = predictability(size * x, y / size)
    assert scores == pytest.approx(predictability(x, y), rel=1e-6)


# ---- healthy tables, with the defaults


@may_not_converge
@pytest.mark.filterwarnings("error::glassnet.estimators.fit_warnings.FitWarning")
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud"])
def test_a_healthy_table_has_no_finding(name: str) -> None:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    is_regression = name in ("diabetes", "linnerud")
    X = X / 16 if name == "digits" else (X - X.mean(axis=0)) / X.std(axis=0)
    y = (y - y.mean(axis=0)) / y.std(axis=0) if is_regression else y
    fitted = (MLPRegressor if is_regression else MLPClassifier)(random_state=0).fit(X, y)
    for diagnosis in (fitted.diagnose(), fitted.diagnose(X, y)):
        assert set(diagnosis.names) <= {"constant columns"}, str(diagnosis)  # digits has pixels that are always 0
