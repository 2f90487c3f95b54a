"""What chooses the epoch of a member: a score of its predictions for the rows it left out, the greater the better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.target import ClassTarget, TargetColumn
from glassnet.errors import ParameterTypeError, unknown_name
from glassnet.tabular.scores import accuracy, area_under_curve, balanced_accuracy, log_loss, mae, r_squared, rmse

Array = np.ndarray[Any, Any]
ScoreFunction = Callable[[Array, Array, Array | None], float]


class NamedMetric(NamedTuple):
    """A score that is chosen by name; of a loss the opposite, because the greater is the better.

    AUC and R² are not defined for rows of one class or one value: the loss `otherwise` takes their place there.
    """

    name: str
    function: ScoreFunction
    is_loss: bool = False
    otherwise: ScoreFunction | None = None

    def __call__(self, predictions: Array, y: Array, weights: Array | None) -> float:
        """The score, the greater the better."""
        score = self.function(predictions, y, weights)
        if self.otherwise is not None and np.isnan(score):
            return -self.otherwise(predictions, y, weights)
        return -score if self.is_loss else score


CLASS_METRICS = {
    "log_loss": NamedMetric("log-loss", log_loss, is_loss=True),
    "accuracy": NamedMetric("accuracy", accuracy),
    "balanced_accuracy": NamedMetric("balanced accuracy", balanced_accuracy),
    "roc_auc": NamedMetric("AUC", area_under_curve, otherwise=log_loss),
}
NUMBER_METRICS = {
    "rmse": NamedMetric("RMSE", rmse, is_loss=True),
    "mae": NamedMetric("MAE", mae, is_loss=True),
    "r2": NamedMetric("R²", r_squared, otherwise=rmse),
}


class Metric:
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
        self.named = known[next(iter(known)) if metric == "auto" else metric] if isinstance(metric, str) else None

    def text(self, score: float) -> str:
        """A score as people know the metric: a loss without the opposite sign."""
        if self.named is None:
            return f"{str(getattr(self.metric, '__name__', 'score')).replace('_', ' ')} {score:.4g}"
        return f"{self.named.name} {-score if self.named.is_loss else score:.4g}"

    def __call__(self, outputs: Array, x: Array, y: Array, weights: Array | None) -> float:
        """The score, the greater the better, of outputs (n, outputs) for inputs x and encoded targets y."""
        if self.named is None:
            return self._by_scorer(outputs, x, y)
        if isinstance(self.target, ClassTarget) or self.metric == "auto":
            return self.named(outputs, y, weights)
        return self.named(self.target.decode(outputs), self.target.decode(y), weights)

    def _by_scorer(self, outputs: Array, x: Array, y: Array) -> float:
        from glassnet.tabular.scored_predictions import PredictedClasses, PredictedNumbers

        if isinstance(self.target, ClassTarget):
            classes = np.array(self.target.classes)
            return float(self.metric(PredictedClasses(classes, outputs), x, classes[y]))
        values = self.target.decode(np.stack([outputs, y]))
        predicted, true = values[..., 0] if values.shape[2] == 1 else values
        return float(self.metric(PredictedNumbers(predicted), x, true))
