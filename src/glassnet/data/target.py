"""The column to predict: which task it asks for, and the way between its values and the network's outputs.

Classes keep the type they have in the file; regression targets are standardised for training and put back in
predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.columns import check_kind, is_text, standardising
from glassnet.data.table import Table
from glassnet.errors import DataError, ParameterError

Array = np.ndarray[Any, Any]

TASKS = ("auto", "classification", "regression")
MAX_WHOLE_CLASSES = 20
ROWS_A_CLASS = 5
MAX_CLASSES = 10_000


@dataclass(frozen=True)
class ClassTarget:
    """Classes in sorted order, with the type they have in the file (text, bool, int or float)."""

    kind: ClassVar[str] = "classification"
    name: str
    classes: list[Any]

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Learn the classes. Raises DataError for one class only, for fractions, and for far too many."""
        if values.ndim != 1:
            raise DataError(f"The target {name!r} has shape {values.shape}; classes need one value a row.")
        classes = np.unique(values)
        if values.dtype.kind == "f" and (classes != np.floor(classes)).any():
            raise DataError(f"The target {name!r} has fractions ({len(classes):,} values); use --task regression.")
        if len(classes) < 2:
            only = _plain(classes)[0]
            raise DataError(f"The target {name!r} has a single class ({only!r}); there is nothing to tell apart.")
        if len(classes) > MAX_CLASSES:
            advice = "" if _is_label(values) else "; use --task regression"
            raise DataError(f"The target {name!r} has {len(classes):,} classes; the limit is {MAX_CLASSES:,}{advice}.")
        return cls(name, _plain(classes))

    @property
    def is_text(self) -> bool:
        """Whether the classes are words, which a CSV must not turn into numbers."""
        return isinstance(self.classes[0], str)

    def encode(self, values: Array, place: Callable[[int], str] | None = None) -> Array:
        """Class numbers (n,) int64. Raises DataError for a class that training has not seen; `place` says where."""
        codes = {value: code for code, value in enumerate(self.classes)}
        found = np.array([codes.get(value, -1) for value in _plain(values)], np.int64)
        if (found < 0).any():
            row = int(found.argmin())
            where = place(row) if place else f"The target {self.name!r}"
            raise DataError(f"{where} holds {_plain(values)[row]!r}, which is not among the {self.text()}.")
        return found

    def decode(self, codes: Array) -> pa.Array:
        """The classes of these numbers, with their type."""
        return pa.array(self.classes).take(pa.array(codes))

    def text(self) -> str:
        """The classes in words, the first ten of them."""
        more = f" ... ({len(self.classes):,} in all)" if len(self.classes) > 10 else ""
        return "classes " + ", ".join(map(str, self.classes[:10])) + more

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class NumberTarget:
    """One number or several a row; (value − mean) · scale is what the network learns."""

    kind: ClassVar[str] = "regression"
    name: str
    mean: list[float]
    scale: list[float]

    @classmethod
    def fit(cls, name: str, values: Array, *, standardise: bool = True) -> Self:
        """Learn mean and deviation of each column. Raises DataError for labels and for a constant."""
        if _is_label(values):
            raise DataError(f"The target {name!r} holds {_plain(values.reshape(-1))[0]!r}; regression needs numbers.")
        columns = np.asarray(values, np.float64).reshape(len(values), -1).T
        fits = [standardising(column) for column in columns]
        if any(scale == 0 for _, scale in fits):
            raise DataError(f"The target {name!r} has a single value ({columns[0, 0]:g}); there is nothing to predict.")
        if not standardise:
            fits = [(0.0, 1.0)] * len(fits)
        return cls(name, [mean for mean, _ in fits], [scale for _, scale in fits])

    @property
    def is_text(self) -> bool:
        """Never: a number's column is read as numbers."""
        return False

    def encode(self, values: Array, place: Callable[[int], str] | None = None) -> Array:
        """What the network learns, (n, outputs) float64."""
        if _is_label(values):
            raise DataError(f"The target {self.name!r} holds {_plain(values.reshape(-1))[0]!r}; it must be numbers.")
        columns = np.asarray(values, np.float64).reshape(len(values), -1)
        if columns.shape[1] != len(self.mean):
            found, wanted = columns.shape[1], len(self.mean)
            raise DataError(f"The target {self.name!r} has {found} columns; the model predicts {wanted}.")
        encoded: Array = (columns - self.mean) * self.scale
        return encoded

    def decode(self, outputs: Array) -> Array:
        """Predictions in the target's own units, (n, outputs) float64."""
        return np.asarray(outputs, np.float64) / self.scale + self.mean

    def text(self) -> str:
        """What it is, in words."""
        return "a quantity" if len(self.mean) == 1 else f"{len(self.mean)} quantities"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"kind": self.kind, **asdict(self)}


Target = ClassTarget | NumberTarget


def target_values(table: Table, name: str) -> Array:
    """The target column as text (object), bool, int64 or float64. Raises DataError where cells are missing."""
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
        raise DataError(f"{table.place(row, name)} is missing ({column.null_count:,} such); drop these rows.")
    values: Array = column.to_numpy()
    if values.dtype.kind == "f" and (infinite := np.isinf(values)).any():
        raise DataError(f"{table.place(int(infinite.argmax()), name)} is infinite or too large; mend or drop the row.")
    return values


def infer_task(values: Array, task: str) -> tuple[str, str]:
    """The task, and in words why.

    Text and true/false are classes. Whole numbers are classes where there are at most 20 different ones and, on
    average, 5 rows or more of each (two different ones always are). Everything else is a quantity.
    """
    if task not in TASKS:
        raise ParameterError(f"task {task!r} is unknown. Known: {', '.join(TASKS)}.")
    if task != "auto":
        return task, "as asked"
    if _is_label(values):
        return "classification", "the target is true/false" if values.dtype.kind == "b" else "the target is text"
    if values.ndim > 1 and values.shape[1] > 1:
        return "regression", f"the target has {values.shape[1]} columns"
    distinct = np.unique(values)
    limit = max(2, min(MAX_WHOLE_CLASSES, values.size // ROWS_A_CLASS))
    if (distinct == np.floor(distinct)).all() and len(distinct) <= limit:
        return "classification", f"the target has {len(distinct)} different whole numbers"
    return "regression", f"the target has {len(distinct):,} different numbers"


def fit_target(name: str, values: Array, rows: Array, task: str, *, standardise: bool = True) -> Target:
    """The target of a task: classes of all rows, or mean and deviation of the given training rows."""
    if task == "classification":
        return ClassTarget.fit(name, values.reshape(-1) if values.shape[1:] == (1,) else values)
    NumberTarget.fit(name, values)
    return NumberTarget.fit(name, values[rows], standardise=standardise)


def _is_label(values: Array) -> bool:
    """Whether values are words or true/false."""
    return values.dtype.kind in "OUSb"


def _plain(values: Array) -> list[Any]:
    """As Python's own values, which JSON keeps."""
    return list(values.tolist())


def class_list(value: Any) -> Sequence[Any]:
    """The classes of a model file's document, all of one type; ValueError where they are not."""
    if not isinstance(value, list) or len(value) < 2 or len({type(item) for item in value}) != 1:
        raise ValueError("classes")
    if not isinstance(value[0], str | bool | int | float) or len(set(value)) != len(value):
        raise ValueError("classes")
    return value
