"""A CSV file of any size as tables of some rows each: its text is cut where a row ends, and parsed piece by piece.

Python's csv module reads the header, as for a file that fits in memory; pyarrow parses the pieces. A first pass notes
where rows begin, about one in every PIECE_BYTES, so that any rows can be read later.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv

from glassnet.data.array_rows import read_exactly
from glassnet.data.arrow_threads import released_by_arrow
from glassnet.data.csv_file import MAX_CELL_LENGTH, CsvScanner, column_names, has_long_line
from glassnet.data.file_identity import FileIdentity
from glassnet.data.header_line import header_note, repeated_headers
from glassnet.data.options import ReadingOptions
from glassnet.data.reading import Array, FilePath, check_unique, open_data_file, text_problem
from glassnet.data.table import Table
from glassnet.data.text_encoding import BYTE_ORDER_MARK, UTF_16_MARKS
from glassnet.errors import DataError, ParameterError

PIECE_BYTES = 2 << 20  # between two rows whose places are noted
PARSED_BYTES = 2 << 20  # that are parsed at once
MAX_ROW_BYTES = 64 << 20
HEAD_BYTES = 2 << 20
NO_NAMES: frozenset[str] = frozenset()


class Piece(NamedTuple):
    """Some rows of a file as a table, with the offset and the line at which they end."""

    table: Table
    offset: int = 0
    line: int = 0


class Positions(NamedTuple):
    """Where some rows of a CSV file begin: the numbers of the rows, their offsets and their lines, with the end."""

    rows: Array
    offsets: Array
    lines: Array


@dataclass(frozen=True)
class CsvRows:
    """A CSV file whose header has been read; `positions` are known after a first pass."""

    name: str
    identity: FileIdentity
    columns: list[str]
    delimiter: str
    encoding: str | None
    start: int
    first_line: int
    newline: bytes
    notes: tuple[str, ...] = ()
    positions: Positions | None = None
    index_columns = ()

    @classmethod
    def of(cls, path: FilePath, options: ReadingOptions) -> Self:
        """Read the header. Raises DataError for what is no CSV text, or must be unpacked or converted before."""
        name, options = os.fspath(path), options.file_options()
        with open_data_file(path) as file:
            head = file.read(HEAD_BYTES)
        complete = len(head) < HEAD_BYTES
        _check_text(name, head, options.encoding)
        mark = len(BYTE_ORDER_MARK) if head.startswith(BYTE_ORDER_MARK) else 0
        newline = b"\n" if b"\n" in head else b"\r"
        text = head[mark:] if complete else head[mark : head.rfind(newline) + 1]
        text = as_utf8(name, text, options.encoding, 1)
        scanner = CsvScanner(name, text, options.delimiter)
        content_size = len(scanner.content)
        if options.header is False:
            scanner.add_header()
        names = column_names(scanner.header())
        check_unique(name, names)
        size, lines = _header_size(scanner)
        before = scanner.content[:size].decode().encode(options.encoding or "utf-8")
        header_bytes = 0 if options.header is False else len(before)
        offset = mark + len(text) - content_size + header_bytes  # the line sep=; is ASCII
        notes = tuple(filter(None, (header_note(scanner.top(), options.header),)))
        identity = FileIdentity.of(path)
        line = scanner.first_line + lines
        return cls(name, identity, names, scanner.delimiter, options.encoding, offset, line, newline, notes)

    @property
    def rows(self) -> int:
        """The number of rows."""
        assert self.positions is not None
        return int(self.positions.rows[-1])

    @property
    def groups(self) -> list[int] | None:
        """None: all rows can be read in any order."""
        return None

    def pieces(self) -> Iterator[Piece]:
        """All rows, piece by piece; where quotes are not clear or lines long, Python's csv module reads them too."""
        line, offset = self.first_line, self.start
        for content in self.cut():
            table = self.parse(content, line)
            clear = has_clear_quotes(content, self.delimiter) and not has_long_line(content)
            if not clear and sum(1 for _ in self.records(content, line)) != table.rows:
                raise DataError(f"{self.name} has ambiguous quotes; write it again with a CSV library.")
            if (repeats := repeated_headers(table.data, self.columns)).size:
                raise DataError(f"{self.name} {table.row_name(int(repeats[0]))} repeats the header; delete such lines.")
            line += content.count(self.newline)
            offset += len(content)
            yield Piece(table, offset, line)

    def cut(self) -> Iterator[bytes]:
        """The text after the header, cut where a row ends."""
        rest = b""
        with self.identity.opened() as file:
            file.seek(self.start)
            while content := file.read(PIECE_BYTES):
                rest += content
                end = last_row_end(rest, self.newline)
                if end:
                    yield rest[:end]
                    rest = rest[end:]
                elif len(rest) > MAX_ROW_BYTES:
                    quote = "; look for a quote that is never closed" if b'"' in rest else ""
                    raise DataError(f"{self.name} has a row of more than {MAX_ROW_BYTES >> 20} MB{quote}.")
            self.identity.check(file)
        if rest.strip():
            yield rest

    def with_places(self, ends: list[tuple[int, int, int]]) -> Self:
        """The same with the places that a first pass found: rows, offset and line at the end of each piece."""
        positions = np.array([(0, self.start, self.first_line), *ends], np.int64).T
        return replace(self, positions=Positions(*positions))

    def parse(
        self,
        content: bytes,
        line: int,
        columns: list[str] | None = None,
        numbers: frozenset[str] = NO_NAMES,
    ) -> Table:
        """A piece of the text, whose first row begins on this line, as a table of these columns (None: all).

        All of them are text, but for those of `numbers`, if all of their cells in this piece are plain numbers.
        """
        offset = content.find(b"\0")
        if offset >= 0:
            raise DataError(f"{self.name} looks binary (NUL after line {line}); give a CSV or Parquet file.")
        text = content if self.encoding is None else as_utf8(self.name, content, self.encoding, line)
        convert = pyarrow.csv.ConvertOptions(
            column_types={name: pa.float64() if name in numbers else pa.large_string() for name in self.columns},
            null_values=[""],
            strings_can_be_null=True,
            include_columns=columns or self.columns,
        )
        try:
            with released_by_arrow(text):
                data = pyarrow.csv.read_csv(
                    pa.BufferReader(text),
                    pyarrow.csv.ReadOptions(column_names=self.columns, block_size=len(text) + 1, use_threads=False),
                    pyarrow.csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=b'"' in text),
                    convert,
                )
        except pa.ArrowException as error:
            if numbers:
                return self.parse(content, line, columns)
            text = as_utf8(self.name, content, self.encoding, line)
            if str(error).startswith("Empty CSV"):
                data = pa.table({name: pa.array([], pa.large_string()) for name in columns or self.columns})
            else:
                raise self._explained(text, line, error) from error
        return Table(self.name, data, lambda row: self._line(text, line, row), self.delimiter)

    def records(self, text: bytes, line: int) -> Iterator[tuple[int, list[str]]]:
        """The rows of a piece of UTF-8 text with their lines."""
        scanner = CsvScanner(self.name, text, self.delimiter)
        scanner.content, scanner.first_line = text, line
        return scanner.records()

    def _line(self, text: bytes, line: int, row: int) -> int:
        return next(islice(self.records(text, line), row, None))[0]

    def _explained(self, text: bytes, line: int, error: Exception) -> DataError:
        """The error about a piece that pyarrow refused: the line of a row of another length, or what it says."""
        width = len(self.columns)
        for at, cells in self.records(text, line):
            if len(cells) != width:
                count = "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"
                return DataError(f"{self.name} line {at} has {count}, but the header has {width:,}; correct the line.")
        reason = str(error).splitlines()[0][:120]
        return DataError(f"{self.name} cannot be read as CSV after line {line} ({reason}).")

    def reader(self, columns: list[str], numbers: frozenset[str] = NO_NAMES) -> CsvReader:
        """Open the file once more, to read these columns, some of which hold numbers."""
        return CsvReader(self, columns, numbers)


