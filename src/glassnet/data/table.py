"""A table of named columns with one sample per row that knows the line of each cell in its file.

CSV and Parquet files become a Table here; preprocessing and the command line read its columns by name. An error about
a cell gives its line or row in the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from glassnet.data.csv_file import check_unique, read_csv
from glassnet.data.reading import MAX_BYTES, FilePath, file_kind
from glassnet.errors import DataError, suggestion


@dataclass(frozen=True)
class Table:
    """Columns by name, in the order of the file; `line` maps a row to its line, if the file has lines."""

    path: str
    data: pa.Table
    line: Callable[[int], int] | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.data.column_names)

    @property
    def rows(self) -> int:
        """The number of samples."""
        return int(self.data.num_rows)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column. Raises DataError (a ValueError), with the closest name, if it does not exist."""
        if name not in self.names:
            known = ", ".join(self.names[:20]) + (" ..." if len(self.names) > 20 else "")
            raise DataError(f"{self.path} has no column {name!r}. {suggestion(name, self.names)}Columns: {known}.")
        return self.data.column(name)

    def location(self, row: int, name: str) -> str:
        """The location of a cell for messages: `data.csv line 13, column 'age'`; `row` counts from 0."""
        position = f"row {row + 1}" if self.line is None else f"line {self.line(row)}"
        return f"{self.path} {position}, column {name!r}"


def read_table(path: FilePath, text: Collection[str] = ()) -> Table:
    """Read a table from a CSV file, compressed with gzip or not, or from a Parquet file.

    Parameters
    ----------
    path : the file; its first bytes decide its format.
    text : columns of a CSV file that stay text even if all their cells look like numbers.

    Raises
    ------
    DataError (a ValueError) : the file is missing, empty, damaged, of another format, or has rows of unequal length.
    """
    kind, name = file_kind(path), os.fspath(path)
    if kind == "text":
        return Table(name, *read_csv(path, text))
    if kind == "parquet":
        return Table(name, _read_parquet(path))
    problems = {
        "folder": "is a folder; give the path of a CSV or Parquet file in it",
        "zip": "is a zip file, such as Excel and .npz files are; save the table as CSV or Parquet",
        "npy": "is a NumPy array file; save arrays x and y with numpy.savez, or a table as CSV",
    }
    raise DataError(f"{name} {problems[kind]}.")


def _read_parquet(path: FilePath) -> pa.Table:
    """Read a Parquet file after checking its size; then check its column names."""
    name = os.fspath(path)
    try:
        with pq.ParquetFile(path) as file:
            cells = file.metadata.num_rows * file.metadata.num_columns
            if cells * 4 > MAX_BYTES:
                raise DataError(f"{name} has {cells:,} cells; the limit is {MAX_BYTES // 4:,}; split the file.")
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name} is a damaged Parquet file ({str(error).splitlines()[0][:120]}).") from error
    check_unique(name, table.column_names)
    if not table.num_rows:
        raise DataError(f"{name} has no rows.")
    return _decode_dictionaries(table)


def _decode_dictionaries(table: pa.Table) -> pa.Table:
    """Replace dictionary-encoded columns by their values."""
    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(field.type.value_type))
    return table
