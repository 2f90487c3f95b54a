"""Several columns of classes as one target: what scikit-learn calls multiclass-multioutput.

MultiOutputBinarizer does for them what LabelBinarizer does for one column: it turns y into rows of 0 and 1 with a
single 1 per column, which a grouped softmax learns, and turns the network's outputs back into classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from glassnet.batches.sparse import dense
from glassnet.batches.targets import class_numbers, one_hot_groups, predicted_classes
from glassnet.errors import DataError

Array = np.ndarray[Any, Any]


class MultiOutputBinarizer:
    """Encodes y (n, columns) as targets and decodes outputs; `classes_` lists the sorted classes of each column."""

    y_type_ = "multiclass-multioutput"

    def __init__(self, classes: Sequence[Any]) -> None:
        self.classes_ = [np.unique(column) for column in classes]

    @property
    def groups(self) -> tuple[int, ...]:
        """The number of classes of each column."""
        return tuple(map(len, self.classes_))

    def columns(self, y: Any) -> list[Array]:
        """The columns of y. Raises DataError where there are more or fewer than in fit."""
        y, count = dense(y), len(self.classes_)
        if y.ndim != 2 or y.shape[1] != count:
            raise DataError(f"y has shape {y.shape}, but this network has {count} columns of classes: (n, {count}).")
        return list(y.T)

    def transform(self, y: Any) -> Array:
        """y (n, columns) as rows of 0 and 1, (n, Σ classes) uint8. Raises DataError at an unknown class."""
        pairs = enumerate(zip(self.columns(y), self.classes_, strict=True))
        labels = [class_numbers(column, classes, f"column {number} of y") for number, (column, classes) in pairs]
        return one_hot_groups(labels, self.groups)

    def inverse_transform(self, outputs: Array) -> Array:
        """The most probable class of each column, (n, columns), from outputs or targets (n, Σ classes)."""
        labels = predicted_classes(outputs, self.groups).T
        columns = [classes[column] for classes, column in zip(self.classes_, labels, strict=True)]
        if len({classes.dtype.kind for classes in self.classes_}) > 1:
            columns = [column.astype(object) for column in columns]
        return np.stack(columns, axis=1)

    def correct(self, predicted: Array, y: Any) -> Array:
        """Which rows (n,) of the predictions equal y in every column."""
        pairs = zip(predicted.T, self.columns(y), strict=True)
        return np.asarray(np.stack([column == expected for column, expected in pairs]).all(axis=0))

    def split(self, outputs: Array) -> list[Array]:
        """The outputs (n, Σ classes) as one array (n, classes) per column."""
        return np.split(outputs, np.cumsum(self.groups)[:-1], axis=1)


def fitted_binarizer(y: Array) -> LabelBinarizer | MultiOutputBinarizer:
    """scikit-learn's LabelBinarizer fitted on y, or ours where y has several columns of classes."""
    if y.ndim == 2:
        is_object = y.dtype == object and len(y) > 0
        if is_object and len({isinstance(value, str) for value in y[0]}) > 1:  # text and numbers, as DataFrames have
            for column in y.T:
                check_classification_targets(np.array(column.tolist()))
            return MultiOutputBinarizer(list(y.T))
        check_classification_targets(y)
        if type_of_target(y) == MultiOutputBinarizer.y_type_:
            return MultiOutputBinarizer(list(dense(y).T))
    return LabelBinarizer().fit(y)


def is_class_lists(classes: Any) -> bool:
    """Whether `classes` lists the classes of several columns, one array per column."""
    return isinstance(classes, (list, tuple)) and len(classes) > 1 and all(np.ndim(column) == 1 for column in classes)
