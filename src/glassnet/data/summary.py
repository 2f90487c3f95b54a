"""What a table holds, column by column, before it is decided how a column is read.

A summary merges with that of further rows of the same table. From it alone, readings are chosen and encodings fitted,
so that a table never has to be in memory as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.arrow_types import as_float, as_text, kind_of
from glassnet.data.date_spelling import typed_days
from glassnet.data.number_spelling import PLAIN, looks_grouped
from glassnet.data.plain_text import MIN_CODE_LENGTH
from glassnet.data.reading import Array
from glassnet.data.statistics import Levels, NumberStatistics
from glassnet.data.table import Table
from glassnet.errors import DataError

LEADING_ZERO = r"^0\d+$"
HEAD = 10_000  # rows that tell whether a column has few enough values to count them
MAX_HEAD_LEVELS = 2_000
MAX_FRACTIONS = 100  # different numbers with fractions that may be levels, in a summary that is limited


@dataclass(frozen=True)
class ColumnSummary:
    """What the cells of one column are.

    `kind` is text, number, boolean, date, time, duration, empty or other (an Arrow type that cannot be used). `numbers`
    describes numbers and days, and those cells of text that are plain numbers; `levels` the distinct texts, trimmed.
    `codes` counts numbers with leading zeros or too many digits. `point` is "clear" where a decimal point cannot
    separate thousands, "unclear" where it might, else empty. `declared` is true where the table's own type says that
    the column is a category, as that of pandas does.
    """

    name: str
    kind: str
    rows: int
    missing: int
    numbers: NumberStatistics
    levels: Levels
    trimmed: int = 0
    codes: int = 0
    point: str = ""
    type_name: str = ""
    declared: bool = False

    @classmethod
    def of(cls, name: str, table: Table, first_row: int = 0, *, many: bool = False) -> Self:
        """Summarise a column; `first_row` is the number of the table's first row in the whole.

        Levels of numbers are not counted where these are known to have many values.
        """
        declared = table.declares_category(name)
        return replace(cls._of_cells(name, table, first_row, many, declared), declared=declared)

    @classmethod
    def _of_cells(cls, name: str, table: Table, first_row: int, many: bool, declared: bool) -> Self:
        column = table.column(name)
        kind, type_name = kind_of(column.type), str(column.type)
        if kind == "text":
            plain, cells = table.plain_numbers(name), as_text(column)
            parts = _odd_text(cells) if plain is None else _plain_text(cells, plain, first_row, many)
            return cls(name, kind, table.rows, type_name="text", **parts)
        if kind in ("empty", "other"):
            missing = column.null_count if kind == "other" else len(column)
            numbers = NumberStatistics(missing=missing)
            return cls(name, kind, len(column), missing, numbers, Levels(), type_name=type_name)
        values = typed_days(column.combine_chunks()) if kind in ("date", "time") else as_float(column)
        numbers = NumberStatistics.of(np.where(np.isinf(values), np.nan, values), first_row)
        levels_matter = kind == "number" and (numbers.whole or declared)  # fractions are levels where a type says so
        few = kind == "boolean" or (levels_matter and not many and has_few_levels(values))
        levels = Levels.of_values(column) if few else Levels(other=numbers.count)
        return cls(name, kind, len(column), int(np.isnan(values).sum()), numbers, levels, type_name=type_name)

    def merge(self, other: Self) -> Self:
        """The summary of the rows of both. Raises DataError if their types differ."""
        if "empty" not in (self.kind, other.kind) and self.kind != other.kind:
            message = f"column {self.name!r} holds {self.type_name} in one part and {other.type_name} in another"
            raise DataError(f"{message}; write the parts with one type.")
        points = {self.point, other.point}
        return replace(
            self if self.kind != "empty" else other,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            numbers=self.numbers.merge(other.numbers),
            levels=self.levels.merge(other.levels),
            trimmed=self.trimmed + other.trimmed,
            codes=self.codes + other.codes,
            declared=self.declared or other.declared,
            point="clear" if "clear" in points else "unclear" if "unclear" in points else "",
        )

    def limited(self, sample: int, levels: int) -> Self:
        """The same with at most so many numbers in the sample, and levels; none where numbers have many values."""
        texts = self.levels.limited(levels)
        if self.point != "unclear" and self.kind in ("number", "text") and self.all_plain:
            texts = without_many(texts, whole=self.numbers.whole)
        return replace(self, numbers=self.numbers.limited(sample), levels=texts)

    @property
    def has_many(self) -> bool:
        """Whether these are numbers of so many values that levels are not counted."""
        return self.levels.other > 0 and not self.levels.counts

    @property
    def all_plain(self) -> bool:
        """Whether all cells are plain numbers."""
        return self.numbers.count == self.present

    @property
    def binary(self) -> bool:
        """Whether the numbers are 0 and 1."""
        return self.numbers.count > 0 and self.numbers.whole and (self.numbers.low, self.numbers.high) == (0, 1)

    @property
    def present(self) -> int:
        """How many cells are not empty."""
        return self.rows - self.missing


@dataclass(frozen=True)
class Summary:
    """The summaries of the columns of a table, in their order."""

    path: str
    rows: int
    columns: dict[str, ColumnSummary]
    delimiter: str | None = None
    index_columns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, table: Table, first_row: int = 0) -> Self:
        """Summarise a table, or a block of rows whose first is number `first_row` of the whole."""
        columns = {name: ColumnSummary.of(name, table, first_row) for name in table.names}
        return cls(table.path, table.rows, columns, table.delimiter, frozenset(table.index_columns))

    def merge(self, other: Self) -> Self:
        """The summary of the rows of both. Raises DataError if their columns differ."""
        if list(self.columns) != list(other.columns):
            different = sorted(set(self.columns) ^ set(other.columns)) or ["their order"]
            raise DataError(f"{other.path} has other columns than {self.path} ({', '.join(different[:10])}).")
        columns = {name: column.merge(other.columns[name]) for name, column in self.columns.items()}
        return replace(self, rows=self.rows + other.rows, columns=columns)


def without_many(levels: Levels, *, whole: bool) -> Levels:
    """The levels of plain numbers, none of them where there are many."""
    many = len(levels.counts) > (MAX_HEAD_LEVELS if whole else MAX_FRACTIONS) or levels.other > 0
    return Levels(other=levels.total) if many else levels


def _plain_text(cells: pa.Array, values: Array, first_row: int, many: bool) -> dict[str, Any]:
    """The fields of the summary of text that is plain numbers, which were cast to values."""
    infinite = np.isinf(values)
    numbers = NumberStatistics.of(np.where(infinite, np.nan, values) if infinite.any() else values, first_row)
    point = _point(cells) if numbers.count and not numbers.whole else ""
    few = point == "unclear" or (not many and has_few_levels(values))
    levels = Levels.of(cells) if few else Levels(other=len(cells) - cells.null_count)
    fields = {"missing": cells.null_count, "numbers": numbers, "levels": levels}
    return fields | {"codes": _codes(cells), "point": point}


def _odd_text(cells: pa.Array) -> dict[str, Any]:
    """The fields of the summary of other text, from its distinct texts."""
    raw = Levels.of(cells)
    texts, counts = pa.array(list(raw.counts), pa.large_string()), np.fromiter(raw.counts.values(), np.int64)
    bare = pc.utf8_trim_whitespace(texts)
    changed = pc.not_equal(bare, texts).to_numpy(zero_copy_only=False)
    trimmed = int(counts[changed].sum())
    merged: dict[str, int] = {}
    for text, count in zip(bare.to_pylist(), counts.tolist(), strict=True):
        merged[text] = merged.get(text, 0) + count
    missing = cells.null_count + merged.pop("", 0)
    levels = Levels(merged, raw.other)
    texts, counts = pa.array(list(merged), pa.large_string()), np.fromiter(merged.values(), np.int64)
    plain = pc.match_substring_regex(texts, PLAIN)
    values = pc.if_else(plain, texts, pa.scalar(None, texts.type)).cast(pa.float64()).to_numpy(zero_copy_only=False)
    numbers = NumberStatistics.of_counts(np.where(np.isinf(values), np.nan, values), counts, missing)
    point = _point(texts) if numbers.count and not numbers.whole else ""
    fields = {"missing": missing, "numbers": numbers, "levels": levels, "trimmed": trimmed}
    return fields | {"codes": _codes(texts), "point": point}


def _codes(cells: pa.Array) -> int:
    """How many texts are codes rather than numbers: digits after a leading zero, or more than float64 holds."""
    zeros = cells.filter(pc.fill_null(pc.starts_with(cells, "0"), False))
    count = pc.sum(pc.match_substring_regex(zeros, LEADING_ZERO)).as_py() or 0
    lengths = pc.binary_length(cells)
    if (pc.max(lengths).as_py() or 0) < MIN_CODE_LENGTH:
        return int(count)
    long = cells.filter(pc.fill_null(pc.greater_equal(lengths, MIN_CODE_LENGTH), False))
    return int(count + (pc.sum(pc.match_substring_regex(long, rf"^\d{{{MIN_CODE_LENGTH},}}$")).as_py() or 0))


def _point(cells: pa.Array) -> str:
    """Whether the decimal points of plain numbers are clear."""
    if not looks_grouped(_plain_cells(cells.slice(0, 100))):
        return "clear"
    return "unclear" if looks_grouped(_plain_cells(cells)) else "clear"


def _plain_cells(cells: pa.Array) -> pa.Array:
    return cells.filter(pc.fill_null(pc.match_substring_regex(cells, PLAIN), False))


def has_few_levels(values: Array) -> bool:
    """Whether the first of some numbers have so few values that their levels are counted."""
    return len(np.unique(values[:HEAD])) <= MAX_HEAD_LEVELS
