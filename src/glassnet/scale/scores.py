"""How well a network does on validation blocks: sums of each block, which are added in the order of the blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import HeldOut
from glassnet.batches.targets import misclassified, numeric_targets, predicted_classes, target_classes
from glassnet.execution import inference
from glassnet.execution.model import Model
from glassnet.program.parameters import Array
from glassnet.scale.round import Arrays, LaneNetwork


class EvaluationTask(NamedTuple):
    """One validation block, or, with `held_out`, the part of a training block that validates."""

    network: LaneNetwork
    block: int
    held_out: HeldOut | None = None

    @property
    def is_validation(self) -> bool:
        """Whether the block is one of the validation blocks, which have numbers of their own."""
        return self.held_out is None


class BlockScore(NamedTuple):
    """Sums over the samples of a block: of weights, costs (without the penalty) and right predictions.

    `right` and `right_weight` are None where y are not classes; the last three, weighted sums of (a − y)², y and y² of
    each output, where they are.
    """

    samples: int
    weight: float
    cost: float
    right: float | None = None
    right_weight: float | None = None
    squares: Array | None = None
    sums: Array | None = None
    square_sums: Array | None = None


def evaluate_block(task: EvaluationTask, shared: Arrays, block: Sources) -> BlockScore:
    """The score of the network with the shared parameters on a block; the arrays that are passed stay as they are."""
    model = task.network.model()
    load_into(model, shared)
    if task.held_out is not None:
        block = block.part(task.held_out.of_block(task.block, len(block.y))[1])
    return score_of(model, block)


def load_into(model: Model, shared: Mapping[str, Array]) -> None:
    """Copy the shared parameters and running statistics into a model."""
    model.parameters.vector[:] = shared["parameters"]
    model.statistics.vector[:] = shared["statistics"]


def score_of(model: Model, block: Sources) -> BlockScore:
    """The score of a model on the samples of a block."""
    outputs = np.empty((len(block.y), model.architecture.outputs), model.dtype)

    def store(part: slice, a: Array) -> None:
        outputs[part] = a

    cost, accuracy = inference.evaluate(model, block, penalty=False, observe=store)
    samples = len(block.y)
    weights = np.ones(samples) if block.weights is None else block.weights
    weight = float(weights.sum())
    sums = (samples, weight, cost * weight)
    if accuracy is None:
        return BlockScore(*sums, None, None, *_moments(outputs, block, weights))
    classes: Any = target_classes(model.architecture, block.y)
    is_right = ~misclassified(predicted_classes(outputs, model.architecture.groups), classes)
    return BlockScore(*sums, float(is_right.sum()), float(weights[is_right].sum()))


def _moments(outputs: Array, block: Sources, weights: Array) -> tuple[Array, Array, Array]:
    """Weighted sums of (a − y)², y and y² of each output, in float64."""
    y = numeric_targets(block.y, outputs.shape[1]).astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        return weights @ np.square(outputs - y), weights @ y, weights @ np.square(y)


def total(scores: Sequence[BlockScore]) -> BlockScore:
    """The sums over all blocks, added in their order."""
    result = scores[0]
    for score in scores[1:]:
        sums: Any = [None if a is None or b is None else a + b for a, b in zip(result, score, strict=True)]
        result = BlockScore(*sums)
    return result


def error(score: BlockScore) -> float | None:
    """The share of the samples whose class is wrong; None where y are quantities."""
    return None if score.right is None else 1 - score.right / score.samples


def rmse(score: BlockScore) -> float | None:
    """The root of the weighted mean over samples and outputs of (a − y)²; None where y are classes."""
    if score.squares is None:
        return None
    return math.sqrt(float(score.squares.mean()) / score.weight)


def r2(score: BlockScore) -> float | None:
    """R², the mean over outputs, as scikit-learn's r2_score; None where y are classes."""
    if score.squares is None or score.sums is None or score.square_sums is None:
        return None
    variation = score.square_sums - np.square(score.sums) / score.weight
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(variation > 0, 1 - score.squares / variation, np.where(score.squares == 0, 1.0, 0.0))
    return float(ratios.mean())
