"""Scores of predictions: accuracy, F1, AUC and log-loss for classes; RMSE, MAE and R² for quantities.

All that judges a tabular model takes them from here: the choice of an epoch, the report, and the tables of the command
line. Rows count by their weights where there are any. A score that is not defined for some rows, or not finite, is left
out with its reason.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.data.statistics import power_of_two
from glassnet.tabular.probabilities import MIN_PROBABILITY

Array = np.ndarray[Any, Any]

SCORE_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1 (macro)",
    "auc": "AUC",
    "log_loss": "log-loss",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}
SHARE_DIGITS = 12  # of a class's share: weights that make shares equal do so but for rounding
ONE_VALUE = "these rows have a single target value"


class Scores(NamedTuple):
    """The finite scores by key, and for each other one the reason why it is left out."""

    values: dict[str, float]
    reasons: dict[str, str]

    @classmethod
    def of(cls, values: dict[str, float], reasons: dict[str, str]) -> Scores:
        """Keep what is finite."""
        infinite = {key: "it is not finite" for key, value in values.items() if not np.isfinite(value)}
        finite = {key: float(value) for key, value in values.items() if key not in infinite}
        return cls(finite, reasons | infinite)


def class_scores(probabilities: Array, codes: Array, weights: Array | None = None) -> Scores:
    """All scores of probabilities (n, classes) for true classes (n,)."""
    probabilities, count = probabilities.astype(np.float64), probabilities.shape[1]
    values = {
        "accuracy": accuracy(probabilities, codes, weights),
        "balanced_accuracy": balanced_accuracy(probabilities, codes, weights),
        "f1": macro_f1(probabilities, codes, weights),
    }
    reasons = {}
    missing = count - len(np.unique(codes))
    if missing:
        reasons["auc"] = f"{missing:,} of the {count:,} classes {'has' if missing == 1 else 'have'} no rows here"
    else:
        values["auc"] = area_under_curve(probabilities, codes, weights)
    values["log_loss"] = log_loss(probabilities, codes, weights)
    return Scores.of(values, reasons)


def class_shares(codes: Array, count: int, weights: Array | None = None) -> Array:
    """The share of each class (classes,): the constant that predicts best. Of equal ones the first is predicted."""
    sums = np.bincount(codes, weights, minlength=count)
    return np.round(sums / sums.sum(), SHARE_DIGITS)


def log_loss(probabilities: Array, codes: Array, weights: Array | None = None) -> float:
    """The mean of −log p of the true class, in the dtype of the probabilities.

    One below MIN_PROBABILITY counts as that, so that no mistake is infinite; a fitted model's are never below it.
    """
    chosen = np.clip(probabilities[np.arange(len(codes)), codes], MIN_PROBABILITY, 1.0)
    return 0.0 - float(np.average(np.log(chosen), weights=weights))  # never −0


def accuracy(probabilities: Array, codes: Array, weights: Array | None = None) -> float:
    """The share of the rows whose most probable class is right."""
    return float(np.average(probabilities.argmax(axis=1) == codes, weights=weights))


def balanced_accuracy(probabilities: Array, codes: Array, weights: Array | None = None) -> float:
    """The mean of the accuracies within each class that occurs."""
    right, true, _ = _class_sums(probabilities, codes, weights)
    return float(np.mean(right[true > 0] / true[true > 0]))


def macro_f1(probabilities: Array, codes: Array, weights: Array | None = None) -> float:
    """The mean F1 of the classes that occur or are predicted."""
    right, true, predicted = _class_sums(probabilities, codes, weights)
    either = true + predicted
    return float(np.mean(2 * right[either > 0] / either[either > 0]))


def _class_sums(probabilities: Array, codes: Array, weights: Array | None) -> tuple[Array, Array, Array]:
    """The weights of the rows of each class that are right, that have the class, and that are predicted as it."""
    weights = np.ones(len(codes)) if weights is None else weights
    predicted, count = probabilities.argmax(axis=1), probabilities.shape[1]
    is_right = weights * (predicted == codes)
    pairs = ((codes, is_right), (codes, weights), (predicted, weights))
    right, true, guessed = (np.bincount(classes, sums, minlength=count) for classes, sums in pairs)
    return right, true, guessed


def area_under_curve(probabilities: Array, codes: Array, weights: Array | None = None) -> float:
    """The area under the ROC curve: of the second of two classes, or the mean of each that occurs against the rest.

    NaN where fewer than two classes occur.
    """
    weights = np.ones(len(codes)) if weights is None else weights
    classes = np.unique(codes[weights > 0])
    if len(classes) < 2 or np.isnan(probabilities).any():
        return np.nan
    if probabilities.shape[1] == 2:
        classes = classes[1:]
    return float(np.mean([_area(probabilities[:, k], codes == k, weights) for k in classes]))


def _area(column: Array, is_positive: Array, weights: Array) -> float:
    """The weighted share of the pairs of a positive and another row that the column orders rightly; ties count half."""
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    positive = np.add.reduceat(np.where(is_positive, weights, 0.0)[order], starts)
    others = np.add.reduceat(np.where(is_positive, 0.0, weights)[order], starts)
    below = np.cumsum(others) - others / 2
    return float(positive @ below / (positive.sum() * others.sum()))


def number_scores(values: Array, true: Array, weights: Array | None = None) -> Scores:
    """Root mean squared and mean absolute error, in the target's units, and R², of values (n, outputs).

    R² is left out where the true values of an output do not vary, because it is not defined there.
    """
    scores = {"rmse": rmse(values, true, weights), "mae": mae(values, true, weights)}
    if not _varying(true, weights).all():
        return Scores.of(scores, {"r2": ONE_VALUE})
    return Scores.of(scores | {"r2": r_squared(values, true, weights)}, {})


def rmse(values: Array, true: Array, weights: Array | None = None) -> float:
    """The root of the mean squared error, over all outputs."""
    errors, size = _scaled(values - true)
    return float(np.sqrt(np.average(np.square(errors).mean(axis=1), weights=weights))) * size


def mae(values: Array, true: Array, weights: Array | None = None) -> float:
    """The mean absolute error, over all outputs."""
    errors, size = _scaled(values - true)
    return float(np.average(np.abs(errors).mean(axis=1), weights=weights)) * size


def r_squared(values: Array, true: Array, weights: Array | None = None) -> float:
    """The mean over the outputs that vary of the share of the variance that is explained; NaN where none does."""
    varying = _varying(true, weights)
    if not varying.any():
        return np.nan
    values, true = values[:, varying], true[:, varying]
    size = max(power_of_two(float(np.abs(each).max())) for each in (true, values - true))
    true, values = true / size, values / size
    mean = np.average(true, axis=0, weights=weights)
    errors, spread = (np.average(np.square(true - other), axis=0, weights=weights) for other in (values, mean))
    return float(np.mean(1 - errors / spread)) if spread.all() else np.nan


def _varying(true: Array, weights: Array | None) -> Array:
    """Which outputs have more than one value among the rows that count."""
    true = true if weights is None else true[weights > 0]
    return np.asarray(true.min(axis=0) < true.max(axis=0))


def _scaled(errors: Array) -> tuple[Array, float]:
    """Errors divided by a power of two near the largest, which rounds nothing, so that no square overflows."""
    size = power_of_two(float(np.abs(errors).max())) / 2
    return errors / size, size
