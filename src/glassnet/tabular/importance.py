"""Permutation importance on given rows: the increase of a model's loss when the inputs of a column are shuffled.

A shuffled column keeps its values but loses what they say about the row (Breiman 2001).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.data.preprocessing import TablePreparation
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError
from glassnet.tabular.model import TabularModel

Array = np.ndarray[Any, Any]

MAX_ROWS, REPEATS = 4_000, 3
MIN_PROBABILITY = 1e-15


class Importance(NamedTuple):
    """The increase of the loss, mean and deviation, for each of the columns (columns,)."""

    names: list[str]
    mean: Array
    deviation: Array
    loss: str


def column_importance(model: TabularModel, x: Array, y: Array, seed: int = 0) -> Importance:
    """Shuffle each column of the inputs x (n, features) a few times; y are class codes (n,) or numbers."""
    if not isinstance(model.preparation, TablePreparation):
        raise DataError("The model was trained on arrays of the command line, which have no columns to compare.")
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(x))[:MAX_ROWS])
    x, y, columns = x[chosen], y[chosen], model.preparation.columns
    edges = np.cumsum([0, *(len(column.features) for column in columns)])
    before = _loss(model, x, y)
    increases = np.empty((len(columns), REPEATS))
    for column, repeat in np.ndindex(increases.shape):
        inputs, shuffled = slice(edges[column], edges[column + 1]), x.copy()
        shuffled[:, inputs] = x[rng.permutation(len(x)), inputs]
        increases[column, repeat] = _loss(model, shuffled, y) - before
    loss = "log-loss" if isinstance(model.target, ClassTarget) else f"RMSE of {model.target.name}"
    return Importance([column.name for column in columns], increases.mean(axis=1), increases.std(axis=1), loss)


def _loss(model: TabularModel, x: Array, y: Array) -> float:
    """The log-loss, or the root mean squared error in the units of the target."""
    if isinstance(model.target, ClassTarget):
        chosen = model.probabilities(x)[np.arange(len(y)), y]
        return float(-np.log(np.maximum(chosen, MIN_PROBABILITY)).mean())
    return float(np.sqrt(((model.values(x) - y.reshape(len(y), -1)) ** 2).mean()))
