"""What chooses the epoch of a member: a score of its predictions for the rows it left out, the greater the better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.data.target import ClassTarget, TargetColumn
from glassnet.errors import ParameterTypeError, unknown_name

Array = np.ndarray[Any, Any]
Metric = Callable[[Array, Array, Array | None], float]

MIN_PROBABILITY = 1e-7


def log_loss(probabilities: Array, y: Array, weights: Array | None) -> float:
    """The mean of log p of the true class: log-loss with the opposite sign."""
    p = probabilities[np.arange(len(y)), y]
    return float(np.average(np.log(np.maximum(p, MIN_PROBABILITY)), weights=weights))


def accuracy(probabilities: Array, y: Array, weights: Array | None) -> float:
    """The share of the rows whose most probable class is right."""
    return float(np.average(probabilities.argmax(axis=1) == y, weights=weights))


def balanced_accuracy(probabilities: Array, y: Array, weights: Array | None) -> float:
    """The mean of the accuracies within each class."""
    weights = np.ones(len(y)) if weights is None else weights
    right = np.bincount(y, weights * (probabilities.argmax(axis=1) == y))
    total = np.bincount(y, weights)
    return float(np.mean(right[total > 0] / total[total > 0]))


def roc_auc(probabilities: Array, y: Array, weights: Array | None) -> float:
    """The area under the ROC curve: of the second of two classes, or the mean of each class against the rest."""
    classes = np.unique(y)
    if len(classes) < 2:
        return log_loss(probabilities, y, weights)  # undefined: nothing to tell apart
    if probabilities.shape[1] == 2:
        classes = classes[1:]
    from sklearn.metrics import roc_auc_score  # imported late: scikit-learn takes seconds

    areas = [roc_auc_score(y == k, probabilities[:, k], sample_weight=weights) for k in classes]
    return float(np.mean(areas))


def rmse(values: Array, y: Array, weights: Array | None) -> float:
    """The root of the mean squared error, over all outputs, with the opposite sign."""
    return -float(np.sqrt(np.average(((values - y) ** 2).mean(axis=1), weights=weights)))


def mae(values: Array, y: Array, weights: Array | None) -> float:
    """The mean absolute error with the opposite sign."""
    return -float(np.average(np.abs(values - y).mean(axis=1), weights=weights))


def r2(values: Array, y: Array, weights: Array | None) -> float:
    """The mean over the outputs of the share of the variance that is explained."""
    mean = np.average(y, axis=0, weights=weights)
    squares = [np.average((y - other) ** 2, axis=0, weights=weights) for other in (values, mean)]
    return float(np.mean(1 - squares[0] / np.where(squares[1] > 0, squares[1], 1)))


CLASS_METRICS: dict[str, Metric] = {
    "log_loss": log_loss,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "roc_auc": roc_auc,
}
NUMBER_METRICS: dict[str, Metric] = {"rmse": rmse, "mae": mae, "r2": r2}
LOSSES = (log_loss, rmse, mae)  # with the opposite sign


class Scores:
    """The score of a member's outputs for the rows it left out: by a name above, by "auto", or by a scorer.

    "auto" is the log-loss of classes, and the RMSE of numbers in the units that the networks learn. Raises
    ParameterError (a ValueError) for an unknown name.
    """

    def __init__(self, metric: Any, target: TargetColumn) -> None:
        known = CLASS_METRICS if isinstance(target, ClassTarget) else NUMBER_METRICS
        if not (isinstance(metric, str) or callable(metric)):
            raise ParameterTypeError(f"metric must be a name or a scorer, not {type(metric).__name__}.")
        if isinstance(metric, str) and metric not in ("auto", *known):
            raise unknown_name("metric", metric, ["auto", *known])
        self.metric, self.target = metric, target
        self.function = known[next(iter(known)) if metric == "auto" else metric] if isinstance(metric, str) else None

    @property
    def name(self) -> str:
        """The name of the metric, for people."""
        name = getattr(self.function or self.metric, "__name__", "score")
        return str(name).replace("_", "-")

    def text(self, score: float) -> str:
        """A score as people know the metric: a loss without the opposite sign."""
        return f"{self.name} {-score if self.function in LOSSES else score:.4g}"

    def __call__(self, outputs: Array, x: Array, y: Array, weights: Array | None) -> float:
        """The score, the greater the better, of outputs (n, outputs) for inputs x and encoded targets y."""
        if self.function is None:
            return self._by_scorer(outputs, x, y)
        if isinstance(self.target, ClassTarget) or self.metric == "auto":
            return self.function(outputs, y, weights)
        return self.function(self.target.decode(outputs), self.target.decode(y), weights)

    def _by_scorer(self, outputs: Array, x: Array, y: Array) -> float:
        from glassnet.tabular.scored_predictions import PredictedClasses, PredictedNumbers

        if isinstance(self.target, ClassTarget):
            classes = np.array(self.target.classes)
            return float(self.metric(PredictedClasses(classes, outputs), x, classes[y]))
        values = self.target.decode(np.stack([outputs, y]))
        predicted, true = values[..., 0] if values.shape[2] == 1 else values
        return float(self.metric(PredictedNumbers(predicted), x, true))
