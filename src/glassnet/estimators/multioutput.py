"""Several columns of classes as one target: what scikit-learn calls multiclass-multioutput.

It stands where LabelBinarizer does for one column of classes: y becomes rows of 0 and 1 with a single 1 for each
column, which a softmax by groups learns, and the network's outputs become the classes of each column again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from glassnet.batches.samples import one_hot_rows
from glassnet.batches.sparse import dense
from glassnet.errors import DataError
from glassnet.execution.inference import answers

Array = np.ndarray[Any, Any]


class ColumnBinarizer:
    """The classes of each column, sorted, in `classes_`, and the turning of y (n, columns) into targets and back."""

    y_type_ = "multiclass-multioutput"

    def __init__(self, classes: Sequence[Any]) -> None:
        self.classes_ = [np.unique(column) for column in classes]

    @property
    def groups(self) -> tuple[int, ...]:
        """How many classes each column has."""
        return tuple(map(len, self.classes_))

    def columns(self, y: Any) -> list[Array]:
        """The columns of y. Raises DataError where there are more or fewer than were learnt."""
        y, count = dense(y), len(self.classes_)
        if y.ndim != 2 or y.shape[1] != count:
            raise DataError(f"y has shape {y.shape}, but this network has {count} columns of classes: (n, {count}).")
        return list(y.T)

    def transform(self, y: Any) -> Array:
        """y (n, columns) as rows of 0 and 1, (n, Σ classes) uint8. Raises DataError at a class that is not known."""
        numbers = []
        for number, (column, classes) in enumerate(zip(self.columns(y), self.classes_, strict=True)):
            found = np.minimum(np.searchsorted(classes, column), len(classes) - 1)
            if not (classes[found] == column).all():
                raise DataError(f"column {number} of y has classes not among {classes}.")
            numbers.append(found)
        return one_hot_rows(numbers, self.groups)

    def inverse_transform(self, outputs: Array) -> Array:
        """The most probable class of each column, (n, columns), from outputs or targets (n, Σ classes)."""
        numbers = answers(outputs, self.groups).T
        kinds = {classes.dtype.kind for classes in self.classes_}
        found = [classes[column] for classes, column in zip(self.classes_, numbers, strict=True)]
        return np.stack([column.astype(object) for column in found] if len(kinds) > 1 else found, axis=1)

    def right(self, found: Array, y: Any) -> Array:
        """Which rows of what was predicted are those of y in every column."""
        pairs = zip(found.T, self.columns(y), strict=True)
        return np.asarray(np.stack([column == wanted for column, wanted in pairs]).all(axis=0))

    def split(self, outputs: Array) -> list[Array]:
        """The outputs (n, Σ classes) as one array (n, classes) for each column."""
        return np.split(outputs, np.cumsum(self.groups)[:-1], axis=1)


def binarizer(y: Array) -> LabelBinarizer | ColumnBinarizer:
    """What turns y into targets: scikit-learn's own, or ours for several columns of classes."""
    if y.ndim == 2:
        if is_mixed(y):
            return ColumnBinarizer([_checked(column) for column in y.T])
        check_classification_targets(y)
        if type_of_target(y) == ColumnBinarizer.y_type_:
            return ColumnBinarizer(list(dense(y).T))
    return LabelBinarizer().fit(y)


def is_mixed(y: Any) -> bool:
    """Whether the columns of y are of different kinds, words beside numbers, as in many a DataFrame."""
    return y.dtype == object and len(y) > 0 and len({isinstance(value, str) for value in y[0]}) > 1


def _checked(column: Array) -> Array:
    """The column, if it holds classes; what is told of objects is told of what they are."""
    check_classification_targets(np.array(column.tolist()))
    return column


def are_of_columns(classes: Any) -> bool:
    """Whether these are the classes of several columns: a list with an array for each."""
    return isinstance(classes, (list, tuple)) and len(classes) > 1 and all(np.ndim(column) == 1 for column in classes)