class CsvReader:
    """An open CSV file, whose rows are read as tables."""

    def __init__(self, rows: CsvRows, columns: list[str], numbers: frozenset[str]) -> None:
        assert rows.positions is not None
        self.rows, self.columns, self.numbers, self.positions = rows, columns, numbers, rows.positions
        self.file = rows.identity.opened()

    def tables(self, first: int, last: int) -> Iterator[Table]:
        """The rows first .. last-1 as tables. Raises DataError where the file has changed, or cannot be read."""
        rows, offsets, lines = self.positions
        start = int(np.searchsorted(rows, first, side="right")) - 1
        while rows[start] < last:
            self.rows.identity.check(self.file)
            limit = int(np.searchsorted(offsets, offsets[start] + PARSED_BYTES, side="right")) - 1
            stop = max(start + 1, min(limit, int(np.searchsorted(rows, last))))
            content = bytearray(int(offsets[stop] - offsets[start]))
            read_exactly(self.file, int(offsets[start]), content, self.rows.name)
            table = self.rows.parse(bytes(content), int(lines[start]), self.columns, self.numbers)
            if table.rows != rows[stop] - rows[start]:
                raise DataError(f"{self.rows.name} was written to while it was read; start again when it is complete.")
            begin = max(first - int(rows[start]), 0)
            yield part_of(table, begin, min(last - int(rows[start]), table.rows))
            start = stop

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def part_of(table: Table, first: int, last: int) -> Table:
    """The rows first .. last-1 of a table, which keep their lines."""
    if (first, last) == (0, table.rows):
        return table
    line = table.line
    moved = None if line is None else (lambda row: line(row + first))
    original: Array | None = None
    if line is None:
        original = np.arange(first, last) if table.original_rows is None else table.original_rows[first:last]
    return replace(table, data=table.data.slice(first, last - first), line=moved, original_rows=original)


