"""From the inputs of the networks to predictions, as part of a pipeline: members, linear path, calibration, target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import clip, exp, log, maximum, sqrt, where

from glassnet.data.log_target import LOG_RANGE
from glassnet.data.robust_number import CLIP
from glassnet.data.target import ClassTarget, NumberTarget
from glassnet.errors import counted
from glassnet.export.columns import add_preparation
from glassnet.export.network_equations import add_network
from glassnet.export.pipeline import FLOAT32, FLOAT64, INT64, Pipeline, Quantity
from glassnet.tables.entry import Value
from glassnet.tabular.calibration import Calibration
from glassnet.tabular.isotonic import Isotonic
from glassnet.tabular.linear_features import MAX_NUMBER
from glassnet.tabular.linear_path import LinearPath
from glassnet.tabular.model import TabularModel
from glassnet.tabular.probabilities import MIN_PROBABILITY

Array = np.ndarray[Any, Any]


def tabular_pipeline(model: TabularModel, names: Sequence[str] | None = None) -> Pipeline:
    """The pipeline of a tabular model; `names` are those of the columns of an array, None where columns have names."""
    title = f"A model of {counted(len(model.members), 'network')} that predicts {model.target.summary()}"
    pipeline = Pipeline(title)
    x = add_preparation(pipeline, model.preparation, names)
    outputs = _mean_outputs(pipeline, model, x)
    if isinstance(model.target, ClassTarget):
        probabilities = _probabilities(pipeline, model, outputs, x)
        add_label(pipeline, "label", probabilities, model.target.classes)
        listed = "the probability of each class, in the order of the classes"
        pipeline.add_output("probabilities", probabilities, listed)
    else:
        pipeline.add_output("prediction", _values(pipeline, model, outputs, x), "in the units of the target")
        if model.intervals is not None:
            pipeline.notes.append("Prediction intervals are not exported.")
    return pipeline


def add_label(pipeline: Pipeline, name: str, probabilities: str, classes: Sequence[Any]) -> None:
    """Add the output of the most probable class."""
    label = pipeline.add("class_number", (probabilities,), {"class_number": Quantity(1, INT64)})[0]
    pipeline.add_output(name, label, "the most probable class", classes)


def _mean_outputs(pipeline: Pipeline, model: TabularModel, x: str) -> str:
    """The mean of the members' outputs, float64."""
    outputs = []
    count = len(model.members)
    for number, member in enumerate(model.members, 1):
        with pipeline.section(f"network {number} of {count}"):
            output = add_network(pipeline, member.network, x)
            outputs.append(pipeline.convert(output, FLOAT64))
    return outputs[0] if count == 1 else pipeline.formula("mean", lambda *parts: _sum(parts) / count, *outputs)


def _sum(parts: Sequence[Value]) -> Value:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


# Classes --------------------------------------------------------------------------------------------------------------


def _probabilities(pipeline: Pipeline, model: TabularModel, outputs: str, x: str) -> str:
    """`TabularModel.probabilities`."""
    if pipeline.width(outputs) == 1:
        outputs = both_classes(pipeline, outputs)
    outputs = _normalised(pipeline, outputs)
    calibration = model.calibration
    if calibration is None:
        return _blended(pipeline, model.linear, outputs, x)
    blended = _blended(pipeline, model.linear, _softened(pipeline, calibration, outputs), x)
    if calibration.isotonic is not None:
        blended = _normalised(pipeline, _isotonic(pipeline, calibration.isotonic, blended))
    return _normalised(pipeline, pipeline.formula("bounded", lambda p: maximum(p, MIN_PROBABILITY), blended))


def both_classes(pipeline: Pipeline, second: str) -> str:
    """The probabilities of both classes from that of the second."""
    return pipeline.concatenate("both", [pipeline.formula("first", lambda p: 1 - p, second), second])


def _normalised(pipeline: Pipeline, parts: str) -> str:
    total = pipeline.add("total", (parts,), {"total": pipeline.quantities[parts]._replace(width=1)})[0]
    return pipeline.formula("normalised", lambda p, total: p / total, parts, total)


def _softened(pipeline: Pipeline, calibration: Calibration, probabilities: str) -> str:
    """softmax(log p / T)."""
    temperature = calibration.temperature
    scores = pipeline.formula("scores", lambda p: log(maximum(p, MIN_PROBABILITY)) / temperature, probabilities)
    return _softmax(pipeline, scores)


def _softmax(pipeline: Pipeline, scores: str) -> str:
    quantity = pipeline.quantities[scores]
    return pipeline.add("softmax", (scores,), {"softened": quantity}, settings=(quantity.width,))[0]


