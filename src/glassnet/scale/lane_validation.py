"""What judges the epochs of a run in lanes: the cost, or another number, on validation blocks or held-out samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.errors import ParameterError, unknown_name
from glassnet.execution.inference import penalty_of
from glassnet.scale.lane_run import LaneTraining
from glassnet.scale.scores import BlockScore, error, rmse, total
from glassnet.training.validation import Validation

Score = Callable[[BlockScore], float | None]
METRICS: dict[str, Score] = {"error": error, "rmse": rmse}


class LaneValidation:
    """Asks the runner for the sums of each block and adds them; `last` are those of the last epoch.

    `metric` is a number of the sums that should be small, or None where the cost judges; `penalty` says whether the
    cost has the penalty.
    """

    def __init__(self, training: LaneTraining, metric: Score | None = None, *, penalty: bool = True) -> None:
        self.training, self.metric, self.penalty = training, metric, penalty
        self.tasks = training.evaluation_tasks()
        self.last: BlockScore | None = None

    def __call__(self) -> Validation:
        """Evaluate the model as it is now."""
        training = self.training
        scores = training.runner.evaluate(self.tasks, training.shared())
        self.last = score = total(scores)
        cost = score.cost / score.weight + (penalty_of(training.model) if self.penalty else 0.0)
        accuracy = None if score.right is None else score.right / score.samples
        return Validation(cost, accuracy, None if self.metric is None else self.metric(score))


def checked_metric(metric: Any, is_class: bool) -> Score | None:
    """The number that a `validation_metric` stands for. Raises ParameterError."""
    if metric is None or metric == "cost":
        return None
    if not isinstance(metric, str):
        raise ParameterError(
            "validation_metric is a function of all outputs at once, and here they lie in blocks; name 'cost', "
            "'error' or 'rmse'."
        )
    if metric not in METRICS:
        raise unknown_name("validation_metric", metric, ["cost", *METRICS])
    if (metric == "error") != is_class:
        kinds = "wrong classes, and y are quantities" if metric == "error" else "distances, and y are classes"
        raise ParameterError(f"validation_metric {metric!r} measures {kinds}.")
    return METRICS[metric]
