"""Read CSV files with pyarrow, and report the line of whatever is wrong.

pyarrow is fast, but it can run out of memory on a malicious header and does not say where a malformed line is. So
Python's csv module checks the header first and, after an error, finds the line, counting newlines inside quotes.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, count, islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from glassnet.data.arrow_threads import released_by_arrow
from glassnet.data.header_line import NAMELESS, Record, header_note, missing_name_hint, repeated_headers, title_hint
from glassnet.data.options import ReadingOptions
from glassnet.data.reading import FilePath, check_unique, text_problem
from glassnet.data.text_encoding import to_utf8
from glassnet.data.unpacking import read_bytes
from glassnet.errors import DataError

MAX_COLUMNS = 100_000
MAX_CELL_LENGTH = 1 << 20
BYTES_PER_COLUMN = 1 << 14  # that pyarrow takes for each column, whatever its cells are
BLOCK_BYTES = MAX_LINE_LENGTH = 1 << 24
HEAD_BYTES, HEAD_RECORDS = 1 << 18, 100  # what tells the delimiter
TOP_RECORDS = 20  # what tells whether the first line is the header
LONG_ADVICE = "look for a quote that is never closed"
END_MARKER = "\x00end"  # cannot occur in the file, which has no NUL
SEPARATOR_LINE = re.compile(rb'"?sep=([^\r\n"]|\\t)"?(\r\n|\r|\n)', re.IGNORECASE)


class CsvContent(NamedTuple):
    """The cells of a CSV file as text, null where empty; the line (from 1) of a row (from 0); what was unusual."""

    table: pa.Table
    line: Callable[[int], int]
    delimiter: str
    notes: tuple[str, ...]


def read_csv(path: FilePath, options: ReadingOptions) -> CsvContent:
    """Read a CSV file; every cell stays text. Raises DataError (a ValueError) that names the line where possible."""
    name, options = os.fspath(path), options.file_options()
    content = read_bytes(path)
    if problem := text_problem(content):
        raise DataError(f"{name} {problem}.")
    content, note = to_utf8(name, content, options.encoding)
    if not re.search(rb"\S", content):
        raise DataError(f"{name} is empty.")
    scanner = CsvScanner(name, content, options.delimiter)
    if options.header is False:
        scanner.add_header()
    header = scanner.header()
    table = _parse(scanner, header)
    if not table.num_rows:
        raise DataError(f"{name} has a header but no rows.")
    names, odd = column_names(header), header_note(scanner.top(), options.header)
    try:
        check_unique(name, names)
    except DataError as error:
        raise DataError(f"{error} {odd[:1].upper()}{odd[1:]}." if odd else str(error)) from None
    notes = tuple(filter(None, (note, odd)))
    return _without_headers(CsvContent(table.rename_columns(names), scanner.line, scanner.delimiter, notes))


def _without_headers(content: CsvContent) -> CsvContent:
    """The content without the rows that repeat the header, and a note on them."""
    table, line = content.table, content.line
    repeats = repeated_headers(table, table.column_names)
    if not repeats.size or repeats.size == table.num_rows:
        return content
    rows = np.delete(np.arange(table.num_rows), repeats)
    what = "1 row repeats" if repeats.size == 1 else f"{repeats.size:,} rows repeat"
    note = f"{what} the header and {'is' if repeats.size == 1 else 'are'} left out (line {line(int(repeats[0]))})"
    return content._replace(
        table=table.take(pa.array(rows)), line=lambda row: line(int(rows[row])), notes=(*content.notes, note)
    )


def column_names(header: list[str]) -> list[str]:
    """The names without blanks around them; a nameless column is called as pandas does, `Unnamed: 3`."""
    return [name.strip() or f"{NAMELESS}{index}" for index, name in enumerate(header)]


class CsvScanner:
    """A slow, exact reader: finds the delimiter, the header and the line on which each record begins."""

    def __init__(self, name: str, content: bytes, delimiter: str | None = None) -> None:
        self.name, self.first_line = name, 1
        match = SEPARATOR_LINE.match(content)
        if match:
            content, self.first_line = content[match.end() :], 2
            delimiter = delimiter or match[1].decode().replace("\\t", "\t")
        self.content = content
        self.delimiter = delimiter or find_delimiter(content)

    def add_header(self) -> None:
        """Put a line of names above the first row, which is data; lines count from the first row as before."""
        _, cells = next(self.records(), (0, []))
        names = self.delimiter.join(f'"column_{number}"' for number in range(1, len(cells) + 1))
        self.content, self.first_line = names.encode() + b"\n" + self.content, self.first_line - 1

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record that is not an empty line, with the line on which it begins."""
        reader = csv.reader(chain(self._lines(), [END_MARKER]), delimiter=self.delimiter)
        begin, limit, offset = 1, csv.field_size_limit(MAX_CELL_LENGTH), self.first_line - 1
        try:
            for cells in reader:
                if cells == [END_MARKER] and reader.line_num == begin:
                    return
                if cells and cells[-1].endswith(END_MARKER):
                    line = offset + begin + len(re.findall("\r\n|\r|\n", "".join(cells[:-1])))
                    raise DataError(f"{self.name}: the quote opened on line {line} is never closed.")
                if cells:
                    yield offset + begin, cells
                begin = reader.line_num + 1
        except csv.Error:
            problem = f"a cell is longer than {MAX_CELL_LENGTH >> 20} MB; {LONG_ADVICE}."
            raise DataError(f"{self.name} line {offset + begin}: {problem}") from None
        finally:
            csv.field_size_limit(limit)

    def _lines(self) -> Iterator[str]:
        """The lines of the file. Raises DataError for one that is too long, or has too many cells, to be parsed."""
        text = io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8", newline="")
        for number in count(self.first_line):
            line = text.readline(MAX_LINE_LENGTH)
            if not line:
                return
            cells = line.count(self.delimiter) + 1
            if cells > MAX_COLUMNS:
                cells = re.sub('"[^"]*"?', "", line).count(self.delimiter) + 1
            if cells > MAX_COLUMNS:
                problem = f"has {'more than ' * _is_cut(line)}{cells:,} columns; the limit is {MAX_COLUMNS:,}"
                raise DataError(f"{self.name} line {number} {problem}; drop columns, or exchange rows and columns.")
            if _is_cut(line):
                raise DataError(f"{self.name} line {number} is longer than {MAX_LINE_LENGTH >> 20} MB; {LONG_ADVICE}.")
            yield line

    def header(self) -> list[str]:
        """The names of the columns. Raises DataError for too many columns or no line but empty ones."""
        _, names = next(self.records(), (0, []))
        if not names:
            raise DataError(f"{self.name} is empty.")
        return names

    def top(self) -> list[Record]:
        """The first records; none where the csv module refuses one."""
        try:
            return list(islice(self.records(), TOP_RECORDS))
        except DataError:
            return []

    def line(self, row: int) -> int:
        """The line (from 1) on which a row (from 0) begins."""
        return next(islice(self.records(), row + 1, None))[0]

    def count(self, width: int) -> int:
        """The number of rows. Raises DataError with the line of the first that does not have `width` cells."""
        rows = -1
        for line, cells in self.records():
            if len(cells) != width:
                count = "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"
                advice = missing_name_hint(self.top()) or title_hint(self.top()) or "correct the line"
                first = "header" if self.first_line else "first row"
                raise DataError(f"{self.name} line {line} has {count}, but the {first} has {width:,}; {advice}.")
            rows += 1
        return rows


