"""The first pass through a table that is larger than memory: what its columns hold, and whether it is sorted.

Everything that is learnt merges from piece to piece. What a later run needs of it is stored in a file beside the table
(stored_pass.py), so that the pass is made once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from glassnet.data.arrow_types import as_float, as_text, kind_of
from glassnet.data.csv_rows import CsvRows
from glassnet.data.parquet_rows import ParquetRows
from glassnet.data.released_memory import release_memory
from glassnet.data.running_summary import RunningSummary
from glassnet.data.runs import Runs
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.errors import DataError

SUMMARY_BYTES = 5 << 20  # of pieces that are summarised together

TableRows = CsvRows | ParquetRows


Progress = Callable[[int], Any]  # called with the number of rows read so far


@dataclass(frozen=True)
class FirstPass:
    """What was learnt of a table: its rows with their places, the summary of its columns, the runs of its target."""

    rows: TableRows
    summary: Summary
    target: str
    runs: Runs = field(default_factory=Runs)


def first_pass(rows: TableRows, target: str, progress: Progress = bool) -> FirstPass:
    """Read a whole table once. Raises DataError for a row or a cell that cannot be read."""
    summary, waiting, waiting_bytes = RunningSummary(), list[pa.Table](), 0
    runs, ends, count = Runs(), list[tuple[int, int, int]](), 0
    for table, offset, line in rows.pieces():
        runs, count = _extended(runs, table, target), count + table.rows
        ends.append((count, offset, line))
        waiting.append(table.data)  # without the text that it was parsed from
        waiting_bytes += table.data.nbytes
        if waiting_bytes >= SUMMARY_BYTES:
            summary.add(_joined(waiting, rows))
            waiting, waiting_bytes = [], 0
            release_memory()
            progress(count)
    if waiting:
        summary.add(_joined(waiting, rows))
    result = summary.result()
    if result is None or not result.rows:
        raise DataError(f"{rows.name} has a header but no rows.")
    return FirstPass(rows.with_places(ends), result, target, runs)


def _extended(runs: Runs, table: Table, name: str) -> Runs:
    """The runs with the rows of one more piece."""
    column = table.column(name)
    values = table.plain_numbers(name) if kind_of(column.type) == "text" else None
    if kind_of(column.type) in ("number", "boolean"):
        values = as_float(column)
    return runs.of_texts(as_text(column)) if values is None else runs.of_numbers(values)


def _joined(tables: list[pa.Table], rows: TableRows) -> Table:
    data = pa.concat_tables(tables)
    return Table(rows.name, data, delimiter=rows.delimiter, index_columns=tuple(rows.index_columns))
