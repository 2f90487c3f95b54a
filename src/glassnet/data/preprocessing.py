"""Preprocessing between a data file and a network: fitted on the training rows, stored in the model file as JSON.

Columns of a table are found by name, in any order, and additional ones are ignored; for arrays only the number of
features counts. `transform` returns float32 with one sample per row; a network takes its transpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from glassnet.data.columns import (
    FLOAT32_MAX,
    CategoryColumn,
    Column,
    NumberColumn,
    Serializable,
    fit_column,
    mean_and_scale,
)
from glassnet.data.reading import Array
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget, NumberTarget, TargetColumn
from glassnet.errors import DataError, ModelFileError, suggestion

MAX_INPUT_VALUES = 1 << 30
T = TypeVar("T", str, bool)


@dataclass(frozen=True)
class TablePreparation:
    """The fitted columns of a table."""

    kind: ClassVar[str] = "table"
    columns: list[Column]

    @classmethod
    def fit(cls, table: Table, target: str, rows: Array) -> Self:
        """Fit every column but the target on the given rows (numbered from 0), but check all cells.

        Raises DataError (a ValueError) for dates, columns without values, and infinite cells.
        """
        names = [name for name in table.names if name != target]
        if not names:
            raise DataError(f"{table.path} has no column besides {target!r}; add columns to predict it from.")
        return cls([fit_column(table, name, rows) for name in names])

    @property
    def features(self) -> list[str]:
        """The name of each of the network's inputs."""
        return [feature for column in self.columns for feature in column.features]

    @property
    def width(self) -> int:
        """The number of inputs of the network."""
        return len(self.features)

    @property
    def text_columns(self) -> list[str]:
        """Columns whose cells a CSV reader must leave as text."""
        return [column.name for column in self.columns if isinstance(column, CategoryColumn) and not column.boolean]

    def transform(self, table: Table) -> Array:
        """The inputs of the network for every row, (n, features) float32.

        Raises DataError (a ValueError) that names the missing columns or the first invalid cell.
        """
        self._check_names(table)
        if table.rows * self.width > MAX_INPUT_VALUES:
            raise DataError(f"{table.path}: {table.rows:,} rows × {self.width:,} inputs are too large; split the file.")
        out = np.empty((table.rows, self.width), np.float32)
        ends = np.cumsum([len(column.features) for column in self.columns])
        for column, part in zip(self.columns, np.split(out, ends[:-1], axis=1), strict=True):
            column.transform_into(table, part)
        return out

    def _check_names(self, table: Table) -> None:
        missing = [column.name for column in self.columns if column.name not in table.names]
        if missing:
            listed = ", ".join(map(repr, missing[:10])) + (" ..." if len(missing) > 10 else "")
            problem = f"column {listed}" if len(missing) == 1 else f"{len(missing)} columns ({listed})"
            hint = suggestion(missing[0], table.names).strip()
            raise DataError(f"{table.path} lacks {problem}, which the model was trained on. {hint}".strip())

    def summary(self) -> str:
        """A phrase with the number of columns of each kind and of the resulting inputs."""
        numbers = [column for column in self.columns if isinstance(column, NumberColumn)]
        parts = [f"{len(numbers)} number{'' if len(numbers) == 1 else 's'} standardised"] if numbers else []
        if categories := len(self.columns) - len(numbers):
            parts.append(f"{categories} categor{'y' if categories == 1 else 'ies'} one-hot encoded")
        if imputed := sum(column.indicator for column in numbers):
            parts.append(f"{imputed} with missing cells (median and an indicator column)")
        return f"{', '.join(parts)}: {self.width} inputs"

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        return {"kind": self.kind, "columns": [column.to_json() for column in self.columns]}