def _parse(scanner: CsvScanner, header: list[str]) -> pa.Table:
    """Parse with pyarrow; if it fails, or finds another number of rows than the scanner, explain why."""
    quotes = b'"' in scanner.content
    check_memory(scanner.name, 3 * len(scanner.content) + BYTES_PER_COLUMN * len(header))
    if has_long_line(scanner.content):  # which takes pyarrow several times its length
        scanner.count(len(header))
    types = {column: pa.large_string() for column in header}
    convert = pyarrow.csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True)
    try:
        with released_by_arrow(scanner.content):
            table = pyarrow.csv.read_csv(
                pa.BufferReader(scanner.content),
                pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES),
                pyarrow.csv.ParseOptions(delimiter=scanner.delimiter, newlines_in_values=quotes),
                convert,
            )
    except pa.ArrowException as error:
        if not scanner.count(len(header)):
            raise DataError(f"{scanner.name} has a header but no rows.") from None
        raise DataError(f"{scanner.name} cannot be read as CSV ({str(error).splitlines()[0][:120]}).") from error
    if quotes and scanner.count(len(header)) != table.num_rows:
        raise DataError(f"{scanner.name} has ambiguous quotes; write it again with a CSV library.")
    return table


def check_memory(name: str, needed: int) -> None:
    """Refuse a file for which the process may not have the memory: pyarrow would end the process."""
    try:
        np.empty(needed, np.uint8)  # addresses alone
    except MemoryError:
        amount = f"{needed >> 20:,} MB of memory, more than this process can get"
        raise DataError(f"Reading {name} takes {amount}; give it fewer columns or rows.") from None


def has_long_line(content: bytes) -> bool:
    """Whether a line could hold a cell that is too long."""
    start = 0
    while len(content) - start > MAX_CELL_LENGTH:
        end = max(content.rfind(newline, start, start + MAX_CELL_LENGTH + 1) for newline in (b"\n", b"\r"))
        if end < 0:
            return True
        start = end + 1
    return False


def _is_cut(line: str) -> bool:
    """Whether a line was read up to the limit only."""
    return len(line) == MAX_LINE_LENGTH and not line.endswith(("\n", "\r"))


def find_delimiter(content: bytes) -> str:
    """Comma, semicolon, tab or pipe: the one that gives most rows the same number of cells, then the most cells.

    The header counts as one row like the others: it may contain another delimiter in a name.
    """
    head = content[:HEAD_BYTES]
    if len(content) > HEAD_BYTES:
        head = head[: head.rfind(b"\n") + 1] or head
    text = head.decode("utf-8", errors="ignore")
    scores = {delimiter: _agreement(text, delimiter) for delimiter in ",;\t|"}
    return max(scores, key=lambda delimiter: scores[delimiter])


def _agreement(text: str, delimiter: str) -> tuple[float, int]:
    """The share of rows that have the most frequent number of cells, and this number; (0, 0) if that is one."""
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        widths = Counter(len(cells) for cells in islice(reader, HEAD_RECORDS) if cells)
    except csv.Error:
        return 0, 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return (count / widths.total(), width) if width > 1 else (0, 0)
