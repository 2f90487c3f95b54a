"""The rows of a file as the external shuffle moves them: lines of CSV text, rows of an array, rows of Arrow tables.

A kind reads its rows in pieces, packs some of them into bytes and back, and writes them to a new file of its kind. The
rows are never interpreted: what they hold is what is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import IO, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from glassnet.data.array_rows import ArrayFile, ArrayReader
from glassnet.data.csv_rows import CsvRows, row_ends
from glassnet.data.options import ReadingOptions
from glassnet.data.parquet_rows import ParquetRows
from glassnet.data.reading import Array, FilePath, file_kind
from glassnet.data.streamed_table import table_rows

PIECE_BYTES = 4 << 20
GROUP_ROWS = 1 << 16  # of a row group of Parquet that is written


class RowKind(Protocol):
    """Reads, packs and writes the rows of a file."""

    size: int  # of all rows in bytes, about
    endings: tuple[str, ...]  # of the names of files of this kind

    def pieces(self) -> Iterator[Any]:
        """All rows in order, in pieces that have a length."""

    def take(self, piece: Any, rows: Array) -> Any:
        """Some rows of a piece, in this order."""

    def packed(self, piece: Any) -> bytes:
        """A piece as bytes."""

    def unpacked(self, parts: Sequence[bytes]) -> Any:
        """Packed pieces as one piece."""

    def begin(self, out: IO[bytes]) -> None:
        """Write what comes before the rows."""

    def write(self, piece: Any) -> None:
        """Write some rows."""

    def end(self) -> None:
        """Write what is left."""


def row_kind(path: FilePath) -> RowKind:
    """The rows of a CSV, Parquet or .npy file, or of a folder of Parquet files. Raises DataError for any other."""
    if file_kind(path) == "npy":
        return ArrayKind(ArrayFile.of(path))
    rows = table_rows(path, ReadingOptions())
    return CsvKind(rows) if isinstance(rows, CsvRows) else ParquetKind(rows)


class ArrayKind:
    """The rows of a .npy file."""

    endings: tuple[str, ...] = (".npy",)

    def __init__(self, source: ArrayFile) -> None:
        self.source, self.size = source, source.rows * source.row_bytes

    def pieces(self) -> Iterator[Array]:
        """All rows in order."""
        reader, rows = ArrayReader(self.source), max(1, PIECE_BYTES // self.source.row_bytes)
        try:
            for first in range(0, self.source.rows, rows):
                piece = np.empty((min(rows, self.source.rows - first), *self.source.shape), self.source.dtype)
                reader.read_into(first, piece)
                yield piece
        finally:
            reader.close()

    def take(self, piece: Array, rows: Array) -> Array:
        """Some rows of a piece."""
        return piece[rows]

    def packed(self, piece: Array) -> bytes:
        """A piece as bytes."""
        return piece.tobytes()

    def unpacked(self, parts: Sequence[bytes]) -> Array:
        """Packed pieces as one."""
        return np.frombuffer(b"".join(parts), self.source.dtype).reshape(-1, *self.source.shape)

    def begin(self, out: IO[bytes]) -> None:
        """Write the header."""
        self.out = out
        shape = (self.source.rows, *self.source.shape)
        descr = np.lib.format.dtype_to_descr(self.source.dtype)
        np.lib.format.write_array_header_1_0(out, {"descr": descr, "fortran_order": False, "shape": shape})

    def write(self, piece: Array) -> None:
        """Write some rows."""
        self.out.write(piece.tobytes())

    def end(self) -> None:
        """No-op: all rows are written."""


class CsvKind:
    """The rows of a CSV file as their text, each with its line end."""

    endings: tuple[str, ...] = (".csv", ".tsv", ".txt")

    def __init__(self, source: CsvRows) -> None:
        self.source, self.size = source, source.identity.size

    def pieces(self) -> Iterator[list[bytes]]:
        """All rows in order; empty lines are left out."""
        for text in self.source.cut():
            rows, start = [], 0
            for end in row_ends(text, self.source.newline).tolist():
                rows.append(text[start:end])
                start = end
            if start < len(text):
                rows.append(text[start:] + self.source.newline)
            yield [row for row in rows if row.strip(b"\r\n")]

    def take(self, piece: list[bytes], rows: Array) -> list[bytes]:
        """Some rows of a piece."""
        return [piece[row] for row in rows.tolist()]

    def packed(self, piece: list[bytes]) -> bytes:
        """The number of rows, their lengths, and their text."""
        lengths = np.array([len(piece), *map(len, piece)], np.int64)
        return lengths.tobytes() + b"".join(piece)

    def unpacked(self, parts: Sequence[bytes]) -> list[bytes]:
        """Packed pieces as one."""
        rows = []
        for part in parts:
            count = int(np.frombuffer(part, np.int64, 1)[0])
            ends = np.cumsum([8 * (count + 1), *np.frombuffer(part, np.int64, count, 8)]).tolist()
            rows += [part[first:last] for first, last in pairwise(ends)]
        return rows

    def begin(self, out: IO[bytes]) -> None:
        """Write the lines up to the header as they are."""
        self.out = out
        with self.source.identity.opened() as file:
            out.write(file.read(self.source.start))

    def write(self, piece: list[bytes]) -> None:
        """Write some rows."""
        self.out.write(b"".join(piece))

    def end(self) -> None:
        """No-op: all rows are written."""


class ParquetKind:
    """The rows of Parquet files as Arrow tables."""

    endings: tuple[str, ...] = (".parquet", ".parq", ".pq")

    def __init__(self, source: ParquetRows) -> None:
        self.source, self.size = source, source.decoded_bytes

    def pieces(self) -> Iterator[pa.Table]:
        """All rows in order."""
        for piece in self.source.pieces():
            yield piece.table.data

    def take(self, piece: pa.Table, rows: Array) -> pa.Table:
        """Some rows of a piece."""
        return piece.take(pa.array(rows))

    def packed(self, piece: pa.Table) -> bytes:
        """A piece as an Arrow stream."""
        buffer = pa.BufferOutputStream()
        with pa.ipc.new_stream(buffer, piece.schema) as stream:
            stream.write_table(piece)
        return buffer.getvalue().to_pybytes()

    def unpacked(self, parts: Sequence[bytes]) -> pa.Table:
        """Packed pieces as one."""
        tables = [pa.ipc.open_stream(part).read_all() for part in parts]
        return pa.concat_tables(tables).combine_chunks()

    def begin(self, out: IO[bytes]) -> None:
        """Write the beginning of the file."""
        self.writer = pq.ParquetWriter(out, self.source.schema)
        self.rest: list[pa.Table] = []

    def write(self, piece: pa.Table) -> None:
        """Write all row groups that are full."""
        self.rest.append(piece)
        if sum(table.num_rows for table in self.rest) >= GROUP_ROWS:
            table = pa.concat_tables(self.rest)
            full = table.num_rows // GROUP_ROWS * GROUP_ROWS
            self.writer.write_table(table.slice(0, full), row_group_size=GROUP_ROWS)
            self.rest = [table.slice(full).combine_chunks()]

    def end(self) -> None:
        """Write the last row group and the metadata."""
        if self.rest and sum(table.num_rows for table in self.rest):
            self.writer.write_table(pa.concat_tables(self.rest), row_group_size=GROUP_ROWS)
        self.writer.close()
