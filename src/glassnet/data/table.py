"""A table of named columns with one sample per row that knows the line of each cell in its file.

CSV and Parquet files and DataFrames become a Table here; preprocessing and the command line read its columns by name.
An error about a cell gives its line or row in the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import pyarrow as pa

from glassnet.data.arrow_types import as_text, decoded_type, plain_numbers, simplified, without_views
from glassnet.data.csv_file import read_csv
from glassnet.data.frame import frame_to_arrow
from glassnet.data.options import ReadingOptions
from glassnet.data.parquet_file import parquet_parts, read_parquet
from glassnet.data.reading import Array, FilePath, file_kind, is_folder_of, problem_text, seekable
from glassnet.errors import DataError, no_column


@dataclass(frozen=True)
class Table:
    """Columns by name, in the order of the file.

    `line` maps a row to its line, if the file has lines; `delimiter` is that of a text file; `index_columns` are stored
    row labels of pandas; `notes` say what was unusual about the file; `original_rows` are the places of rows in it.
    """

    path: str
    data: pa.Table
    line: Callable[[int], int] | None = None
    delimiter: str | None = None
    index_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    original_rows: Array | None = None

    @classmethod
    def from_frame(cls, frame: Any, path: str = "the DataFrame") -> Self:
        """A table of a DataFrame of pandas, polars or pyarrow, or any that narwhals knows; names become text.

        Raises DataError (a ValueError) if it has no rows, or two columns of the same name.
        """
        return cls(path, frame_to_arrow(frame, path))

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self._positions)

    @cached_property
    def _positions(self) -> dict[str, int]:
        """The position of each column: looked up here, because pyarrow lists all names each time it is asked."""
        return {name: index for index, name in enumerate(self.data.column_names)}

    @property
    def rows(self) -> int:
        """The number of samples."""
        return int(self.data.num_rows)

    def __contains__(self, name: str) -> bool:
        return name in self._positions

    def column(self, name: str) -> pa.ChunkedArray:
        """One column, decoded. Raises DataError (a ValueError), with the closest name, if it does not exist."""
        return simplified(self.cells(name))

    def cells(self, name: str) -> pa.ChunkedArray:
        """One column as it is stored; raises as `column` does."""
        if name not in self._positions:
            raise DataError(no_column(self.path, name, self.names))
        return self.data.column(self._positions[name])

    def decoded_type(self, name: str) -> Any:
        """The type of the cells of a column; raises as `column` does."""
        return decoded_type(self.cells(name).type)

    def declares_category(self, name: str) -> bool:
        """Whether the column's own type says that it is a category, as those of pandas and polars do."""
        return bool(pa.types.is_dictionary(self.data.schema.field(self._positions[name]).type))

    @cached_property
    def _numbers(self) -> dict[str, Array | None]:
        return {}

    def plain_numbers(self, name: str) -> Array | None:
        """A column of text as float64, NaN where empty, or None if a cell is no plain number; kept for a next time."""
        if name not in self._numbers:
            try:
                self._numbers[name] = plain_numbers(as_text(self.column(name)))
            except pa.ArrowException:
                self._numbers[name] = None
        return self._numbers[name]

    def location(self, row: int, name: str) -> str:
        """The location of a cell for messages: `data.csv line 13, column 'age'`; `row` counts from 0."""
        return f"{self.path} {self.row_name(row)}, column {name!r}"

    def row_name(self, row: int) -> str:
        """`line 13` of a file that has lines, else `row 12`; `row` counts from 0."""
        original = row if self.original_rows is None else int(self.original_rows[row])
        return f"row {original + 1}" if self.line is None else f"line {self.line(original)}"

    def take(self, rows: Array) -> Self:
        """The table of some rows, which keep their places in the file."""
        original = rows if self.original_rows is None else self.original_rows[rows]
        return replace(self, data=without_views(self.data).take(pa.array(rows)), original_rows=original)


def read_table(path: FilePath, options: ReadingOptions | None = None) -> Table:
    """Read a table from a CSV file, compressed with gzip or not, a Parquet file, or a folder of Parquet files.

    All columns of a CSV file are text: how they are read is decided later, from all of their cells.

    Parameters
    ----------
    path : the file; its first bytes decide its format.
    options : the delimiter and the encoding of a CSV file are taken from here.

    Raises
    ------
    DataError (a ValueError) : the file is missing, empty, damaged, of another format, or has rows of unequal length.
    """
    path = seekable(path)
    kind, name = file_kind(path), os.fspath(path)
    if kind == "text":
        content = read_csv(path, options or ReadingOptions())
        return Table(name, content.table, content.line, content.delimiter, notes=content.notes)
    if kind == "parquet" or is_folder_of(path, parquet_parts):
        return Table(name, *read_parquet(path))
    raise DataError(f"{name} {problem_text(kind, path)}.")
