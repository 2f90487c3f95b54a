"""CSV files: looked at first, read by pyarrow, and explained line by line when something is wrong.

pyarrow is fast, but it can run out of memory on a hostile header and does not say where a bad line is. So Python's csv
module counts the columns before, and finds the line, with quoted newlines counted, after.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Collection, Iterator
from itertools import chain, islice

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from glassnet.data.reading import OTHER_FORMATS, FilePath, read_bytes
from glassnet.errors import DataError

MAX_COLUMNS = 100_000
MAX_CELL = 1 << 20
BLOCK = 1 << 24
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
END = "\x00end"


def read_csv(path: FilePath, text: Collection[str] = ()) -> tuple[pa.Table, Callable[[int], int]]:
    """The table of a CSV file and a function that gives the line of a row (rows from 0, lines from 1).

    The columns in `text` stay text. Raises DataError (a ValueError) with the line where there is one.
    """
    name = os.fspath(path)
    content = read_bytes(path)
    _check_text(name, content)
    scan = Scan(name, content)
    header = scan.header()
    table = _parsed(scan, header, text)
    if not table.num_rows:
        raise DataError(f"{name} has a header but no rows.")
    if scan.delimiter != ",":
        _check_decimals(name, table)
    return table, scan.line


class Scan:
    """A slow, exact look at a CSV's text: its delimiter, its header, and on which line each record begins."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self.content = name, content
        self.delimiter = _delimiter(content)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Each record that is not an empty line, with the line on which it begins."""
        text = io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8-sig", newline="")
        reader = csv.reader(chain(text, [END]), delimiter=self.delimiter)
        begin, limit = 1, csv.field_size_limit(MAX_CELL)
        try:
            for cells in reader:
                if cells == [END] and reader.line_num == begin:
                    return
                if cells and cells[-1].endswith(END):
                    opened = begin + len(re.findall("\r\n|\r|\n", "".join(cells[:-1])))
                    raise DataError(f"{self.name}: the quote opened at line {opened} is never closed.")
                if cells:
                    yield begin, cells
                begin = reader.line_num + 1
        except csv.Error:
            problem = f"a cell has over {MAX_CELL >> 20} MB; look for a quote that is never closed."
            raise DataError(f"{self.name} line {begin}: {problem}") from None
        finally:
            csv.field_size_limit(limit)

    def header(self) -> list[str]:
        """The names of the columns: each once, and not too many."""
        _, names = next(self.records())
        if len(names) > MAX_COLUMNS:
            raise DataError(f"{self.name}: the header has {len(names):,} columns; the limit is {MAX_COLUMNS:,}.")
        seen: set[str] = set()
        for column in names:
            if column in seen:
                raise DataError(f"{self.name}: two columns are called {column!r}; rename one.")
            seen.add(column)
        return names

    def line(self, row: int) -> int:
        """The line on which a row begins (rows from 0, lines from 1)."""
        return next(islice(self.records(), row + 1, None))[0]

    def count(self, width: int) -> int:
        """How many rows there are; DataError names the line of the first that has not `width` cells."""
        rows = -1
        for line, cells in self.records():
            if len(cells) != width:
                had = "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"
                raise DataError(f"{self.name} line {line}: {had}, but the header has {width:,}.")
            rows += 1
        return rows


def _parsed(scan: Scan, header: list[str], text: Collection[str]) -> pa.Table:
    """The table by pyarrow; what pyarrow refuses, or reads otherwise than the exact look does, is explained."""
    quotes = b'"' in scan.content
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(scan.content),
            pyarrow.csv.ReadOptions(block_size=BLOCK),
            pyarrow.csv.ParseOptions(delimiter=scan.delimiter, newlines_in_values=quotes),
            pyarrow.csv.ConvertOptions(column_types={column: pa.string() for column in text if column in header}),
        )
    except pa.ArrowException as error:
        if not scan.count(len(header)):
            raise DataError(f"{scan.name} has a header but no rows.") from None
        raise DataError(f"{scan.name} cannot be read as CSV ({str(error).splitlines()[0][:120]}).") from error
    if quotes and scan.count(len(header)) != table.num_rows:
        raise DataError(f"{scan.name} has quotes that can be read in two ways; write it with a CSV library.")
    return table


def _check_text(name: str, content: bytes) -> None:
    """Refuse what is no UTF-8 text at all, or holds nothing."""
    for magic, problem in OTHER_FORMATS:
        if content.startswith(magic):
            raise DataError(f"{name} {problem}.")
    if not content.removeprefix(BYTE_ORDER_MARK).strip():
        raise DataError(f"{name} is empty.")
    if (place := content.find(b"\0")) >= 0:
        raise DataError(f"{name} looks binary (NUL at byte {place}); give a CSV, Parquet or .npz file.")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = len(re.findall(b"\r\n|\r|\n", content[: error.start])) + 1
        raise DataError(f"{name} line {line}: this is not UTF-8 text; save the file as UTF-8.") from None


def _delimiter(content: bytes) -> str:
    """Comma, semicolon or tab: the one that stands most often in the first line, outside quotes."""
    first = content.removeprefix(BYTE_ORDER_MARK).lstrip(b"\r\n").split(b"\n", 1)[0].split(b"\r", 1)[0]
    bare = re.sub(rb'"[^"]*"', b"", first)
    return max(",;\t", key=lambda delimiter: bare.count(delimiter.encode()))


def _check_decimals(name: str, table: pa.Table) -> None:
    """Refuse numbers written with a decimal comma, which would pass for text."""
    for column in table.column_names:
        cells = table.column(column)
        if not pa.types.is_string(cells.type):
            continue
        filled = cells.filter(pc.not_equal(cells, ""))
        if len(filled) and pc.all(pc.match_substring_regex(filled, r"^ *[+-]?\d+,\d+ *$")).as_py():
            raise DataError(f"{name}: column {column!r} holds {filled[0].as_py()!r}; write decimals with a point.")
