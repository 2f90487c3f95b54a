"""From a block of rows to samples as an MLPClassifier or MLPRegressor reads them; done where the block lies."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.data.reading import Array
from glassnet.data.streamed_table import StreamedTable
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.estimators.inputs import checked_weights, engine_rows

NETWORK_ATTRIBUTES = ("_network", "_views", "_training", "_optimizer", "_best_vectors", "coefs_", "intercepts_")
COLUMN_NAMES = "feature_names_in_"  # which were compared when the block was read, and which arrays do not have


class EstimatorEncoding:
    """Blocks of an MLPClassifier or MLPRegressor: X (rows, features) and y, encoded by what a first pass found.

    `estimator` knows its classes, columns and dtype (prepared.py); only that is kept of it.
    """

    def __init__(self, estimator: BaseMLP) -> None:
        self.dtype = str(estimator._network.dtype)
        state = {
            name: value for name, value in vars(estimator).items() if name not in (*NETWORK_ATTRIBUTES, COLUMN_NAMES)
        }
        self.estimator = copy.copy(estimator)
        self.estimator.__dict__.clear()
        self.estimator.__dict__.update(state)

    def __call__(self, X: Any, y: Any, weights: Any = None) -> Sources:
        """The block as Sources. Raises DataError or ValueError, as the estimator's fit does."""
        X, targets = self.estimator._validate_input(X, y, True, False)
        weights = self.estimator._apply_class_weight(checked_weights(weights, X), targets, True)
        return Sources(engine_rows(X, np.dtype(self.dtype)), targets, weights)


class EstimatorTableEncoding(NamedTuple):
    """Blocks of a table as an estimator reads them: `encoding` gets the prepared columns and the values of y."""

    table: StreamedTable
    encoding: EstimatorEncoding

    def __call__(self, block: Table) -> Sources:
        """The block as Sources. Raises DataError."""
        x, encoded = self.table.encoded(block)
        return self.encoding(x, target_values(self.table, encoded))


def target_values(table: StreamedTable, encoded: Array) -> Array:
    """The values of a target: the classes themselves, or the numbers."""
    if isinstance(table.target, ClassTarget):
        return np.asarray(table.target.classes)[encoded]
    return encoded.reshape(len(encoded))


def representative_of(table: StreamedTable) -> tuple[Array, Array]:
    """Rows that stand for all of a table: prepared columns that are 0, and every class, or two numbers."""
    y = np.asarray(table.target.classes) if isinstance(table.target, ClassTarget) else np.array([0.0, 1.0])
    return np.zeros((len(y), table.preparation.width), np.float32), y
