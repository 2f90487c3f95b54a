"""Parquet files of any size as tables of some rows each: row group by row group, in batches, one after another.

A row group can only be read from its beginning, so its rows are read in order. Arrow's own reading ahead is off: it
would keep the whole file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from glassnet.data.csv_rows import NO_NAMES, Piece, part_of
from glassnet.data.file_identity import FileIdentity
from glassnet.data.parquet_contents import check_footer, check_text, repeated_texts
from glassnet.data.parquet_file import index_columns, parquet_parts
from glassnet.data.reading import FilePath, check_unique
from glassnet.data.row_group import group_batches
from glassnet.data.table import Table
from glassnet.errors import DataError

BATCH_BYTES = 2 << 20  # of a table that is read at once, as float32
PASS_BYTES = 8 << 20  # the same in a first pass
BUFFER_BYTES = 1 << 14  # that are read of a column at once; there may be hundreds of columns
MAX_TEXT_BYTES = 8 << 20  # of the texts that are unpacked at once
NO_LIMIT = 1 << 62
MAX_GROUP_BYTES = 4 << 30  # of a row group as float32


@dataclass(frozen=True)
class ParquetRows:
    """The Parquet file, or those of a folder: `group_rows` are the rows of each row group of each file."""

    name: str
    identities: tuple[FileIdentity, ...]
    schema: pa.Schema
    group_rows: tuple[tuple[int, ...], ...]
    stored_bytes: int = 0  # of all row groups, before compression
    notes: tuple[str, ...] = ()
    index_columns: tuple[str, ...] = ()
    delimiter = None

    @classmethod
    def of(cls, path: FilePath) -> Self:
        """Read the metadata. Raises DataError for a damaged file, different parts, and a row group beyond all size."""
        name = os.fspath(path)
        paths = parquet_parts(path) if os.path.isdir(path) else [name]
        opened = [_metadata(part) for part in paths]
        schemas = [schema for schema, _, _ in opened]
        for part, schema in zip(paths, schemas, strict=True):
            if set(schema.names) != set(schemas[0].names):
                different = ", ".join(sorted(set(schema.names) ^ set(schemas[0].names))[:5])
                raise DataError(f"{part} has other columns than {paths[0]} ({different}); give one table's parts only.")
        check_unique(name, schemas[0].names)
        if not sum(sum(rows) for _, rows, _ in opened):
            raise DataError(f"{name} has no rows.")
        note = f"{name}: {len(paths):,} Parquet file{'s are' if len(paths) > 1 else ' is'} read as one table"
        notes = (note,) if os.path.isdir(path) else ()
        labels = index_columns(schemas[0].metadata)
        identities = tuple(map(FileIdentity.of, paths))
        rows, stored = tuple(rows for _, rows, _ in opened), sum(stored for _, _, stored in opened)
        return cls(name, identities, _joined(name, schemas), rows, stored, notes, labels)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.schema.names)

    @property
    def groups(self) -> list[int]:
        """The number of rows of each row group of all parts."""
        return [rows for part in self.group_rows for rows in part]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(self.groups)

    @property
    def decoded_bytes(self) -> int:
        """The bytes of all rows in memory, about: as Parquet says, or of numbers where its compression hides more."""
        return max(self.stored_bytes, 8 * self.rows * len(self.columns))

    def pieces(self) -> Iterator[Piece]:
        """All rows, piece by piece; their offsets are not needed."""
        reader = ParquetReader(self, self.columns, PASS_BYTES)
        try:
            for table in reader.tables(0, self.rows):
                yield Piece(table)
        finally:
            reader.close()

    def with_places(self, ends: list[tuple[int, int, int]]) -> Self:
        """No-op: the metadata say where rows begin."""
        return self

    def reader(self, columns: list[str], numbers: frozenset[str] = NO_NAMES) -> ParquetReader:
        """Open the files once more, to read these columns, whose types they know."""
        return ParquetReader(self, columns)


class ParquetReader:
    """Open Parquet files, whose rows are read in order; going back starts at the row group again."""

    def __init__(self, rows: ParquetRows, columns: list[str], batch_bytes: int = BATCH_BYTES) -> None:
        self.rows, self.columns = rows, columns
        self.schema = pa.schema([rows.schema.field(name) for name in columns])
        self.batch_rows = max(64, batch_bytes // (4 * max(len(columns), 1)))
        self.position = -1
        self.ahead: Table | None = None  # the rest of the last batch
        self.rest: Iterator[Table] = iter(())

    def tables(self, first: int, last: int) -> Iterator[Table]:
        """The rows first .. last-1 as tables. Raises DataError where a file has changed, or cannot be read."""
        if first != self.position:
            self.close()
            self.rest, self.ahead = self._from(first), None
            self.position = first
        while self.position < last:
            table = self.ahead or self._next()
            count = min(table.rows, last - self.position)
            self.ahead = part_of(table, count, table.rows) if count < table.rows else None
            self.position += count
            yield part_of(table, 0, count)

    def _next(self) -> Table:
        """The next batch. After an error the next call of `tables` opens the file again."""
        try:
            return next(self.rest)
        except StopIteration:
            self.close()
            raise DataError(f"{self.rows.name} ended while it was read; start again when it is complete.") from None
        except DataError:
            self.close()
            raise

    def _from(self, first: int) -> Iterator[Table]:
        """All rows from this one on, batch by batch."""
        start = 0
        for identity, groups in zip(self.rows.identities, self.rows.group_rows, strict=True):
            if start + sum(groups) <= first:
                start += sum(groups)
                continue
            with identity.opened() as file:
                yield from self._part(identity, file, groups, (start, first))
            start += sum(groups)

    def _part(
        self, identity: FileIdentity, file: IO[bytes], groups: Sequence[int], bounds: tuple[int, int]
    ) -> Iterator[Table]:
        """The rows of a file, whose first has the number bounds[0], from the row with the number bounds[1] on."""
        start, first = bounds
        try:
            with pq.ParquetFile(identity.path, **self._reading(identity)) as parquet:
                for group, count in enumerate(groups):
                    if start + count <= first:
                        start += count
                        continue
                    for batch in group_batches(parquet, group, self.columns, self.batch_rows):
                        identity.check(file)
                        for data in self._parts_of(identity, batch):
                            table = self._table(data, start)
                            start += table.rows
                            if start > first:
                                yield part_of(table, max(first - start + table.rows, 0), table.rows)
        except (pa.ArrowException, OSError, MemoryError) as error:
            identity.check(file)
            raise _damaged(identity.path, error) from error

    def _reading(self, identity: FileIdentity) -> dict[str, Any]:
        """The options with which a file is opened: long texts that may repeat are read as numbers of texts."""
        self.text_bytes = 0
        with pq.ParquetFile(identity.path) as file:
            repeated = repeated_texts(file.metadata, file.schema_arrow)
        return {"pre_buffer": False, "buffer_size": BUFFER_BYTES, "read_dictionary": repeated}

    def _parts_of(self, identity: FileIdentity, data: pa.Table) -> Iterator[pa.Table]:
        """A batch in parts whose texts are short enough to be unpacked. Raises DataError as for a file in memory."""
        before = self.text_bytes
        self.text_bytes = check_text(identity.path, data, identity.size, before, limit=NO_LIMIT)
        parts = min(-(-(self.text_bytes - before) // MAX_TEXT_BYTES), data.num_rows) or 1
        for part in range(parts):
            first, last = data.num_rows * part // parts, data.num_rows * (part + 1) // parts
            yield data.slice(first, last - first)

    def _table(self, data: pa.Table, start: int) -> Table:
        if data.schema.names != self.columns:
            data = data.select(self.columns)
        if not data.schema.equals(self.schema):
            data = data.cast(self.schema)
        numbers = np.arange(start, start + data.num_rows)
        return Table(self.rows.name, data, index_columns=self.rows.index_columns, original_rows=numbers)

    def close(self) -> None:
        """Close the file that is open."""
        if hasattr(self.rest, "close"):
            self.rest.close()
        self.position, self.ahead = -1, None


def _metadata(name: str) -> tuple[pa.Schema, tuple[int, ...], int]:
    """The schema of a file, the number of rows of each row group, and the bytes of all before compression."""
    try:
        with pq.ParquetFile(name) as file:
            metadata = file.metadata
            check_footer(name, metadata, os.path.getsize(name), limit=NO_LIMIT)
            groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
            rows, stored = tuple(group.num_rows for group in groups), sum(group.total_byte_size for group in groups)
            schema, columns = file.schema_arrow, metadata.num_columns
    except (pa.ArrowException, OSError) as error:
        raise _damaged(name, error) from error
    for number, count in enumerate(rows):
        if count * columns * 4 > MAX_GROUP_BYTES:
            size = f"{count:,} rows ({count * columns * 4 / 1e9:.0f} GB as float32)"
            raise DataError(f"{name}: row group {number} has {size}; rewrite the file with row_group_size=65536.")
    return schema, rows, stored


def _damaged(name: str, error: Exception) -> DataError:
    reason = (str(error).splitlines() or ["no reason"])[0][:120]
    if isinstance(error, MemoryError):
        return DataError(f"{name}: the memory does not suffice for a row group ({reason}); write smaller row groups.")
    return DataError(f"{name} is a damaged Parquet file ({reason}).")


def _joined(name: str, schemas: list[pa.Schema]) -> pa.Schema:
    """One schema for all parts, in the order of the first."""
    bare = [schema.remove_metadata() for schema in schemas]
    try:
        return pa.unify_schemas(bare, promote_options="permissive") if len(bare) > 1 else bare[0]
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0][:120]
        raise DataError(f"{name}: its parts have different types ({reason}); write them with one type.") from error
