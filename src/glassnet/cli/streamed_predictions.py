"""The work of `glassnet predict` on a file that does not fit in memory: read, predicted and written block by block.

What is written is the same, byte for byte, as for a file in memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from glassnet.cli.dataset import file_options, network_inputs, placed_as_in_training, print_notes
from glassnet.cli.predictions import (
    CSV_OPTIONS,
    STDOUT,
    PredictRequest,
    requested_table,
    write_to_stdout,
)
from glassnet.cli.spreadsheet import escape_formulas
from glassnet.data.array_rows import ArrayFile, ArrayReader
from glassnet.data.arrays import Arrays
from glassnet.data.columns import CellNote
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.reading import file_kind
from glassnet.data.released_memory import release_memory
from glassnet.data.streamed_table import table_rows
from glassnet.data.table import Table
from glassnet.errors import DataError
from glassnet.files.atomic_file import atomic_file
from glassnet.tabular.model import TabularModel

PIECE_BYTES = 8 << 20  # of a .npy file that are read at once
GROUP_ROWS = 1 << 20  # of a row group, as pyarrow writes a table at once


class Writer(Protocol):
    """What writes tables, one after another, into one file."""

    def write_table(self, table: pa.Table) -> None:
        """Write the next rows."""

    def close(self) -> None:
        """End the file."""


def predict_streamed(model: TabularModel, request: PredictRequest) -> tuple[int, str]:
    """Write the predictions for all rows of a file; return how many, and of which file. Raises DataError."""
    notes: dict[str, str] = {}  # by the column, or the note itself
    count, writer = 0, None
    with _opened(request.out) as file:
        for table in _predictions(model, request, notes):
            if writer is None:
                writer = _writer(request, table.schema, file)
            writer.write_table(table)
            count += table.num_rows
            release_memory()
        if writer is None:
            raise DataError(f"{request.file} has no rows.")
        writer.close()
    print_notes(notes.values())
    return count, request.file


def _predictions(model: TabularModel, request: PredictRequest, notes: dict[str, str]) -> Iterator[pa.Table]:
    for data in _pieces(model, request.file):
        x = _inputs(model, data, notes)
        if not len(x):
            continue
        table = requested_table(model, request, x, data)
        yield table if request.raw or request.format_name != "csv" else escape_formulas(table)


def _pieces(model: TabularModel, path: str) -> Iterator[Table | Arrays]:
    """The rows of a file, piece by piece."""
    if file_kind(path) != "npy":
        for piece in table_rows(path, file_options(model)).pieces():
            yield placed_as_in_training(piece.table, model)
        return
    source = ArrayFile.of(path)
    reader, rows = ArrayReader(source), max(1, PIECE_BYTES // source.row_bytes)
    try:
        for first in range(0, source.rows, rows):
            x = np.empty((min(rows, source.rows - first), source.width), source.dtype)
            reader.read_into(first, x)
            if x.dtype.kind == "f" and not (finite := np.isfinite(x)).all():
                row, column = np.argwhere(~finite)[0].tolist()
                where = f"{path}: x has {x[row, column]} at row {first + row}, column {column}, counted from 0"
                raise DataError(f"{where}; replace it or drop its row.")
            yield Arrays(path, x, None)
    finally:
        reader.close()


def _inputs(model: TabularModel, data: Table | Arrays, notes: dict[str, str]) -> Any:
    if isinstance(data, Arrays) or not isinstance(model.preparation, TablePreparation):
        return network_inputs(model.preparation, data)
    prepared = model.preparation.prepare(data)
    for note in (*data.notes, *prepared.notes):
        text = f"{note} (in the first rows where that is so)"
        notes.setdefault(note.partition(":")[0], CellNote(text, note.share) if isinstance(note, CellNote) else text)
    return prepared.x


@contextlib.contextmanager
def _opened(out: str) -> Iterator[Any]:
    """The file to write; None for stdout."""
    if out == STDOUT:
        yield None
    else:
        with atomic_file(out, DataError) as file:
            yield file


def _writer(request: PredictRequest, schema: pa.Schema, file: Any) -> Writer:
    if request.format_name == "parquet":
        return _GroupWriter(pq.ParquetWriter(file, schema))
    writer: Writer = pyarrow.csv.CSVWriter(_Stdout() if file is None else file, schema, write_options=CSV_OPTIONS)
    return writer


class _GroupWriter:
    """Collects rows until they are a row group."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self.writer = writer
        self.waiting: list[pa.Table] = []

    def write_table(self, table: pa.Table) -> None:
        self.waiting.append(table)
        while (rows := sum(part.num_rows for part in self.waiting)) >= GROUP_ROWS:
            joined = pa.concat_tables(self.waiting)
            self._write(joined.slice(0, GROUP_ROWS))
            self.waiting = [joined.slice(GROUP_ROWS)] if rows > GROUP_ROWS else []

    def close(self) -> None:
        if self.waiting:
            self._write(pa.concat_tables(self.waiting))
        self.writer.close()

    def _write(self, table: pa.Table) -> None:
        self.writer.write_table(table.combine_chunks())


class _Stdout:
    """Standard output as a file that pyarrow writes to."""

    closed = False

    def write(self, content: Any) -> int:
        write_to_stdout(bytes(content))
        return len(content)

    def flush(self) -> None:
        """No-op: what is written is flushed."""

    def close(self) -> None:
        """No-op: it stays open."""
