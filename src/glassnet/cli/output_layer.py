"""The last layer of a network for a task: its width, activation and cost, its targets, and what its outputs mean."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.targets import learnt_targets
from glassnet.data.target import NumberTarget, TargetColumn
from glassnet.errors import ParameterError
from glassnet.tables.costs import Cost, cost
from glassnet.tables.interval import NON_NEGATIVE

Array = np.ndarray[Any, Any]

AUTO = "auto"


class OutputLayer(NamedTuple):
    """The last layer: its width, and the names of its activation and of the cost."""

    width: int
    activation: str
    cost: str


def keeps_units(cost_name: str) -> bool:
    """Whether a cost needs quantities as they are (counts), not standardised. Raises for an unknown name."""
    return cost_name != AUTO and cost(cost_name).targets == NON_NEGATIVE


def choose_output_layer(cost_name: str, target: TargetColumn) -> OutputLayer:
    """Choose the last layer for a cost and a target.

    "auto" is sigmoid with binary cross-entropy for two classes, softmax with categorical cross-entropy for more, and
    linear with the quadratic cost for quantities. Raises ParameterError where the cost is unknown or does not fit.
    """
    name = _default_cost(target) if cost_name == AUTO else cost_name
    width = output_width(target, cost(name))
    chosen = cost(name, width)
    if isinstance(target, NumberTarget):
        if chosen.targets.high <= 1:
            raise ParameterError(f"cost {chosen.name!r} is for classes, but the task is regression; use --cost auto.")
        return OutputLayer(width, "exp" if chosen.targets == NON_NEGATIVE else "linear", chosen.name)
    if chosen.targets == NON_NEGATIVE:
        raise ParameterError(f"cost {chosen.name!r} is for counts, but the task is classification; use --cost auto.")
    return OutputLayer(width, "sigmoid" if chosen.target_sum is None else "softmax", chosen.name)


def _default_cost(target: TargetColumn) -> str:
    if isinstance(target, NumberTarget):
        return "quadratic"
    return "binary_cross_entropy" if len(target.classes) == 2 else "categorical_cross_entropy"


def output_width(target: TargetColumn, chosen: Cost) -> int:
    """How many outputs a network for this target and cost has; two classes share one unless the cost wants a sum."""
    if isinstance(target, NumberTarget):
        return len(target.mean)
    return 1 if len(target.classes) == 2 and chosen.target_sum is None else len(target.classes)


def network_targets(encoded: Array, target: TargetColumn, network: Any) -> Array:
    """Turn encoded targets into what a network learns: (fan_out, batch), or class numbers (batch,) for softmax."""
    return learnt_targets(encoded, network.architecture, classes=not isinstance(target, NumberTarget))


def probabilities(outputs: Array) -> Array:
    """Turn the outputs (fan_out, n) of a network into the probability of each class, (n, classes) float32."""
    if len(outputs) == 1:
        return np.concatenate([1 - outputs, outputs]).T
    sums = outputs.sum(axis=0)
    shares: Array = np.where(sums > 0, outputs / np.where(sums > 0, sums, 1), np.float32(1 / len(outputs)))
    return shares.T
