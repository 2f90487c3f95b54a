"""From a block of rows to samples as an MLPClassifier or MLPRegressor reads them; done where the block lies.

What goes to the workers is what the estimator has learnt from rows that stand for all of them, as plain data. A worker
therefore need not load scikit-learn, which takes 100 MB.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.array_likes import to_array
from glassnet.batches.sources import Sources
from glassnet.batches.targets import class_numbers, one_hot_groups
from glassnet.data.reading import Array
from glassnet.data.streamed_table import StreamedTable
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError
from glassnet.scale.encoding import NetworkEncoding


class ClassColumns(NamedTuple):
    """The sorted classes of each column of y, and the weights of those classes, if they have any."""

    classes: tuple[Array, ...]
    weights: tuple[Array, ...] | None = None

    def numbers(self, y: Array) -> list[Array]:
        """The number of the class of each row, (rows,), for each column of y. Raises DataError at an unknown class."""
        columns = [y] if y.ndim == 1 else list(y.T)
        if len(columns) != len(self.classes):
            raise DataError(f"y has shape {y.shape}, but this network has {len(self.classes)} columns of classes.")
        names = ["y"] if y.ndim == 1 else [f"column {number} of y" for number in range(len(columns))]
        return [class_numbers(*column) for column in zip(columns, self.classes, names, strict=True)]

    def weights_of(self, numbers: list[Array]) -> Array | None:
        """The weight of each row: the product of those of its classes. None if classes have no weights."""
        if self.weights is None:
            return None
        pairs = zip(self.weights, numbers, strict=True)
        return np.asarray(np.prod([weights[column] for weights, column in pairs], axis=0))


class EstimatorEncoding(NamedTuple):
    """Blocks of an MLPClassifier or MLPRegressor: X (rows, features) and y; `classes` is None for a regressor."""

    network: NetworkEncoding
    classes: ClassColumns | None

    def __call__(self, X: Any, y: Any, weights: Any = None) -> Sources:
        """The block as Sources. Raises DataError."""
        if self.classes is None:
            return self.network(X, y, weights)
        numbers = self.classes.numbers(to_array("y", y))
        sources, of_classes = self.network(X, self._targets(numbers), weights), self.classes.weights_of(numbers)
        if of_classes is None:
            return sources
        return sources._replace(weights=of_classes if sources.weights is None else sources.weights * of_classes)

    def _targets(self, numbers: list[Array]) -> Array:
        """What the network learns: class numbers (rows,), or 0 and 1, (rows, outputs)."""
        architecture = self.network.architecture
        if len(architecture.groups) > 1:
            return one_hot_groups(numbers, architecture.groups)
        if architecture.cost.target_sum is not None:
            return numbers[0]
        return np.stack(numbers, axis=1).astype(np.uint8)


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
