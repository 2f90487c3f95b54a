"""scikit-learn's checks of the tabular estimators, with small hyperparameters."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from typing import Any
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    estimator_checks_generator,
)

from glassnet import TabularClassifier, TabularRegressor

from .quick_tabular import QuickClassifier, QuickRegressor, small_hyperparameters

HOLDOUTS = "the holdouts are random rows, so that a row of weight 2 and the same row twice meet different networks"
EXPECTED_FAILURES = {"check_sample_weight_equivalence_on_dense_data": HOLDOUTS}


class CheckedClassifier(TabularClassifier):
    """TabularClassifier with hyperparameters for the tables of the checks, which have some ten rows."""

    _hyperparameters = small_hyperparameters("classes", epochs=16, linear=False)


class CheckedRegressor(TabularRegressor):
    """The same for numbers."""

    _hyperparameters = small_hyperparameters("numbers", epochs=16, linear=False)


KINDS = (CheckedClassifier, CheckedRegressor)
CHECKS = [(kind, number) for kind in KINDS for number in range(len(list(estimator_checks_generator(kind()))))]


def test_all_checks_are_run() -> None:
    assert len(CHECKS) >= 121


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "number"), CHECKS)
def test_scikit_learns_check_passes(kind: Any, number: int) -> None:
    estimator, check = list(estimator_checks_generator(kind()))[number]
    reason = next((reason for name, reason in EXPECTED_FAILURES.items() if name in str(check)), "")
    with np.errstate(all="warn"), pytest.raises(AssertionError) if reason else nullcontext():
        try:
            check(estimator)
        except SkipTest as skipped:  # as scikit-learn's own estimators are skipped
            assert "SCIPY_ARRAY_API is not set" in str(skipped)


@pytest.mark.filterwarnings("ignore")
def test_names_of_columns_are_checked_but_their_order_does_not_matter() -> None:
    """scikit-learn's check of names refuses another order; here columns are found by name."""
    with pytest.raises(AssertionError, match="predict did not raise"):
        check_dataframe_column_names_consistency("QuickRegressor", QuickRegressor())


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_the_constructor_has_keywords_alone(kind: type) -> None:
    parameters = list(inspect.signature(kind).parameters.values())
    own = "class_weight" if kind is TabularClassifier else "log_target"
    columns, execution = "drop number category date keep missing", "random_state n_jobs precision verbose"
    expected = f"preset metric {own} time_limit {columns} {execution}".split()
    assert [parameter.name for parameter in parameters] == expected
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters)
    assert kind(random_state=3).get_params()["random_state"] == 3
    assert clone(kind().set_params(preset="fast")).preset == "fast"


def test_tags() -> None:
    for estimator in (QuickClassifier(), QuickRegressor()):
        tags = get_tags(estimator)
        assert tags.input_tags.allow_nan and tags.input_tags.string and not tags.input_tags.sparse
    assert is_classifier(QuickClassifier()) and is_regressor(QuickRegressor())


@pytest.mark.filterwarnings("ignore::glassnet.estimators.fit_warnings.FitWarning")
@pytest.mark.parametrize("random_state", [3, np.random.RandomState(3), None])
def test_random_states(random_state: Any) -> None:
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2)), columns=["a", "b"])
    first, second = (
        QuickRegressor(random_state=random_state).fit(X, np.sin(2 * X["a"]) + X["b"]).predict(X) for _ in range(2)
    )
    assert np.array_equal(first, second) == (random_state == 3)
