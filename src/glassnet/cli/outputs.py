"""What stands at the end of a network for a task: how many outputs, which activation and cost, what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.target import NumberTarget, TargetColumn
from glassnet.errors import ParameterError
from glassnet.tables.costs import Cost, cost
from glassnet.tables.interval import NON_NEGATIVE

Array = np.ndarray[Any, Any]

AUTO = "auto"


@dataclass(frozen=True)
class Outputs:
    """The last layer: its width, its activation and the cost."""

    count: int
    activation: str
    cost: str


def keeps_units(word: str) -> bool:
    """Whether a cost needs quantities as they are (counts), not standardised."""
    return word != AUTO and cost(word).targets == NON_NEGATIVE


def choose_outputs(word: str, target: TargetColumn) -> Outputs:
    """The last layer for a cost's name and a target.

    "auto" is sigmoid with binary cross-entropy for two classes, softmax with categorical cross-entropy for more, linear
    with quadratic for quantities. Raises ParameterError where the cost is unknown or is not for this task.
    """
    if isinstance(target, NumberTarget):
        return _for_numbers(cost("quadratic" if word == AUTO else word), len(target.mean))
    count = len(target.classes)
    if word == AUTO:
        word = "binary_cross_entropy" if count == 2 else "categorical_cross_entropy"
    return _for_classes(cost(word), count)


def _for_numbers(chosen: Cost, count: int) -> Outputs:
    if chosen.targets.high <= 1:
        raise ParameterError(f"cost {chosen.name!r} is for classes, but the task is regression; use --cost auto.")
    return Outputs(count, "exp" if chosen.targets == NON_NEGATIVE else "linear", chosen.name)


def _for_classes(chosen: Cost, count: int) -> Outputs:
    if chosen.target_sum is not None:
        return Outputs(count, "softmax", chosen.name)
    if chosen.targets == NON_NEGATIVE:
        raise ParameterError(f"cost {chosen.name!r} is for counts, but the task is classification; use --cost auto.")
    return Outputs(1 if count == 2 else count, "sigmoid", chosen.name)


def network_targets(encoded: Array, target: TargetColumn, network: Any) -> Array:
    """The targets (fan_out, batch) that a network learns, or class numbers (batch,) where its cost takes them."""
    architecture = network.architecture
    if isinstance(target, NumberTarget):
        return encoded.T
    if architecture.cost.target_sum is not None:
        return encoded
    if architecture.outputs == 1:
        return encoded[np.newaxis].astype(np.float32)
    return np.equal(np.arange(architecture.outputs)[:, np.newaxis], encoded).astype(np.float32)


def probabilities(outputs: Array) -> Array:
    """The probability of each class, (n, classes) float32, from a network's outputs (fan_out, n)."""
    if len(outputs) == 1:
        return np.concatenate([1 - outputs, outputs]).T
    sums = outputs.sum(axis=0)
    shares: Array = np.where(sums > 0, outputs / np.where(sums > 0, sums, 1), np.float32(1 / len(outputs)))
    return shares.T
