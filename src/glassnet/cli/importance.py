"""Permutation importance: how much worse the predictions for rows left out become when a column is shuffled.

A shuffled column keeps its values but loses what they say about the row (Breiman 2001). The inputs of a column are
shuffled together among the rows that a network had left out. Time is bounded: rows are sampled, and of very many
columns those that come first in the table are judged.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from glassnet.cli.scores import MIN_PROBABILITY
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.target import ClassTarget
from glassnet.tabular.fitting import Rows
from glassnet.tabular.importance import Importance
from glassnet.tabular.model import TabularModel

Array = np.ndarray[Any, Any]

MAX_ROWS = 4_000  # in all, shared among the networks
REPEATS = 3
MAX_SECONDS = 15.0


def column_importance(model: TabularModel, rows: Rows, seed: int = 0) -> Importance:
    """Shuffle each column of the table a few times."""
    assert isinstance(model.preparation, TablePreparation)
    rng, end = np.random.default_rng(seed), time.perf_counter() + MAX_SECONDS
    parts = [_sample(model, member, rows, rng) for member in range(len(model.members))]
    widths = [len(column.features) for column in model.preparation.columns]
    edges = np.cumsum([0, *widths])
    names: list[str] = []
    increases: list[list[float]] = []
    for column, first, last in zip(model.preparation.columns, edges[:-1], edges[1:], strict=True):
        if increases and time.perf_counter() > end:
            break
        names.append(column.name)
        increases.append([_increase(model, parts, slice(first, last), rng) for _ in range(REPEATS)])
    values = np.array(increases)
    loss = "log-loss" if isinstance(model.target, ClassTarget) else f"RMSE of {model.target.name}"
    return Importance(names, values.mean(axis=1), values.std(axis=1), loss)


class Part(NamedTuple):
    """Some rows that a member had left out: its number, their inputs, encoded targets and losses."""

    member: int
    x: Array
    y: Array
    loss: float


def _sample(model: TabularModel, member: int, rows: Rows, rng: np.random.Generator) -> Part:
    holdout = model.members[member].holdout
    count = min(len(holdout), max(1, MAX_ROWS // len(model.members)))
    chosen = np.sort(rng.choice(holdout, count, replace=False))
    x, y = model.inputs(rows.table.take(chosen)), rows.y[chosen]
    return Part(member, x, y, _loss(model, member, x, y))


def _increase(model: TabularModel, parts: list[Part], inputs: slice, rng: np.random.Generator) -> float:
    """The increase of the loss over all parts when some inputs are shuffled among the rows of each part."""
    before, after = 0.0, 0.0
    total = sum(len(part.x) for part in parts)
    for part in parts:
        shuffled = part.x.copy()
        shuffled[:, inputs] = part.x[rng.permutation(len(part.x)), inputs]
        before += part.loss * len(part.x) / total
        after += _loss(model, part.member, shuffled, part.y) * len(part.x) / total
    if isinstance(model.target, ClassTarget):
        return after - before
    return float(np.sqrt(after) - np.sqrt(before))


def _loss(model: TabularModel, member: int, x: Array, y: Array) -> float:
    """The log-loss, or the mean squared error in the units of the target, of one network."""
    outputs = model.members[member].network.predict(x.T).T.astype(np.float64)
    if isinstance(model.target, ClassTarget):
        return float(-np.log(np.maximum(outputs[np.arange(len(y)), y], MIN_PROBABILITY)).mean())
    return float(((model.target.decode(outputs) - model.target.true_values(y)) ** 2).mean())
