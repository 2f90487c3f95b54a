"""What stands between a file and a network: learnt in fit from the training rows, written to the model file as JSON.

A table's columns are found by name, in any order, and others are ignored; arrays have only their number of features.
What comes out of `transform` is float32, one sample a row, ready to be handed to a network as its transpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from glassnet.data.columns import CategoryColumn, Column, NumberColumn, fit_column, standardising
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget, NumberTarget, Target, class_list
from glassnet.errors import DataError, ModelFileError, nearest

Array = np.ndarray[Any, Any]

MAX_CELLS = 1 << 30


@dataclass(frozen=True)
class TablePreparation:
    """The columns of a table, each with what was learnt about it."""

    kind: ClassVar[str] = "table"
    columns: list[Column]

    @classmethod
    def fit(cls, table: Table, target: str, rows: Array) -> Self:
        """Learn every column but the target from the given rows (numbers from 0); all cells are checked.

        Raises DataError (a ValueError) for dates, columns missing in every row, infinite cells.
        """
        names = [name for name in table.names if name != target]
        if not names:
            raise DataError(f"{table.path} has no column beside {target!r}; there is nothing to learn from.")
        return cls([fit_column(table, name, rows) for name in names])

    @property
    def features(self) -> list[str]:
        """The name of each of the network's inputs."""
        return [feature for column in self.columns for feature in column.features]

    @property
    def width(self) -> int:
        """How many inputs the network has."""
        return len(self.features)

    @property
    def text_columns(self) -> list[str]:
        """Columns that a CSV must not turn into numbers."""
        return [column.name for column in self.columns if isinstance(column, CategoryColumn) and not column.boolean]

    def transform(self, table: Table) -> Array:
        """The network's inputs for every row, (n, features) float32.

        Raises DataError (a ValueError) with the names of the columns that are missing, or the first cell that is wrong.
        """
        self._check_names(table)
        if table.rows * self.width > MAX_CELLS:
            raise DataError(f"{table.path}: {table.rows:,} rows × {self.width:,} inputs do not fit; split the file.")
        out = np.empty((table.rows, self.width), np.float32)
        begin = 0
        for column in self.columns:
            end = begin + len(column.features)
            column.transform_into(table, out[:, begin:end])
            begin = end
        return out

    def _check_names(self, table: Table) -> None:
        missing = [column.name for column in self.columns if column.name not in table.names]
        if missing:
            listed = ", ".join(map(repr, missing[:10])) + (" ..." if len(missing) > 10 else "")
            problem = f"column {listed} is" if len(missing) == 1 else f"{len(missing)} columns ({listed}) are"
            hint = nearest(missing[0], table.names).strip()
            raise DataError(f"{table.path}: {problem} missing, and the model was trained on it. {hint}".strip())

    def summary(self) -> str:
        """In words: how many columns of each kind, and how many inputs they make."""
        count = sum(isinstance(column, NumberColumn) for column in self.columns)
        parts = [f"{count} number{'' if count == 1 else 's'} standardised"] if count else []
        if texts := len(self.columns) - count:
            parts.append(f"{texts} categor{'y' if texts == 1 else 'ies'} one-hot")
        if filled := sum(isinstance(column, NumberColumn) and column.indicator for column in self.columns):
            parts.append(f"{filled} with missing cells (median, and a column that says so)")
        return f"{', '.join(parts)}: {len(self.features)} inputs"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"kind": self.kind, "columns": [column.to_json() for column in self.columns]}


@dataclass(frozen=True)
class ArrayPreparation:
    """(x − mean) · scale a feature; bytes are only divided by 255."""

    kind: ClassVar[str] = "arrays"
    mean: list[float]
    scale: list[float]
    width: int

    @classmethod
    def fit(cls, x: Array, rows: Array) -> Self:
        """Learn from the given rows of x (n, features)."""
        if x.dtype == np.uint8:
            return cls([0.0], [1 / 255], x.shape[1])
        fits = [standardising(np.asarray(x[rows, feature], np.float64)) for feature in range(x.shape[1])]
        return cls([mean for mean, _ in fits], [scale for _, scale in fits], x.shape[1])

    @property
    def is_bytes(self) -> bool:
        """Whether x are bytes, which are only divided by 255."""
        return self.scale == [1 / 255]

    def transform(self, x: Array, path: str) -> Array:
        """The network's inputs, (n, features) float32. Raises DataError where the number of features differs."""
        if x.shape[1] != self.width:
            raise DataError(f"{path}: x has {x.shape[1]:,} features a row; the model was trained on {self.width:,}.")
        if self.is_bytes:
            return x.astype(np.float32) * np.float32(self.scale[0])
        with np.errstate(over="ignore"):
            values = (x.astype(np.float64) - self.mean) * self.scale
        if (wild := np.abs(values) > np.finfo(np.float32).max).any():
            row, column = (int(place) for place in np.argwhere(wild)[0])
            raise DataError(f"{path}: x at row {row}, column {column} is far too large ({x[row, column]:g}).")
        return values.astype(np.float32)

    def summary(self) -> str:
        """In words."""
        common = len(self.scale) == 1 and self.width > 1
        return f"{self.width:,} numbers {f'divided by {1 / self.scale[0]:g}' if common else 'standardised'}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"kind": self.kind, "mean": self.mean, "scale": self.scale, "width": self.width}


Preparation = TablePreparation | ArrayPreparation


def from_json(document: Any, path: str) -> tuple[Preparation, Target]:
    """What `to_json` wrote under "preparation" and "target", every value of it checked.

    Raises ModelFileError (a ValueError) where the file was not made by `glassnet train`, or is damaged.
    """
    if not isinstance(document, dict) or "preparation" not in document:
        raise ModelFileError(f"{path} holds a network without its data's preparation; make it with glassnet train.")
    try:
        return _preparation(document["preparation"]), _target(document["target"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged: its table of columns makes no sense ({error}).") from None


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
    name = _text(document["name"])
    if document["kind"] == "category":
        levels = [_text(level) for level in document["levels"]]
        return CategoryColumn(name, levels, _flag(document["boolean"]))
    median, mean, scale = _reals([document[key] for key in ("median", "mean", "scale")])
    return NumberColumn(name, median, mean, scale, _flag(document["indicator"]))


def _target(document: dict[str, Any]) -> Target:
    name = _text(document["name"])
    if document["kind"] == "classification":
        return ClassTarget(name, list(class_list(document["classes"])))
    mean, scale = _reals(document["mean"]), _reals(document["scale"])
    if len(mean) != len(scale) or not mean or 0 in scale:
        raise ValueError("target")
    return NumberTarget(name, mean, scale)


def _reals(values: Any) -> list[float]:
    """A list of finite numbers; anything else is a ValueError."""
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise ValueError("numbers")
    if not all(map(math.isfinite, values)):
        raise ValueError("numbers")
    return [float(value) for value in values]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("names")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("flags")
    return value
