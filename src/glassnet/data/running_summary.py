"""The summary of a table whose rows come block by block, in memory that does not grow with them.

Columns whose cells are all plain numbers are summarised at once (number_columns.py) from the second block on; one that
turns out to hold anything else is summarised on its own from then on, as every other column is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from glassnet.data.arrow_types import as_float, kind_of
from glassnet.data.number_columns import NumberColumns
from glassnet.data.plain_text import has_codes, plain_values
from glassnet.data.reading import Array
from glassnet.data.statistics import MAX_SAMPLE, Levels
from glassnet.data.summary import ColumnSummary, Summary, has_few_levels, without_many
from glassnet.data.table import Table
from glassnet.errors import DataError

MAX_SAMPLES, MAX_ALL_LEVELS = 500_000, 200_000  # of all columns
MIN_SAMPLE = 500  # of a column


class RunningSummary:
    """The summary of the blocks that were added so far, with smaller samples and fewer levels of many columns."""

    def __init__(self) -> None:
        self.rows, self.path = 0, ""
        self.delimiter: str | None = None
        self.index_columns: frozenset[str] = frozenset()
        self.columns: dict[str, ColumnSummary] = {}
        self.names: list[str] = []  # of the columns that are summarised at once
        self.numbers: NumberColumns | None = None  # of these, in the blocks after the first
        self.levels: dict[str, Levels] = {}

    def add(self, table: Table) -> None:
        """Add the next rows. Raises DataError where a column changes its type."""
        count = max(len(table.names), 1)
        limits = [max(MIN_SAMPLE, min(MAX_SAMPLE, size // count)) for size in (MAX_SAMPLES, MAX_ALL_LEVELS)]
        self.sample_limit, self.level_limit = limits
        if not self.columns:
            self.path, self.delimiter, self.index_columns = table.path, table.delimiter, frozenset(table.index_columns)
            self.columns = {name: ColumnSummary.of(name, table).limited(*limits) for name in table.names}
            self.names = [name for name, column in self.columns.items() if _are_plain_numbers(column)]
        elif table.rows:
            if list(self.columns) != table.names:
                raise DataError(f"{table.path} has other columns than before; give one table's parts only.")
            self._add_numbers(table)
            at_once = set(self.names)
            for name in table.names:
                if name not in at_once:
                    self._merge(name, ColumnSummary.of(name, table, self.rows, many=self.columns[name].has_many))
        self.rows += table.rows

    def result(self) -> Summary | None:
        """The summary of all rows; None where there was no block."""
        self._leave(np.arange(len(self.names)))
        return Summary(self.path, self.rows, self.columns, self.delimiter, self.index_columns) if self.columns else None

    def _merge(self, name: str, column: ColumnSummary) -> None:
        self.columns[name] = self.columns[name].merge(column).limited(self.sample_limit, self.level_limit)

    def _add_numbers(self, table: Table) -> None:
        """Add the columns that still are plain numbers; those that are not leave before."""
        self._leave(np.array([n for n, name in enumerate(self.names) if not self._has_same_type(name, table)], int))
        if not self.names:
            return
        values, plain = self._values(table)
        self._leave(np.flatnonzero(~plain))
        if not self.names:
            return
        values = values if plain.all() else values[plain]
        new = NumberColumns.of(values, self.rows, self.sample_limit)
        self.numbers = new if self.numbers is None else self.numbers.merge(new, self.sample_limit)
        for number, name in enumerate(self.names):
            if not self.columns[name].has_many:
                self._count_levels(name, table, values[number], bool(self.numbers.whole[number]))

    def _has_same_type(self, name: str, table: Table) -> bool:
        return kind_of(table.column(name).type) == self.columns[name].kind

    def _values(self, table: Table) -> tuple[Array, Array]:
        """The numbers of all columns (k, n), and which of these have nothing but plain numbers (k,)."""
        values, plain = np.empty((len(self.names), table.rows)), np.ones(len(self.names), bool)
        texts = [n for n, name in enumerate(self.names) if self.columns[name].kind == "text"]
        if texts:
            values[texts], plain[texts] = self._of_texts(table, [self.names[n] for n in texts])
        for number in set(range(len(self.names))) - set(texts):
            values[number] = as_float(table.column(self.names[number]))
        plain &= np.isfinite(values).all(axis=1)
        return values, plain

    def _of_texts(self, table: Table, names: list[str]) -> tuple[Array, Array]:
        cells = pa.concat_arrays([chunk for name in names for chunk in table.column(name).chunks])
        values = plain_values(cells, len(names))
        if values is None:  # one by one, to learn which columns hold something else
            columns = [table.plain_numbers(name) for name in names]
            rows = [np.full(table.rows, np.nan) if column is None else column for column in columns]
            values = np.stack(rows)
        plain = ~has_codes(cells, values)
        clear = np.array([self.columns[name].point == "clear" for name in names])
        plain[~clear] &= (values[~clear] == np.floor(values[~clear])).all(axis=1)  # others say whether a point is clear
        return values, plain

    def _count_levels(self, name: str, table: Table, values: Array, whole: bool) -> None:
        """Count the levels of a column of numbers as long as there are few."""
        old, is_text = self.levels.get(name, Levels()), self.columns[name].kind == "text"
        if old.other:
            new = Levels(other=len(values))
        elif has_few_levels(values) and (whole or is_text):
            column: Any = table.column(name)
            new = Levels.of(column.combine_chunks()) if is_text else Levels.of_values(column)
        else:
            new = Levels(other=len(values))
        self.levels[name] = without_many(old.merge(new).limited(self.level_limit), whole=whole)

    def _leave(self, chosen: Array) -> None:
        """Let columns be summarised on their own from now on, by their numbers among those that are not."""
        if not len(chosen):
            return
        leaving = {self.names[number]: number for number in chosen.tolist()}
        if self.numbers is not None:
            for name, number in leaving.items():
                statistics, column = self.numbers.column(number), self.columns[name]
                levels = self.levels.pop(name, Levels(other=statistics.count))
                point = "" if statistics.whole or column.kind != "text" else "clear"
                self._merge(
                    name, ColumnSummary(name, column.kind, statistics.count, 0, statistics, levels, 0, 0, point)
                )
            rest = np.setdiff1d(np.arange(len(self.names)), chosen)
            self.numbers = self.numbers.part(rest) if len(rest) else None
        self.names = [name for name in self.names if name not in leaving]


def _are_plain_numbers(column: ColumnSummary) -> bool:
    """Whether all cells of the first rows are plain numbers, which no person means as codes or may have grouped."""
    if column.kind not in ("text", "number") or column.missing or column.codes or column.declared:
        return False
    return column.all_plain and column.numbers.count > 0 and column.point != "unclear"
