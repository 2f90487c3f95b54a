"""How one column of a table becomes numbers for the network: learnt from the training rows, then applied to any table.

A number column is standardised, its missing cells become the median and set an indicator beside it. A category column
becomes one column of 0 and 1 for each of its most frequent levels. Both are written to a model file as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.table import Table
from glassnet.errors import DataError

Array = np.ndarray[Any, Any]

MAX_LEVELS = 100
MISSING_WORDS = frozenset(("", "#N/A", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"))
NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
SMALLEST = 1e-300
FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class NumberColumn:
    """(value − mean) · scale, the median where the cell is missing; scale is 1/deviation, 0 for a constant."""

    kind: ClassVar[str] = "number"
    name: str
    median: float
    mean: float
    scale: float
    indicator: bool

    @classmethod
    def fit(cls, table: Table, name: str, rows: Array) -> Self:
        """Learn from the given rows; all cells are checked. Raises DataError for a column without any number."""
        cells = numbers(table, name)
        present = cells[~np.isnan(cells)]
        if not present.size:
            raise DataError(f"{table.path}: column {name!r} is missing in every row; drop it.")
        chosen = cells[rows]
        known = chosen[~np.isnan(chosen)]
        median = float(np.median(known)) if known.size else float(np.median(present))
        mean, scale = standardising(np.where(np.isnan(chosen), median, chosen))
        return cls(name, median, mean, scale, bool(known.size < chosen.size))

    @property
    def features(self) -> list[str]:
        """The names of the columns it becomes."""
        return [self.name, f"{self.name} is missing"] if self.indicator else [self.name]

    def transform_into(self, table: Table, out: Array) -> None:
        """Write the column's features for all rows into `out` (n, features), float32."""
        cells = numbers(table, self.name)
        missing = np.isnan(cells)
        with np.errstate(over="ignore"):
            values = (np.where(missing, self.median, cells) - self.mean) * self.scale
        if (wild := np.abs(values) > FLOAT32_MAX).any():
            row = int(wild.argmax())
            place = table.place(row, self.name)
            raise DataError(f"{place}: {cells[row]:g} is much too far from the training data; look at the cell.")
        out[:, 0] = values
        if self.indicator:
            out[:, 1] = missing

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class CategoryColumn:
    """One column of 0 and 1 a level; missing, rare and unseen cells are 0 in all of them."""

    kind: ClassVar[str] = "category"
    name: str
    levels: list[str]
    boolean: bool

    @classmethod
    def fit(cls, table: Table, name: str, rows: Array) -> Self:
        """Learn the most frequent levels of the given rows. Raises DataError for a column without any."""
        cells = texts(table, name)
        if cells.null_count == len(cells):
            raise DataError(f"{table.path}: column {name!r} is missing in every row; drop it.")
        counts = pc.value_counts(cells.take(pa.array(rows)).drop_null()).to_pylist()
        frequent = sorted(counts, key=lambda item: (-item["counts"], item["values"]))[:MAX_LEVELS]
        boolean = pa.types.is_boolean(table.column(name).type)
        return cls(name, sorted(item["values"] for item in frequent), boolean)

    @property
    def features(self) -> list[str]:
        """The names of the columns it becomes."""
        return [f"{self.name} = {level}" for level in self.levels]

    def transform_into(self, table: Table, out: Array) -> None:
        """Write the column's features for all rows into `out` (n, features), float32."""
        cells = texts(table, self.name)
        if self.boolean:
            cells = pc.utf8_lower(cells)
        codes = pc.fill_null(pc.index_in(cells, value_set=pa.array(self.levels, pa.string())), -1)
        out[:] = np.equal(codes.to_numpy()[:, np.newaxis], np.arange(len(self.levels)))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"kind": self.kind, **asdict(self)}


Column = NumberColumn | CategoryColumn


def fit_column(table: Table, name: str, rows: Array) -> Column:
    """The column of the kind that the table's type asks for. Raises DataError for dates and for what is no cell."""
    kind = table.column(name).type
    check_kind(table, name)
    if is_number(kind) or pa.types.is_null(kind):
        return NumberColumn.fit(table, name, rows)
    return CategoryColumn.fit(table, name, rows)


def is_number(kind: Any) -> bool:
    """Whether an Arrow type is a number's."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is text's."""
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def check_kind(table: Table, name: str) -> None:
    """Refuse what is neither number, text nor boolean; dates are named as such."""
    kind = table.column(name).type
    if pa.types.is_temporal(kind):
        what = "times" if pa.types.is_time(kind) or pa.types.is_duration(kind) else "dates"
        raise DataError(f"{table.path}: column {name!r} holds {what}; turn it into numbers first, or drop it.")
    if not (is_number(kind) or is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise DataError(f"{table.path}: column {name!r} holds {kind}; only numbers, text and true/false can be used.")


def numbers(table: Table, name: str) -> Array:
    """A column as float64, NaN where missing. Raises DataError at the first text or infinite cell."""
    check_kind(table, name)
    column = table.column(name)
    if is_text(column.type):
        return _parsed(table, name)
    cells = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    if (infinite := np.isinf(cells)).any():
        place = table.place(int(infinite.argmax()), name)
        raise DataError(f"{place} is infinite or too large a number; mend or empty the cell.")
    return cells


def _parsed(table: Table, name: str) -> Array:
    """Numbers out of a text column: where a number column of training has text cells in this file."""
    values = []
    for row, cell in enumerate(table.column(name).to_pylist()):
        try:
            missing = cell is None or cell.strip() in MISSING_WORDS
            values.append(np.nan if missing else float(cell.replace("_", "no")))
        except ValueError:
            raise DataError(f"{table.place(row, name)}: {cell[:40]!r} is not a number.") from None
    return np.array(values)


def texts(table: Table, name: str) -> pa.Array:
    """A column as text, null where missing or empty; booleans are 'true' and 'false'."""
    check_kind(table, name)
    cells = table.column(name).cast(pa.string()).combine_chunks()
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)


def doubt(table: Table, name: str) -> str:
    """A sentence where most cells of a text column are numbers, so that a few may be mistakes; else an empty text."""
    if not is_text(table.column(name).type):
        return ""
    cells = texts(table, name)
    filled = pc.fill_null(pc.invert(pc.match_substring_regex(cells, NUMBER)), False)
    wrong, count = pc.sum(filled).as_py() or 0, len(cells) - cells.null_count
    if not 0 < wrong < count / 2:
        return ""
    row = int(pc.index(filled, True).as_py())
    cell = cells[row].as_py()[:40]
    return f"{table.place(row, name)} holds {cell!r}: most cells are numbers, but the column is taken as text."


def standardising(values: Array) -> tuple[float, float]:
    """Mean and 1/standard deviation in float64, safe for numbers whose squares overflow; 0 for a constant."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    largest = max(abs(low), abs(high))
    scaled = values / largest
    mean, deviation = float(scaled.mean()), float(scaled.std())
    return mean * largest, 1 / deviation / largest if deviation * largest > SMALLEST else 0.0
