"""Properties of the scores that the report, the choice of an epoch and the command line share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from glassnet.data.target import ClassTarget, NumberTarget
from glassnet.tabular.metrics import CLASS_METRICS, NUMBER_METRICS, Metric
from glassnet.tabular.probabilities import MIN_PROBABILITY, bounded, log_losses
from glassnet.tabular.scores import class_scores, class_shares, log_loss, number_scores

Array = np.ndarray[Any, Any]
CLASSES, NUMBERS = ClassTarget("y", ["no", "yes"]), NumberTarget("y", [0.0], [1.0])


def weights_or_none(weighted: bool) -> Array | None:
    """Weights of 80 rows, some of them 0."""
    rng = np.random.default_rng(5)
    return rng.uniform(0.1, 2, 80) * (rng.random(80) > 0.1) if weighted else None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_scores_of_classes_are_those_of_scikit_learn(classes: int, weighted: bool) -> None:
    rng = np.random.default_rng(classes)
    p = np.round(rng.dirichlet(np.ones(classes), 80), 1) + 0.01  # rounded: many ties
    p /= p.sum(axis=1, keepdims=True)
    y, w = rng.integers(0, classes, 80), weights_or_none(weighted)
    rows = {"sample_weight": w}
    areas = [reference.roc_auc_score(y == k, p[:, k], **rows) for k in range(classes)]
    assert class_scores(p, y, w).values == pytest.approx(
        {
            "accuracy": reference.accuracy_score(y, p.argmax(axis=1), **rows),
            "balanced_accuracy": reference.balanced_accuracy_score(y, p.argmax(axis=1), **rows),
            "f1": reference.f1_score(y, p.argmax(axis=1), average="macro", **rows),
            "auc": areas[1] if classes == 2 else np.mean(areas),
            "log_loss": reference.log_loss(y, p, **rows),
        },
        rel=1e-12,
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1, 1e200, 1e-200])
def test_scores_of_quantities_are_those_of_scikit_learn_for_every_size(size: float, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    y, w = rng.normal(size=(80, 3)) * [1, 5, 0.1] + 7, weights_or_none(weighted)
    values, rows = y + rng.normal(size=y.shape), {"sample_weight": w}
    assert number_scores(values * size, y * size, w).values == pytest.approx(
        {
            "rmse": math.sqrt(reference.mean_squared_error(y, values, **rows)) * size,
            "mae": reference.mean_absolute_error(y, values, **rows) * size,
            "r2": reference.r2_score(y, values, **rows),
        },
        rel=1e-9,
        abs=0,
    )


def test_r2_is_left_out_where_the_rows_that_count_have_one_value() -> None:
    y = np.array([[0.1], [0.1], [0.1], [5]])
    assert "r2" in number_scores(y + 1, y).values
    scores = number_scores(y + 1, y, np.array([1, 2, 1, 0]))
    assert scores.reasons == {"r2": "these rows have a single target value"} and scores.values["rmse"] == 1
    both = np.hstack([y, np.full((4, 1), 0.1)])
    assert "r2" in number_scores(both, both).reasons


def test_what_is_not_finite_is_left_out() -> None:
    y = np.array([[1.0], [2.0]])
    for bad in (np.nan, np.inf):
        assert set(number_scores(np.array([[bad], [1.0]]), y).reasons) == {"rmse", "mae", "r2"}
    assert set(class_scores(np.full((2, 2), np.nan), np.array([0, 1])).reasons) == {"auc", "log_loss"}


def test_there_is_one_smallest_probability() -> None:
    """What a fitted model answers is never below it, so that its log-loss is that of its probabilities."""
    impossible, wrong = np.array([[1.0, 0.0]]), np.array([1])
    expected = pytest.approx(-math.log(MIN_PROBABILITY))
    assert log_loss(impossible, wrong) == expected == float(log_losses(impossible, wrong)[0])
    assert class_scores(impossible, wrong).values["log_loss"] == expected
    assert CLASS_METRICS["log_loss"](impossible, wrong, None) == -log_loss(impossible, wrong)
    honest = bounded(impossible)
    assert log_loss(honest, wrong) == pytest.approx(reference.log_loss(wrong, honest, labels=[0, 1]))


@pytest.mark.parametrize("counts", [[43, 36, 28, 25, 18], [7, 3, 3], [3, 49]])
def test_shares_that_weights_make_equal_are_equal(counts: list[int]) -> None:
    """Whatever they round to: the constant of the command and that of the report predict the same class."""
    codes = np.repeat(np.arange(len(counts)), counts)
    weights = (len(codes) / (len(counts) * np.array(counts)))[codes]
    shares = class_shares(codes, len(counts), weights)
    assert len(set(shares.tolist())) == 1 and shares.sum() == pytest.approx(1)
    assert np.array_equal(class_shares(np.arange(len(counts)), len(counts), np.bincount(codes, weights)), shares)
    assert class_shares(codes, len(counts)) == pytest.approx(np.array(counts) / len(codes))


# ---- as what chooses an epoch


@pytest.mark.parametrize(
    ("metric", "target", "better", "worse", "texts"),
    [
        ("auto", CLASSES, 0.9, 0.6, ("log-loss 0.1054", "log-loss 0.5108")),
        ("log_loss", CLASSES, 0.9, 0.6, ("log-loss 0.1054", "log-loss 0.5108")),
        ("accuracy", CLASSES, 0.9, 0.4, ("accuracy 1", "accuracy 0")),
        ("balanced_accuracy", CLASSES, 0.9, 0.4, ("balanced accuracy 1", "balanced accuracy 0")),
        ("roc_auc", CLASSES, 0.9, 0.4, ("AUC 1", "AUC 0")),
        ("auto", NUMBERS, 0.5, 2.0, ("RMSE 0.5", "RMSE 2")),
        ("rmse", NUMBERS, 0.5, 2.0, ("RMSE 0.5", "RMSE 2")),
        ("mae", NUMBERS, 0.5, 2.0, ("MAE 0.5", "MAE 2")),
        ("r2", NUMBERS, 0.5, 2.0, ("R² 0.75", "R² -3")),
    ],
)
def test_the_better_has_the_greater_score_and_the_bar_shows_it_as_people_know_it(
    metric: str, target: ClassTarget | NumberTarget, better: float, worse: float, texts: tuple[str, str]
) -> None:
    """`better` and `worse` are the probability of the true class, or the size of each error."""
    scored, scores = Metric(metric, target), []
    for quality in (better, worse):
        if target is CLASSES:
            y = np.array([0, 1])
            outputs = np.where(y[:, np.newaxis] == [0, 1], quality, 1 - quality)
        else:
            y = np.array([[-1.0], [1.0]])
            outputs = y + quality
        scores.append(scored(outputs, outputs, y, None))
    assert scores[0] > scores[1]
    assert tuple(map(scored.text, scores)) == texts


def test_a_scorer_is_shown_by_its_name_and_its_own_sign() -> None:
    def profit(estimator: Any, X: Any, y: Any) -> float:
        return -2.5

    metric = Metric(profit, NUMBERS)
    assert metric.text(metric(np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1)), None)) == "profit -2.5"


@pytest.mark.parametrize("name", ["roc_auc", "r2"])
def test_a_loss_takes_the_place_of_a_score_that_rows_of_one_value_do_not_define(name: str) -> None:
    if name == "roc_auc":
        y, outputs = np.array([1, 1]), (np.array([[0.2, 0.8]] * 2), np.array([[0.3, 0.7]] * 2))
        better, worse = (CLASS_METRICS[name](each, y, None) for each in outputs)
    else:
        values = np.array([[3.0], [3.0]])
        better, worse = (NUMBER_METRICS[name](values + error, values, None) for error in (0.1, -0.2))
    assert 0 > better > worse
