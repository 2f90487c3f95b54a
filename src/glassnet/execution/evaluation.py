"""The scores of a model on given x and y: its cost, with the accuracy for classes or R² for quantities.

Only sums are kept: the samples are computed in blocks by `inference.evaluate`, which passes each block's outputs on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.targets import target_classes
from glassnet.execution import inference
from glassnet.execution.model import Model
from glassnet.execution.prediction import block_size
from glassnet.program.parameters import Array


class Evaluation(NamedTuple):
    """The scores of a network on some samples; printed, one line.

    `cost` is C, penalty included. `accuracy` is the fraction of the samples (each counted once) whose classes are
    right, in all groups of the output; None where y are quantities. `r2` is R², the (weighted) coefficient of
    determination averaged over the outputs as by scikit-learn's r2_score; None where y are classes, and where the
    targets of an output are constant, since it compares the errors with the variance of the targets.
    """

    cost: float
    accuracy: float | None = None
    r2: float | None = None

    def __repr__(self) -> str:
        if self.accuracy is not None:
            return f"cost {self.cost:.6g}, accuracy {self.accuracy:.2%}"
        r2 = "no R² (the targets of an output are constant)" if self.r2 is None else f"R² {self.r2:z.4f}"
        return f"cost {self.cost:.6g}, {r2}"


def evaluation(model: Model, sources: Sources) -> Evaluation:
    """Evaluate the model on checked rows; `sources.weights` weigh the cost and R²."""
    if target_classes(model.architecture, sources.y[:1]) is not None:
        return Evaluation(*inference.evaluate(model, sources))
    squares = np.zeros(model.architecture.outputs)

    def add_squares(block: slice, a: Array) -> None:
        weights, y = _weights_and_targets(sources, block)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            np.add(squares, weights @ (a - y) ** 2, out=squares)

    cost, _ = inference.evaluate(model, sources, observe=add_squares)
    variation = target_variation(sources, block_size(model, len(sources.y)))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return Evaluation(cost, r2=float((1 - squares / variation).mean()) if variation.all() else None)


def target_variation(sources: Sources, size: int) -> Array:
    """Σ w·(y − ȳ)² over the samples, (fan_out,) float64, in blocks of `size`; exactly 0 where y is constant.

    Samples of weight 0 do not count.
    """
    blocks = [slice(first, first + size) for first in range(0, len(sources.y), size)]
    outputs = sources.y.shape[1]
    weight_sum, low, high = 0.0, np.full(outputs, np.inf), np.full(outputs, -np.inf)
    total, squares = np.zeros((2, outputs))
    for weights, y in (_weights_and_targets(sources, block) for block in blocks):
        weight_sum, total, counted = weight_sum + weights.sum(), total + weights @ y, y[weights > 0]
        low = np.minimum(low, counted.min(axis=0, initial=np.inf))
        high = np.maximum(high, counted.max(axis=0, initial=-np.inf))
    for weights, y in (_weights_and_targets(sources, block) for block in blocks):
        with np.errstate(under="ignore"):
            squares = squares + weights @ (y - total / weight_sum) ** 2
    return np.where(low == high, 0.0, squares)


def _weights_and_targets(sources: Sources, block: slice) -> tuple[Array, Array]:
    """The weights (m,) and y (m, fan_out) of a block, float64; without weights, each sample has weight 1."""
    y = sources.y[block].astype(np.float64)
    return np.ones(len(y)) if sources.weights is None else sources.weights[block], y