@dataclass(frozen=True)
class ArrayPreparation(Serializable):
    """(x − mean) · scale for each feature; bytes are divided by 255 instead."""

    kind: ClassVar[str] = "arrays"
    mean: list[float]
    scale: list[float]
    width: int

    @classmethod
    def fit(cls, x: Array, rows: Array) -> Self:
        """Fit on the given rows of x (n, features)."""
        if x.dtype == np.uint8:
            return cls([0.0], [1 / 255], x.shape[1])
        fits = [mean_and_scale(np.asarray(x[rows, feature], np.float64)) for feature in range(x.shape[1])]
        return cls([mean for mean, _ in fits], [scale for _, scale in fits], x.shape[1])

    @property
    def is_bytes(self) -> bool:
        """Whether x holds bytes, which are only divided by 255."""
        return self.scale == [1 / 255]

    def transform(self, x: Array, path: str) -> Array:
        """The inputs of the network, (n, features) float32. Raises DataError if the number of features differs."""
        if x.shape[1] != self.width:
            raise DataError(f"{path}: x has {x.shape[1]:,} features; the model was trained on {self.width:,}.")
        if self.is_bytes:
            return x.astype(np.float32) * np.float32(self.scale[0])
        with np.errstate(over="ignore"):
            values = (x.astype(np.float64) - self.mean) * self.scale
        if (overflows := np.abs(values) > FLOAT32_MAX).any():
            row, column = (int(index) for index in np.argwhere(overflows)[0])
            cell = f"{path}: x at row {row}, column {column} ({x[row, column]:g})"
            raise DataError(f"{cell} is too far outside the range of the training data; correct it or drop the row.")
        return values.astype(np.float32)

    def summary(self) -> str:
        """A phrase with the number of inputs and their scaling."""
        shared = len(self.scale) == 1 and self.width > 1
        return f"{self.width:,} numbers {f'divided by {1 / self.scale[0]:g}' if shared else 'standardised'}"


Preparation = TablePreparation | ArrayPreparation


def from_json(document: Any, path: str) -> tuple[Preparation, TargetColumn]:
    """Rebuild the "preparation" and "target" that `to_json` converted, checking every value.

    Raises ModelFileError (a ValueError) if the file was not written by `glassnet train` or is damaged.
    """
    if not isinstance(document, dict) or "preparation" not in document:
        raise ModelFileError(f"{path} holds a network without the preprocessing of its data; use glassnet train.")
    try:
        return _preparation(document["preparation"]), _target(document["target"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged: its columns are invalid ({error}); save it again.") from None


# Values of a model file; each check raises ValueError.


def _preparation(document: dict[str, Any]) -> Preparation:
    if document["kind"] == "arrays":
        mean, scale, width = _reals(document["mean"]), _reals(document["scale"]), document["width"]
        if type(width) is not int or len(mean) != len(scale) or len(mean) not in (1, width):
            raise ValueError("width")
        return ArrayPreparation(mean, scale, width)
    if document["kind"] != "table" or not isinstance(document["columns"], list):
        raise ValueError("kind")
    return TablePreparation([_column(column) for column in document["columns"]])


def _column(document: dict[str, Any]) -> Column:
    name = _typed(document["name"], str)
    if document["kind"] == "category":
        levels = [_typed(level, str) for level in document["levels"]]
        return CategoryColumn(name, levels, _typed(document["boolean"], bool))
    median, mean, scale = _reals([document[key] for key in ("median", "mean", "scale")])
    return NumberColumn(name, median, mean, scale, _typed(document["indicator"], bool))


def _target(document: dict[str, Any]) -> TargetColumn:
    name = _typed(document["name"], str)
    if document["kind"] == "classification":
        return ClassTarget(name, _classes(document["classes"]))
    mean, scale = _reals(document["mean"]), _reals(document["scale"])
    if len(mean) != len(scale) or not mean or 0 in scale:
        raise ValueError("target")
    return NumberTarget(name, mean, scale)


def _reals(values: Any) -> list[float]:
    """A list of finite numbers."""
    if not isinstance(values, list) or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise ValueError("numbers")
    return [float(value) for value in values]


def _classes(values: Any) -> list[Any]:
    """A list of two or more distinct classes of one type."""
    if not isinstance(values, list) or len(values) < 2 or len({type(value) for value in values}) != 1:
        raise ValueError("classes")
    if not isinstance(values[0], str | bool | int | float) or len(set(values)) != len(values):
        raise ValueError("classes")
    return values


def _typed(value: Any, kind: type[T]) -> T:
    """A text or a flag."""
    if not isinstance(value, kind):
        raise ValueError("names" if kind is str else "flags")
    return value