def _isotonic(pipeline: Pipeline, isotonic: Isotonic, probabilities: str) -> str:
    """The rising function of each class."""
    columns = []
    for number, steps in enumerate(isotonic.steps):
        column = pipeline.select("column", probabilities, [number])
        knots = (pipeline.constant(name, values) for name, values in (("knots", steps.x), ("values", steps.y)))
        columns += pipeline.add("interpolate", (column, *knots), {"calibrated": Quantity(1, FLOAT64)})
    return pipeline.concatenate("calibrated", columns)


# Numbers --------------------------------------------------------------------------------------------------------------


def _values(pipeline: Pipeline, model: TabularModel, outputs: str, x: str) -> str:
    """`TabularModel.values`."""
    if model.output_range is not None:
        ends = [
            pipeline.constant(name, values) for name, values in zip(("low", "high"), model.output_range, strict=True)
        ]
        outputs = pipeline.formula("bounded", lambda v, low, high: clip(v, low, high), outputs, *ends)
    assert isinstance(model.target, NumberTarget)
    return _decoded(pipeline, model.target, _blended(pipeline, model.linear, outputs, x))


def _decoded(pipeline: Pipeline, target: NumberTarget, values: str) -> str:
    """`NumberTarget.decode`."""
    scale, mean = pipeline.constant("target_scale", target.scale), pipeline.constant("target_mean", target.mean)
    decoded = pipeline.formula("value", lambda v, scale, mean: v / scale + mean, values, scale, mean)
    if not target.log:
        return decoded
    smearing = np.log(target.smearing) if target.smearing else np.zeros(len(target.mean))
    added = pipeline.constant("log_smearing", smearing)
    low, high = LOG_RANGE
    return pipeline.formula("value", lambda v, more: exp(clip(v + more, low, high)), decoded, added)


# The linear model -----------------------------------------------------------------------------------------------------


def _blended(pipeline: Pipeline, linear: LinearPath | None, networks: str, x: str) -> str:
    """`LinearPath.blend`."""
    if linear is None or linear.weight == 0:
        return networks
    scores = _linear_scores(pipeline, linear, x)
    weight = linear.weight
    outputs = _softmax(pipeline, scores) if linear.classes else scores
    return pipeline.formula("blended", lambda n, other: (1 - weight) * n + weight * other, networks, outputs)


def _linear_scores(pipeline: Pipeline, linear: LinearPath, x: str) -> str:
    features = pipeline.convert(_linear_features(pipeline, linear, x), FLOAT64)
    w, b = pipeline.constant("coefficients", linear.coefficients), pipeline.constant("intercept", linear.intercept)
    quantity = Quantity(linear.coefficients.shape[1], FLOAT64)
    return pipeline.add("affine", (features, w, b), {"linear": quantity})[0]


def _linear_features(pipeline: Pipeline, linear: LinearPath, x: str) -> str:
    """`LinearFeatures.__call__`: numbers unbent, an input per level."""
    features = linear.features
    width = pipeline.width(x)
    others = [column for column in range(width) if column not in features.levels]
    clipped = [column for column in features.clipped if column in others]
    if clipped:
        bent = pipeline.convert(pipeline.select("bent", x, clipped), FLOAT64)
        unbent = pipeline.convert(pipeline.formula("unbent", _unbent, bent), FLOAT32)
        joined = pipeline.concatenate("with_unbent", [x, unbent])
        positions = {column: width + number for number, column in enumerate(clipped)}
        numbers = pipeline.select("linear_numbers", joined, [positions.get(column, column) for column in others])
    else:
        numbers = pipeline.select("linear_numbers", x, others) if others else ""
    levels = [_levels(pipeline, x, code, numbers_) for code, numbers_ in features.levels.items() if numbers_]
    return pipeline.concatenate("linear_inputs", [part for part in (numbers, *levels) if part])


def _levels(pipeline: Pipeline, x: str, code: int, numbers: Sequence[int]) -> str:
    """An input of 0 and 1 for each of some levels."""
    levels = pipeline.constant("levels", numbers, FLOAT32)
    return pipeline.formula(
        "is_level", lambda c, k: where(c == k, 1.0, 0.0), pipeline.select("code", x, [code]), levels
    )


def _unbent(x: Value) -> Value:
    """`unclipped` of tabular/linear_features.py."""
    most = float(MAX_NUMBER / np.sqrt(1 + (MAX_NUMBER / CLIP) ** 2))
    bent = clip(x, -most, most)
    part = bent / CLIP
    return bent / sqrt(1 - part * part)
