"""Permutation importance: how much the loss of predictions increases when the inputs of a column are shuffled.

A shuffled column keeps its values but loses what they say about the row (Breiman 2001). A whole model is judged on
rows that it is given; the members of a model that was just fitted, each on rows that it left out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.preprocessing import TablePreparation
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError
from glassnet.tabular.fitting import Rows
from glassnet.tabular.member import Member
from glassnet.tabular.model import TabularModel
from glassnet.tabular.probabilities import log_losses

Array = np.ndarray[Any, Any]

MAX_ROWS, REPEATS = 4_000, 3
MIN_PROBABILITY = float(np.finfo(np.float32).eps)  # of a member, whose outputs are float32


class Importance(NamedTuple):
    """The increase of the loss, mean and deviation, for each of the columns (columns,)."""

    names: list[str]
    mean: Array
    deviation: Array
    loss: str


class Part(NamedTuple):
    """Rows on which a predictor is judged: inputs (n, features), targets, and its mean loss on inputs and targets.

    The loss is the log-loss, or the mean squared error in the units of the target.
    """

    x: Array
    y: Array
    loss: Callable[[Array, Array], float]


def importance_in_model(model: TabularModel, x: Array, y: Array, seed: int = 0) -> Importance:
    """The importance for the whole model on inputs x (n, features); y are class codes (n,) or numbers."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(x))[:MAX_ROWS])

    def loss(x: Array, y: Array) -> float:
        if isinstance(model.target, ClassTarget):
            return float(log_losses(model.probabilities(x), y).mean())
        return float(((model.values(x) - y.reshape(len(y), -1)) ** 2).mean())

    return _column_importance(model, [Part(x[chosen], y[chosen], loss)], rng)


def importance_on_holdouts(model: TabularModel, rows: Rows, seed: int = 0, max_seconds: float = math.inf) -> Importance:
    """The importance for the members, each on a sample of the fitted rows that it left out.

    After `max_seconds` only the columns that were judged by then are in the result, the first of the table.
    """
    end, rng = time.perf_counter() + max_seconds, np.random.default_rng(seed)
    parts = [_left_out(model, member, rows, rng) for member in model.members]
    return _column_importance(model, parts, rng, end)


def _left_out(model: TabularModel, member: Member, rows: Rows, rng: np.random.Generator) -> Part:
    count = min(len(member.holdout), max(1, MAX_ROWS // len(model.members)))
    chosen = np.sort(rng.choice(member.holdout, count, replace=False))

    def loss(x: Array, y: Array) -> float:
        outputs = member.network.predict(x.T).T.astype(np.float64)
        if isinstance(model.target, ClassTarget):
            return float(log_losses(np.maximum(outputs, MIN_PROBABILITY), y).mean())
        return float(((model.target.decode(outputs) - model.target.true_values(y)) ** 2).mean())

    return Part(model.inputs(rows.table.take(chosen)), rows.y[chosen], loss)


def _column_importance(
    model: TabularModel, parts: Sequence[Part], rng: np.random.Generator, end: float = math.inf
) -> Importance:
    """Shuffle each column a few times among the rows of each part, until time.perf_counter() is `end`."""
    if not isinstance(model.preparation, TablePreparation):
        raise DataError("The model was trained on arrays of the command line, which have no columns to compare.")
    columns = model.preparation.columns
    edges = np.cumsum([0, *(len(column.features) for column in columns)])
    before = _mean_loss(model, parts, [part.x for part in parts])
    increases: list[list[float]] = []
    for first, last in pairwise(edges.tolist()):
        if increases and time.perf_counter() > end:
            break
        shuffled = ([_shuffled(part.x, slice(first, last), rng) for part in parts] for _ in range(REPEATS))
        increases.append([_mean_loss(model, parts, inputs) - before for inputs in shuffled])
    values, names = np.array(increases), [column.name for column in columns[: len(increases)]]
    loss = "log-loss" if isinstance(model.target, ClassTarget) else f"RMSE of {model.target.name}"
    return Importance(names, values.mean(axis=1), values.std(axis=1), loss)


def _shuffled(x: Array, inputs: slice, rng: np.random.Generator) -> Array:
    shuffled = x.copy()
    shuffled[:, inputs] = x[rng.permutation(len(x)), inputs]
    return shuffled


def _mean_loss(model: TabularModel, parts: Sequence[Part], inputs: Sequence[Array]) -> float:
    """The log-loss, or the root mean squared error, over the rows of all parts with these inputs."""
    losses = [part.loss(x, part.y) for part, x in zip(parts, inputs, strict=True)]
    mean = float(np.average(losses, weights=[len(part.y) for part in parts]))
    return mean if isinstance(model.target, ClassTarget) else math.sqrt(mean)
