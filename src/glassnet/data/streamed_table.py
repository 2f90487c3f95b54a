"""A table that is larger than memory, ready to train on: how its columns are read and encoded, and its target.

All of it is chosen from the summary of a first pass, by the same rules as for a table in memory; rows are then read
where they are needed and encoded as there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.arrow_types import is_text
from glassnet.data.choice import ColumnChooser
from glassnet.data.csv_rows import CsvReader, CsvRows
from glassnet.data.encodings import StandardizedNumber
from glassnet.data.evidence import quoted
from glassnet.data.first_pass import FirstPass, Progress, TableRows, first_pass
from glassnet.data.options import ReadingOptions
from glassnet.data.parquet_file import parquet_parts
from glassnet.data.parquet_rows import ParquetReader, ParquetRows
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.reading import Array, FilePath, file_kind, is_folder_of, problem_text
from glassnet.data.readings import CategoryReading, NumberReading, Reading
from glassnet.data.released_memory import release_memory
from glassnet.data.runs import Runs
from glassnet.data.standard_block import is_standard
from glassnet.data.stored_pass import store_pass, stored_pass
from glassnet.data.summary import ColumnSummary
from glassnet.data.table import Table
from glassnet.data.target import MIN_ROWS_PER_CLASS, ClassTarget, NumberTarget, TargetColumn, infer_task
from glassnet.data.target_cells import MAX_CLASSES_OF_MIXED, read_target_as
from glassnet.errors import DataError, no_column


@dataclass(frozen=True)
class StreamedTable:
    """The rows of a table, with the preparation and the target that were fitted to its summary."""

    rows: TableRows
    preparation: TablePreparation
    target: TargetColumn
    runs: Runs
    class_counts: Array | None  # the rows of each class; None for quantities
    notes: tuple[str, ...] = ()
    task_reason: str = ""

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.rows.rows

    @property
    def columns(self) -> list[str]:
        """The names of the columns that are read."""
        return [*(column.name for column in self.preparation.columns), self.target.name]

    def reader(self) -> CsvReader | ParquetReader:
        """Open the file once more, to read what is encoded."""
        columns = self.preparation.columns
        return self.rows.reader(self.columns, frozenset(column.name for column in columns if is_standard(column)))

    def encoded(self, table: Table) -> tuple[Array, Array]:
        """The inputs (n, features) float32 and the encoded target (n, ...) of some rows. Raises DataError."""
        reading, name = self.target.reading, self.target.name
        assert reading is not None
        cells = read_target_as(table, name, reading)
        if len(cells.rows) < table.rows:
            raise DataError(f"{table.path} was written to while it was read; start again when it is complete.")
        y = self.target.encode(cells.values, lambda row: table.location(row, name))
        return self.preparation.transform(table), y

    def sorted_note(self, block: int) -> str:
        """That the rows are sorted, so that shuffling blocks of so many rows does not suffice; otherwise empty."""
        return self.runs.sorted_note(self.rows.name, self.target.name, self.class_counts, block)


def streamed_table(
    path: FilePath,
    target: str,
    options: ReadingOptions | None = None,
    *,
    task: str = "auto",
    standardise: bool = True,
    progress: Progress = bool,
) -> StreamedTable:
    """Open a CSV or Parquet file, or a folder of Parquet files, and choose how its columns are read and encoded.

    The first pass is read from the file beside it, where it was made before. Raises DataError (a ValueError) for a file
    that cannot be read, and for a target with missing cells.
    """
    options = options or ReadingOptions()
    rows = table_rows(path, options)
    if target not in rows.columns:
        raise DataError(no_column(rows.name, target, rows.columns))
    first = stored_pass(rows, target)
    if first is None:
        first = first_pass(rows, target, progress)
        store_pass(first)
    result = prepared_table(first, options, task, standardise)
    del first
    release_memory()
    return result


def table_rows(path: FilePath, options: ReadingOptions) -> TableRows:
    """A file whose rows can be read piece by piece. Raises DataError for any other."""
    kind = file_kind(path)
    if kind == "text":
        return CsvRows.of(path, options)
    if kind == "parquet" or is_folder_of(path, parquet_parts):
        return ParquetRows.of(path)
    raise DataError(f"{os.fspath(path)} {problem_text(kind, path)}.")


def prepared_table(first: FirstPass, options: ReadingOptions, task: str, standardise: bool) -> StreamedTable:
    """The preparation and the target that a first pass asks for. Raises DataError as `streamed_table` does."""
    summary, name = first.summary, first.target
    chooser = ColumnChooser(summary, options)
    plan = chooser.choose(name, keep=True)
    if plan.reading is None:
        reason = plan.left_out.removeprefix("left out: ")
        raise DataError(f"{summary.path}: the target {name!r} cannot be used: {reason}.")
    _refuse_odd(chooser, plan.odd, name)
    column = summary.columns[name]
    values, counts = _values(first.rows, column, plan.reading)
    few = counts is not None and column.present >= MIN_ROWS_PER_CLASS * len(values)
    task, reason = infer_task(np.repeat(values, MIN_ROWS_PER_CLASS) if few else values, task)
    fitted: TargetColumn
    class_counts = None
    if task == "classification":
        fitted = replace(ClassTarget.fit(name, values), reading=plan.reading)
        class_counts = None if counts is None else _class_counts(fitted, values, counts)
    else:
        fitted = _number_target(name, column, plan.reading, standardise)
    _refuse_missing(summary.path, column, plan.reading)
    preparation = TablePreparation.from_summary(summary, name, options)
    notes = (*first.rows.notes, *([plan.note] if plan.how and "missing" not in plan.how else []), *preparation.notes)
    return StreamedTable(first.rows, preparation, fitted, first.runs, class_counts, notes, reason)


def _refuse_odd(chooser: ColumnChooser, odd: Any, name: str) -> None:
    """Raise DataError where cells are no number in a target of numbers."""
    if chooser.options.requested(name) == "number":
        return
    odd = odd or chooser.odd_among_numbers(name, MAX_CLASSES_OF_MIXED)
    if odd and chooser.options.requested(name) != "category":
        advice = f"correct it, or give --missing {quoted(odd[0])} or --category {quoted(name)}"
        path = chooser.summary.path
        raise DataError(f"{path}, column {name!r}: a cell holds {odd[0][:40]!r}, but most cells are numbers; {advice}.")


def _refuse_missing(path: str, column: ColumnSummary, reading: Reading) -> None:
    """Raise DataError where the target is missing in some rows."""
    statistics: Any = reading.summary_statistics(column)
    known = statistics.count if isinstance(reading, NumberReading) else int(statistics.sum())
    if isinstance(reading, CategoryReading) and column.levels.other:
        raise DataError(f"{path}: the target {column.name!r} has too many different texts to be classes.")
    if missing := column.rows - known:
        count = "1 row has" if missing == 1 else f"{missing:,} rows have"
        raise DataError(
            f"{path}: {count} no target {column.name!r}; a file that is read block by block needs one in each row: "
            "take these rows out."
        )


def _values(rows: TableRows, column: ColumnSummary, reading: Reading) -> tuple[Array, Array | None]:
    """Values of the target as `read_target` gives them: every class and the rows of each, or the numbers of a sample.

    Every value of few occurs in the first array, five times where a table has as many rows of it.
    """
    kind = pa.large_string() if isinstance(rows, CsvRows) else rows.schema.field(column.name).type
    texts, counts = pa.array(list(column.levels.counts), pa.large_string()), list(column.levels.counts.values())
    if isinstance(reading, NumberReading) and (not len(texts) or column.levels.other):
        return reading.summary_statistics(column).sample, None
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    cells = texts if is_text(kind) else pc.cast(texts, kind, safe=False)
    known = read_target_as(Table(rows.name, pa.table({column.name: cells})), column.name, reading)
    return known.values, np.array(counts, np.int64)[known.rows]


def _class_counts(target: ClassTarget, values: Array, counts: Array) -> Array:
    """The rows of each class, in their order."""
    return np.bincount(target.encode(values), counts, minlength=len(target.classes)).astype(np.int64)


def _number_target(name: str, column: ColumnSummary, reading: Reading, standardise: bool) -> NumberTarget:
    if not isinstance(reading, NumberReading):
        raise DataError(f"The target {name!r} must be numbers for regression; use --task classification.")
    statistics = reading.summary_statistics(column)
    if not statistics.low < statistics.high:
        raise DataError(f"The target {name!r} has a single value ({statistics.low:g}); there is nothing to learn.")
    fit = StandardizedNumber.fit(statistics, reading)
    mean, scale = (fit.mean, fit.scale) if standardise else (0.0, 1.0)
    return NumberTarget(name, [mean], [scale], reading)
