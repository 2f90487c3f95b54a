"""The column to predict: the task it calls for, and the conversion between its values and the network's outputs.

Classes keep the type that they have in the file; regression targets are standardised for training, and predictions
are converted back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.columns import Serializable, check_kind, is_text, mean_and_scale
from glassnet.data.reading import Array
from glassnet.data.table import Table
from glassnet.errors import DataError, unknown_name

TASKS = ("auto", "classification", "regression")
MAX_INTEGER_CLASSES = 20
MIN_ROWS_PER_CLASS = 5
MAX_CLASSES = 10_000


@dataclass(frozen=True)
class ClassTarget(Serializable):
    """The classes in sorted order, with the type that they have in the file (text, bool, int or float)."""

    kind: ClassVar[str] = "classification"
    name: str
    classes: list[Any]

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Find the classes. Raises DataError for a single class, for fractions, and for too many classes."""
        if values.ndim != 1:
            raise DataError(f"The target {name!r} has shape {values.shape}; classes need one value per row.")
        classes = np.unique(values)
        if values.dtype.kind == "f" and (classes != np.floor(classes)).any():
            raise DataError(f"The target {name!r} has fractions ({len(classes):,} values); use --task regression.")
        if len(classes) < 2:
            only = _plain(classes)[0]
            raise DataError(f"The target {name!r} has a single class ({only!r}); at least two are needed.")
        if len(classes) > MAX_CLASSES:
            advice = "" if _is_label(values) else "; use --task regression"
            raise DataError(f"The target {name!r} has {len(classes):,} classes; the limit is {MAX_CLASSES:,}{advice}.")
        return cls(name, _plain(classes))

    @property
    def is_text(self) -> bool:
        """Whether the classes are text, which a CSV reader must not turn into numbers."""
        return isinstance(self.classes[0], str)

    def encode(self, values: Array, location: Callable[[int], str] | None = None) -> Array:
        """Class numbers (n,) int64. Raises DataError for an unknown class; `location` names its row in the message."""
        codes = {value: code for code, value in enumerate(self.classes)}
        numbers = np.array([codes.get(value, -1) for value in _plain(values)], np.int64)
        if (numbers < 0).any():
            row = int(numbers.argmin())
            cell = location(row) if location else f"The target {self.name!r}"
            raise DataError(f"{cell} holds {_plain(values)[row]!r}, which is not among the {self.summary()}.")
        return numbers

    def decode(self, codes: Array) -> pa.Array:
        """The classes with the given numbers, in their original type."""
        return pa.array(self.classes).take(pa.array(codes))

    def summary(self) -> str:
        """A phrase that lists the first ten classes."""
        more = f" ... ({len(self.classes):,} in total)" if len(self.classes) > 10 else ""
        return "classes " + ", ".join(map(str, self.classes[:10])) + more


@dataclass(frozen=True)
class NumberTarget(Serializable):
    """One or several numbers per row; the network learns (value − mean) · scale."""

    kind: ClassVar[str] = "regression"
    is_text: ClassVar[bool] = False  # a CSV reader turns the column into numbers
    name: str
    mean: list[float]
    scale: list[float]

    @classmethod
    def fit(cls, name: str, values: Array, *, standardise: bool = True) -> Self:
        """Find mean and deviation of each column. Raises DataError for labels and for a constant column."""
        if _is_label(values):
            raise DataError(f"The target {name!r} holds {_plain(values.reshape(-1))[0]!r}; regression needs numbers.")
        columns = np.asarray(values, np.float64).reshape(len(values), -1).T
        fits = [mean_and_scale(column) for column in columns]
        if any(scale == 0 for _, scale in fits):
            raise DataError(f"The target {name!r} has a single value ({columns[0, 0]:g}); there is nothing to learn.")
        if not standardise:
            fits = [(0.0, 1.0)] * len(fits)
        return cls(name, [mean for mean, _ in fits], [scale for _, scale in fits])

    def encode(self, values: Array, location: Callable[[int], str] | None = None) -> Array:
        """The targets of the network, (n, outputs) float64."""
        if _is_label(values):
            raise DataError(f"The target {self.name!r} holds {_plain(values.reshape(-1))[0]!r}; it must be numbers.")
        columns = np.asarray(values, np.float64).reshape(len(values), -1)
        if (count := columns.shape[1]) != len(self.mean):
            raise DataError(f"The target {self.name!r} has {count} columns; the model predicts {len(self.mean)}.")
        encoded: Array = (columns - self.mean) * self.scale
        return encoded

    def decode(self, outputs: Array) -> Array:
        """Predictions in the units of the target, (n, outputs) float64."""
        return np.asarray(outputs, np.float64) / self.scale + self.mean

    def summary(self) -> str:
        """A phrase that says what is predicted."""
        return "a quantity" if len(self.mean) == 1 else f"{len(self.mean)} quantities"


TargetColumn = ClassTarget | NumberTarget


def target_values(table: Table, name: str) -> Array:
    """The target column as text (object), bool, int64 or float64. Raises DataError for missing and infinite cells."""
    column = table.column(name)
    check_kind(table, name)
    if is_text(column.type):
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if column.null_count:
        row = int(pc.index(pc.is_null(column), True).as_py())
        raise DataError(f"{table.location(row, name)} is missing ({column.null_count:,} in total); drop these rows.")
    values: Array = column.to_numpy()
    if values.dtype.kind == "f" and (infinite := np.isinf(values)).any():
        location = table.location(int(infinite.argmax()), name)
        raise DataError(f"{location} is infinite or too large; correct it or drop the row.")
    return values


def infer_task(values: Array, task: str) -> tuple[str, str]:
    """The task, and a phrase that says why it was chosen.

    Text and true/false are classes. Whole numbers are classes if there are at most 20 distinct ones and, on average, at
    least 5 rows of each; two distinct ones always are. Everything else is a quantity.
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    if task != "auto":
        return task, "as requested"
    if _is_label(values):
        return "classification", "the target is true/false" if values.dtype.kind == "b" else "the target is text"
    if values.ndim > 1 and values.shape[1] > 1:
        return "regression", f"the target has {values.shape[1]} columns"
    distinct = np.unique(values)
    limit = max(2, min(MAX_INTEGER_CLASSES, values.size // MIN_ROWS_PER_CLASS))
    if (distinct == np.floor(distinct)).all() and len(distinct) <= limit:
        return "classification", f"the target has {len(distinct)} distinct whole numbers"
    return "regression", f"the target has {len(distinct):,} distinct numbers"


def fit_target(name: str, values: Array, rows: Array, task: str, *, standardise: bool = True) -> TargetColumn:
    """Fit the target: the classes of all rows, or mean and deviation of the given training rows."""
    if task == "classification":
        return ClassTarget.fit(name, values.reshape(-1) if values.shape[1:] == (1,) else values)
    NumberTarget.fit(name, values)
    return NumberTarget.fit(name, values[rows], standardise=standardise)


def _is_label(values: Array) -> bool:
    """Whether the values are text or true/false."""
    return values.dtype.kind in "OUSb"


def _plain(values: Array) -> list[Any]:
    """As Python values, which JSON supports."""
    return list(values.tolist())