def last_row_end(text: bytes, newline: bytes) -> int:
    """The offset after the last line end outside quotes; 0 if there is none. The text begins outside quotes."""
    if b'"' not in text:
        return text.rfind(newline) + 1
    ends = row_ends(text, newline)
    return int(ends[-1]) if len(ends) else 0


def row_ends(text: bytes, newline: bytes) -> Array:
    """The offsets after the line ends outside quotes, (n,) int64; the text begins outside quotes."""
    characters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(characters == newline[0])
    if b'"' in text:
        ends = ends[np.searchsorted(np.flatnonzero(characters == ord('"')), ends) % 2 == 0]
    return ends + 1


def has_clear_quotes(text: bytes, delimiter: str) -> bool:
    """Whether each quote is at an end of its cell, or one of two that stand for one, so that all readers agree."""
    if b'"' not in text:
        return True
    characters = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    if len(quotes) % 2:
        return False
    ends = np.zeros(256, bool)
    ends[[*b'\r\n"', *delimiter.encode()]] = True
    opening, closing = quotes[::2], quotes[1::2]
    before = ends[characters[np.maximum(opening - 1, 0)]] | (opening == 0)
    last = len(characters) - 1
    after = ends[characters[np.minimum(closing + 1, last)]] | (closing == last)
    return bool(before.all() and after.all())


def as_utf8(name: str, text: bytes, encoding: str | None, line: int) -> bytes:
    """Text as UTF-8; `line` is that on which it begins. Raises DataError where it is not in the encoding."""
    try:
        decoded = text.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        line += len(re.findall(b"\r\n|\r|\n", text[: error.start]))
        advice = "give another encoding" if encoding else "save it as UTF-8, or name its encoding (--encoding)"
        raise DataError(f"{name} line {line} is not {encoding or 'UTF-8'} text; {advice}.") from None
    return text if encoding is None else decoded.encode()


def _check_text(name: str, head: bytes, encoding: str | None) -> None:
    """Raise for what cannot be read piece by piece."""
    large = "a file that is read block by block"
    if head.startswith(b"\x1f\x8b"):
        raise DataError(f"{name} is compressed with gzip; unpack it: {large} must be plain text or Parquet.")
    if problem := text_problem(head):
        raise DataError(f"{name} {problem}.")
    if head.startswith(UTF_16_MARKS) and encoding is None:
        raise DataError(
            f"{name} is UTF-16 text; save it as UTF-8, in which line ends can be found: {large} is cut there."
        )
    if not head.strip():
        raise DataError(f"{name} is empty.")
    if encoding is not None:
        try:
            plain = codecs.lookup(encoding) and '\r\n",;'.encode(encoding) == b'\r\n",;'
        except LookupError:
            raise ParameterError(f"encoding {encoding!r} is unknown; examples: utf-8, cp1252, latin-1.") from None
        if not plain:
            raise DataError(f"{name}: {large} cannot be {encoding} text; save it as UTF-8.")


def _header_size(scanner: CsvScanner) -> tuple[int, int]:
    """The bytes and lines of the scanner's content up to the end of the header, empty lines before it included."""
    text = io.TextIOWrapper(io.BytesIO(scanner.content), encoding="utf-8", newline="")
    size = lines = 0

    def counted() -> Iterator[str]:
        nonlocal size, lines
        for line in text:
            size, lines = size + len(line.encode()), lines + 1
            yield line

    limit = csv.field_size_limit(MAX_CELL_LENGTH)
    try:
        next(cells for cells in csv.reader(counted(), delimiter=scanner.delimiter) if cells)
    finally:
        csv.field_size_limit(limit)
    return size, lines
