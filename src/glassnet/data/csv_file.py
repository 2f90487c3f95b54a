"""Read CSV files with pyarrow, and report the line of whatever is wrong.

pyarrow is fast, but it can run out of memory on a malicious header and does not say where a malformed line is. So
Python's csv module checks the header first and, after an error, finds the line, counting newlines inside quotes.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from glassnet.data.reading import OTHER_FORMATS, FilePath, read_bytes
from glassnet.errors import DataError

MAX_COLUMNS = 100_000
MAX_CELL_LENGTH = 1 << 20
BLOCK_BYTES = 1 << 24
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
END_MARKER = "\x00end"  # cannot occur in the file, which has no NUL


def read_csv(path: FilePath, text: Collection[str] = ()) -> tuple[pa.Table, Callable[[int], int]]:
    """Read a CSV file; return the table and a function from a row (from 0) to its line (from 1).

    The columns in `text` stay text. Raises DataError (a ValueError) that names the line where possible.
    """
    name = os.fspath(path)
    content = read_bytes(path)
    _check_text(name, content)
    scanner = CsvScanner(name, content)
    header = scanner.header()
    table = _parse(scanner, header, text)
    if not table.num_rows:
        raise DataError(f"{name} has a header but no rows.")
    if scanner.delimiter != ",":
        _check_decimals(name, table)
    return table, scanner.line


class CsvScanner:
    """A slow, exact reader: finds the delimiter, the header and the line on which each record begins."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self.content = name, content
        self.delimiter = _delimiter(content)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record that is not an empty line, with the line on which it begins."""
        text = io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8-sig", newline="")
        reader = csv.reader(chain(text, [END_MARKER]), delimiter=self.delimiter)
        begin, limit = 1, csv.field_size_limit(MAX_CELL_LENGTH)
        try:
            for cells in reader:
                if cells == [END_MARKER] and reader.line_num == begin:
                    return
                if cells and cells[-1].endswith(END_MARKER):
                    line = begin + len(re.findall("\r\n|\r|\n", "".join(cells[:-1])))
                    raise DataError(f"{self.name}: the quote opened on line {line} is never closed.")
                if cells:
                    yield begin, cells
                begin = reader.line_num + 1
        except csv.Error:
            problem = f"a cell is longer than {MAX_CELL_LENGTH >> 20} MB; look for a quote that is never closed."
            raise DataError(f"{self.name} line {begin}: {problem}") from None
        finally:
            csv.field_size_limit(limit)

    def header(self) -> list[str]:
        """The names of the columns. Raises DataError for a repeated name or too many columns."""
        _, names = next(self.records())
        if len(names) > MAX_COLUMNS:
            raise DataError(f"{self.name}: the header has {len(names):,} columns; the limit is {MAX_COLUMNS:,}.")
        check_unique(self.name, names)
        return names

    def line(self, row: int) -> int:
        """The line (from 1) on which a row (from 0) begins."""
        return next(islice(self.records(), row + 1, None))[0]

    def count(self, width: int) -> int:
        """The number of rows. Raises DataError with the line of the first that does not have `width` cells."""
        rows = -1
        for line, cells in self.records():
            if len(cells) != width:
                count = "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"
                raise DataError(f"{self.name} line {line} has {count}, but the header has {width:,}; correct the line.")
            rows += 1
        return rows


def check_unique(path: str, names: Iterable[str]) -> None:
    """Raise DataError if two columns have the same name."""
    known: set[str] = set()
    for name in names:
        if name in known:
            raise DataError(f"{path}: two columns are named {name!r}; rename one.")
        known.add(name)


def _parse(scanner: CsvScanner, header: list[str], text: Collection[str]) -> pa.Table:
    """Parse with pyarrow; if it fails, or finds another number of rows than the scanner, explain why."""
    quotes = b'"' in scanner.content
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(scanner.content),
            pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES),
            pyarrow.csv.ParseOptions(delimiter=scanner.delimiter, newlines_in_values=quotes),
            pyarrow.csv.ConvertOptions(column_types={column: pa.string() for column in text if column in header}),
        )
    except pa.ArrowException as error:
        if not scanner.count(len(header)):
            raise DataError(f"{scanner.name} has a header but no rows.") from None
        raise DataError(f"{scanner.name} cannot be read as CSV ({str(error).splitlines()[0][:120]}).") from error
    if quotes and scanner.count(len(header)) != table.num_rows:
        raise DataError(f"{scanner.name} has ambiguous quotes; write it again with a CSV library.")
    return table


def _check_text(name: str, content: bytes) -> None:
    """Raise DataError for an empty file and for anything but UTF-8 text."""
    for magic, problem in OTHER_FORMATS:
        if content.startswith(magic):
            raise DataError(f"{name} {problem}.")
    if not content.removeprefix(BYTE_ORDER_MARK).strip():
        raise DataError(f"{name} is empty.")
    if (offset := content.find(b"\0")) >= 0:
        raise DataError(f"{name} looks binary (NUL at byte {offset}); give a CSV, Parquet or .npz file.")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = len(re.findall(b"\r\n|\r|\n", content[: error.start])) + 1
        raise DataError(f"{name} line {line} is not UTF-8 text; save the file as UTF-8.") from None


def _delimiter(content: bytes) -> str:
    """Comma, semicolon or tab, whichever is most frequent in the first line outside quotes."""
    first = content.removeprefix(BYTE_ORDER_MARK).lstrip(b"\r\n").split(b"\n", 1)[0].split(b"\r", 1)[0]
    unquoted = re.sub(rb'"[^"]*"', b"", first)
    return max(",;\t", key=lambda delimiter: unquoted.count(delimiter.encode()))


def _check_decimals(name: str, table: pa.Table) -> None:
    """Raise DataError for numbers with a decimal comma, which would be treated as text."""
    for column in table.column_names:
        cells = table.column(column)
        if not pa.types.is_string(cells.type):
            continue
        values = cells.filter(pc.not_equal(cells, ""))
        if len(values) and pc.all(pc.match_substring_regex(values, r"^ *[+-]?\d+,\d+ *$")).as_py():
            raise DataError(f"{name}: column {column!r} holds {values[0].as_py()!r}; write decimals with a point.")
