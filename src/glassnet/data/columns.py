"""How a column of a table becomes inputs of a network: fitted on the training rows, then applied to any table.

A number column is standardised; missing cells become the median, and an indicator column marks them. A category column
is one-hot encoded, with one column for each of its most frequent levels. Model files store both as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.reading import Array
from glassnet.data.table import Table
from glassnet.errors import DataError

MAX_LEVELS = 100
MISSING_VALUES = frozenset(("", "#N/A", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"))
NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
MIN_DEVIATION = 1e-300
FLOAT32_MAX = float(np.finfo(np.float32).max)


class Serializable:
    """Base class of the dataclasses that a model file stores as JSON."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        return {"kind": self.kind, **asdict(cast(Any, self))}


@dataclass(frozen=True)
class NumberColumn(Serializable):
    """(value − mean) · scale; missing cells become the median; scale is 1/deviation, or 0 for a constant column."""

    kind: ClassVar[str] = "number"
    name: str
    median: float
    mean: float
    scale: float
    indicator: bool

    @classmethod
    def fit(cls, table: Table, name: str, rows: Array) -> Self:
        """Fit on the given rows, but check all cells. Raises DataError for a column without any number."""
        cells = numbers(table, name)
        present = cells[~np.isnan(cells)]
        if not present.size:
            raise DataError(f"{table.path}: column {name!r} has no values; drop it.")
        training = cells[rows]
        known = training[~np.isnan(training)]
        median = float(np.median(known if known.size else present))
        mean, scale = mean_and_scale(np.where(np.isnan(training), median, training))
        return cls(name, median, mean, scale, bool(known.size < training.size))

    @property
    def features(self) -> list[str]:
        """The names of the network's inputs that come from this column."""
        return [self.name, f"{self.name} is missing"] if self.indicator else [self.name]

    def transform_into(self, table: Table, out: Array) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        cells = numbers(table, self.name)
        missing = np.isnan(cells)
        with np.errstate(over="ignore"):
            values = (np.where(missing, self.median, cells) - self.mean) * self.scale
        if (overflows := np.abs(values) > FLOAT32_MAX).any():
            row = int(overflows.argmax())
            cell = f"{table.location(row, self.name)}: {cells[row]:g}"
            raise DataError(f"{cell} is too far outside the range of the training data; correct or empty the cell.")
        out[:, 0] = values
        if self.indicator:
            out[:, 1] = missing


@dataclass(frozen=True)
class CategoryColumn(Serializable):
    """One column of 0 and 1 per level; missing, rare and unknown values are 0 in all of them."""

    kind: ClassVar[str] = "category"
    name: str
    levels: list[str]
    boolean: bool

    @classmethod
    def fit(cls, table: Table, name: str, rows: Array) -> Self:
        """Find the most frequent levels in the given rows. Raises DataError for a column without values."""
        cells = texts(table, name)
        if cells.null_count == len(cells):
            raise DataError(f"{table.path}: column {name!r} has no values; drop it.")
        counts = pc.value_counts(cells.take(pa.array(rows)).drop_null()).to_pylist()
        frequent = sorted(counts, key=lambda item: (-item["counts"], item["values"]))[:MAX_LEVELS]
        boolean = pa.types.is_boolean(table.column(name).type)
        return cls(name, sorted(item["values"] for item in frequent), boolean)

    @property
    def features(self) -> list[str]:
        """The names of the network's inputs that come from this column."""
        return [f"{self.name} = {level}" for level in self.levels]

    def transform_into(self, table: Table, out: Array) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        cells = texts(table, self.name)
        if self.boolean:
            cells = pc.utf8_lower(cells)
        codes = pc.fill_null(pc.index_in(cells, value_set=pa.array(self.levels, pa.string())), -1)
        out[:] = np.equal(codes.to_numpy()[:, np.newaxis], np.arange(len(self.levels)))


Column = NumberColumn | CategoryColumn


def fit_column(table: Table, name: str, rows: Array) -> Column:
    """Fit a column of the kind that its type calls for. Raises DataError for dates and other unsupported types."""
    check_kind(table, name)
    kind = table.column(name).type
    is_category = is_text(kind) or pa.types.is_boolean(kind)
    return (CategoryColumn if is_category else NumberColumn).fit(table, name, rows)


def is_number(kind: Any) -> bool:
    """Whether an Arrow type is numeric."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def check_kind(table: Table, name: str) -> None:
    """Raise DataError for a column that holds neither numbers, text nor booleans."""
    kind = table.column(name).type
    if pa.types.is_temporal(kind):
        what = "times" if pa.types.is_time(kind) or pa.types.is_duration(kind) else "dates"
        raise DataError(f"{table.path}: column {name!r} holds {what}; convert it to numbers or drop it.")
    if not (is_number(kind) or is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise DataError(f"{table.path}: column {name!r} has type {kind}; convert it to numbers or text, or drop it.")


def numbers(table: Table, name: str) -> Array:
    """A column as float64, NaN where missing. Raises DataError for the first cell that is text or infinite."""
    check_kind(table, name)
    column = table.column(name)
    if is_text(column.type):
        return _parse_numbers(table, name)
    cells = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    if (infinite := np.isinf(cells)).any():
        location = table.location(int(infinite.argmax()), name)
        raise DataError(f"{location} is infinite or too large; correct or empty the cell.")
    return cells


def _parse_numbers(table: Table, name: str) -> Array:
    """The numbers of a text column, for a column that held numbers in training but has text cells in this file."""
    values = []
    for row, cell in enumerate(table.column(name).to_pylist()):
        try:
            missing = cell is None or cell.strip() in MISSING_VALUES
            values.append(np.nan if missing else float(cell.replace("_", "no")))  # 1_000 is text
        except ValueError:
            raise DataError(f"{table.location(row, name)}: {cell[:40]!r} is not a number.") from None
    return np.array(values)


def texts(table: Table, name: str) -> pa.Array:
    """A column as text, null where missing or empty; booleans are 'true' and 'false'."""
    check_kind(table, name)
    cells = table.column(name).cast(pa.string()).combine_chunks()
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)


def mixed_type_warning(table: Table, name: str) -> str:
    """A warning if most cells of a text column are numbers, so that the others may be mistakes; otherwise empty."""
    if not is_text(table.column(name).type):
        return ""
    cells = texts(table, name)
    not_number = pc.fill_null(pc.invert(pc.match_substring_regex(cells, NUMBER)), False)
    text_cells, count = pc.sum(not_number).as_py() or 0, len(cells) - cells.null_count
    if not 0 < text_cells < count / 2:
        return ""
    row = int(pc.index(not_number, True).as_py())
    cell = cells[row].as_py()[:40]
    return f"{table.location(row, name)} holds {cell!r}: most cells are numbers, but the column is treated as text."


def mean_and_scale(values: Array) -> tuple[float, float]:
    """Mean and 1/deviation in float64, even for numbers whose squares overflow; the scale of a constant is 0."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    largest = max(abs(low), abs(high))
    scaled = values / largest
    mean, deviation = float(scaled.mean()), float(scaled.std())
    return mean * largest, 1 / deviation / largest if deviation * largest > MIN_DEVIATION else 0.0
