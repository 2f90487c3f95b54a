"""A table of named columns, one sample a row, that knows where each cell stood in its file.

CSV and Parquet files become a Table here; preprocessing and the command line read its columns by name. Whatever is
wrong with a cell is said with the file's line or row, so that a person finds it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from glassnet.data.csv_file import read_csv
from glassnet.data.reading import MAX_BYTES, FilePath, file_kind
from glassnet.errors import DataError, nearest


@dataclass(frozen=True)
class Table:
    """Columns by name, in the order of the file; `line` gives the line of a row where the file has lines."""

    path: str
    data: pa.Table
    line: Callable[[int], int] | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.data.column_names)

    @property
    def rows(self) -> int:
        """How many samples there are."""
        return int(self.data.num_rows)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column; DataError (a ValueError) with the nearest name where there is none."""
        if name not in self.names:
            known = ", ".join(self.names[:20]) + (" ..." if len(self.names) > 20 else "")
            raise DataError(f"{self.path} has no column {name!r}. {nearest(name, self.names)}Columns: {known}.")
        return self.data.column(name)

    def place(self, row: int, name: str) -> str:
        """Where a cell stands, in words: `data.csv line 13, column 'age'`; `row` counts from 0."""
        where = f"row {row + 1}" if self.line is None else f"line {self.line(row)}"
        return f"{self.path} {where}, column {name!r}"


def read_table(path: FilePath, text: Collection[str] = ()) -> Table:
    """The table in a CSV file (gzip or not) or a Parquet file.

    Parameters
    ----------
    path : what to read; the kind is told from its first bytes.
    text : columns of a CSV that stay text even where all their cells look like numbers.

    Raises
    ------
    DataError (a ValueError): the file is missing, empty, damaged, ragged, or of another kind.
    """
    kind, name = file_kind(path), os.fspath(path)
    if kind == "text":
        return Table(name, *read_csv(path, text))
    if kind == "parquet":
        return Table(name, _read_parquet(path))
    words = {
        "folder": "is a folder; name a CSV or Parquet file in it",
        "zip": "is a zip file (Excel and .npz are such); save the table as CSV or Parquet",
        "npy": "is a NumPy array file; save arrays x and y with numpy.savez, or a table as CSV",
    }
    raise DataError(f"{name} {words[kind]}.")


def _read_parquet(path: FilePath) -> pa.Table:
    """The table of a Parquet file whose size, names and types have been looked at first."""
    name = os.fspath(path)
    try:
        with pq.ParquetFile(path) as file:
            cells = file.metadata.num_rows * file.metadata.num_columns
            if cells * 4 > MAX_BYTES:
                raise DataError(f"{name} has {cells:,} cells; the limit is {MAX_BYTES // 4:,}: split it.")
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name} is a damaged Parquet file ({str(error).splitlines()[0][:120]}).") from error
    seen: set[str] = set()
    for column in table.column_names:
        if column in seen:
            raise DataError(f"{name}: two columns are called {column!r}; rename one.")
        seen.add(column)
    if not table.num_rows:
        raise DataError(f"{name} has no rows.")
    return _decoded(table)


def _decoded(table: pa.Table) -> pa.Table:
    """The table with dictionary columns as the values they stand for."""
    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(field.type.value_type))
    return table
