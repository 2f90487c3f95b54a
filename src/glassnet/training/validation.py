"""What judges the epochs of a run on its validation data: C, or another number that should be small.

`Training` asks for it after every epoch; one pass over the validation samples gives the cost, the accuracy and the
metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from glassnet.array_likes import short_repr, to_float
from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import StreamedValidation
from glassnet.batches.targets import misclassified, numeric_targets, predicted_classes, target_classes
from glassnet.errors import ParameterError, ParameterTypeError, unknown_name
from glassnet.execution import inference
from glassnet.execution.model import Model
from glassnet.program.parameters import Array
from glassnet.training.recipe import Recipe

Metric = Callable[[Array, Array], float]
MetricLike = str | Metric


class Validation(NamedTuple):
    """C on the validation data, the accuracy (None where y are quantities), and the metric (None: C judges)."""

    cost: float
    accuracy: float | None = None
    metric: float | None = None


class Validator:
    """Computes the Validation of a model on some samples; `metric` is a function of (outputs, y), columns, or None."""

    def __init__(self, model: Model, sources: Sources | StreamedValidation, metric: MetricLike | None = None) -> None:
        self.model, self.sources = model, sources
        self.metric = _resolved(metric, model, sources)

    def __call__(self) -> Validation:
        """Evaluate the model as it is now."""
        if self.metric is None or isinstance(self.sources, StreamedValidation):
            return Validation(*inference.evaluate(self.model, self.sources))
        outputs = np.empty((len(self.sources.y), self.model.architecture.outputs), self.model.dtype)
        cost, accuracy = inference.evaluate(self.model, self.sources, observe=partial(_store, outputs))
        return Validation(cost, accuracy, _number(self.metric(outputs.T, self.sources.y.T)))


def validator(
    model: Model, held_out: Sources | StreamedValidation | None, recipe: Recipe, metric: MetricLike | None
) -> Callable[[], Validation] | None:
    """What evaluates the model after each epoch, None without validation data; these are needed to judge the epochs."""
    if held_out is not None:
        return Validator(model, held_out, metric)
    if recipe.judges:
        name = "patience" if recipe.patience is not None else "validation_metric"
        raise ParameterError(f"{name} needs validation data: pass validation=0.1 or validation=(x, y).")
    return None


def metric_name(metric: Any) -> str | None:
    """What a History calls a metric."""
    return metric if metric is None or isinstance(metric, str) else getattr(metric, "__name__", "metric")


def _store(outputs: Array, block: slice, a: Array) -> None:
    outputs[block] = a


def _resolved(metric: Any, model: Model, sources: Sources | StreamedValidation) -> Metric | None:
    """The function that a name stands for; None for the cost."""
    if metric is None or metric == "cost":
        return None
    if isinstance(sources, StreamedValidation):
        advice = "pass validation=(x, y) as arrays, or leave validation_metric out"
        raise ParameterError(
            f"validation_metric needs all outputs at once, and the validation data lie in a file; {advice}."
        )
    if isinstance(metric, str):
        if metric not in METRICS:
            raise unknown_name("validation_metric", metric, ["cost", *METRICS])
        return METRICS[metric](model, sources)
    if not callable(metric):
        kinds = f"a function of (outputs, y) or one of cost, {', '.join(METRICS)}"
        raise ParameterTypeError(f"validation_metric must be {kinds}, not {metric!r:.60}.")
    return metric


def _error(model: Model, sources: Sources) -> Metric:
    """The share of the samples whose class is wrong."""
    classes = target_classes(model.architecture, sources.y)
    if classes is None:
        raise ParameterError("validation_metric 'error' counts wrong classes, and y are quantities; take 'rmse'.")

    def error(outputs: Array, y: Array) -> float:
        return float(misclassified(predicted_classes(outputs.T, model.architecture.groups), classes).mean())

    return error


def _rmse(model: Model, sources: Sources) -> Metric:
    """The root of the (weighted) mean over samples and outputs of (a − y)²."""
    targets = numeric_targets(sources.y, model.architecture.outputs).astype(np.float64)

    def rmse(outputs: Array, y: Array) -> float:
        with np.errstate(over="ignore", under="ignore"):
            squares = np.square(outputs.T - targets).mean(axis=1)
        return math.sqrt(np.average(squares, weights=sources.weights))

    return rmse


METRICS: dict[str, Callable[[Model, Sources], Metric]] = {"error": _error, "rmse": _rmse}


def _number(value: Any) -> float:
    """The metric as a float. Raises ParameterTypeError where a function returned anything else."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if not isinstance(value, (Real, np.generic)):
        raise ParameterTypeError(
            f"validation_metric returned {short_repr(value)}; it must return a number, small for good."
        )
    return to_float(value)
