"""The size of a Parquet file's contents, which may be a million times its own, is checked before they are unpacked.

Rows and columns are counted in the footer. Parquet stores a text once and repeats its number, so that the size of text
is known only from the cells: such columns are read as numbers of texts, and unpacked when their size has been added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from glassnet.data.csv_file import MAX_COLUMNS
from glassnet.data.opening import MAX_BYTES
from glassnet.data.unpacking import MAX_RATIO
from glassnet.errors import DataError

UNCHECKED_BYTES = 256 << 20  # of contents, from which on the ratio to the size of the file counts
SHORT_TEXT = 64 << 20  # bytes that the text of a row group cannot exceed, whatever its cells are


def read_contents(name: str, source: Any, size: int) -> pa.Table:
    """The table in an open file of so many bytes. Raises DataError where its contents are too large for it."""
    with pq.ParquetFile(source) as file:
        metadata, schema = file.metadata, file.schema_arrow
        check_footer(name, metadata, size)
        if not (repeated := repeated_texts(metadata, schema)):
            return file.read()
        source.seek(0)
        with pq.ParquetFile(source, read_dictionary=repeated) as by_number:
            table = by_number.read()
    check_text(name, table, size)
    return _with_types(table, schema)


def check_text(name: str, table: pa.Table, size: int, before: int = 0, *, limit: int = MAX_BYTES) -> int:
    """The bytes of text of a table whose texts are numbered, and those before; DataError where these are too many."""
    total = before + text_bytes(table)
    _check(f"{name} has text", total, size, limit)
    return total


def check_footer(name: str, metadata: Any, size: int, *, limit: int = MAX_BYTES) -> None:
    """Raise DataError for a file of so many bytes whose footer promises too many columns, rows or bytes for it."""
    rows, columns = metadata.num_rows, metadata.num_columns
    if columns > MAX_COLUMNS:
        raise DataError(f"{name} has {columns:,} columns; the limit is {MAX_COLUMNS:,}; drop some.")
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    if sum(group.num_rows for group in groups) != rows:
        raise DataError(f"{name} is a damaged Parquet file (its row groups do not add up to {rows:,} rows).")
    needed = max(4 * rows * columns, sum(group.total_byte_size for group in groups))
    _check(f"{name} has {rows:,} rows × {columns:,} columns", needed, size, limit)


def _check(what: str, needed: int, size: int, limit: int) -> None:
    if needed > limit:
        raise DataError(f"{what}, {needed >> 20:,} MB unpacked; the limit is {limit >> 20:,} MB; split the file.")
    if needed > max(UNCHECKED_BYTES, MAX_RATIO * size):
        packed = f"{needed >> 20:,} MB unpacked, in {size / 2**20:.2g} MB"
        raise DataError(f"{what}, {packed}: most of it must be repetition; write a sample of the rows to another file.")


def repeated_texts(metadata: Any, schema: pa.Schema) -> list[str]:
    """The columns whose text may be much longer than what is stored of it.

    What the footer says of each column would tell more of them apart; but asking pyarrow for that ends the process
    where it is damaged.
    """
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    if all(group.num_rows * group.total_byte_size < SHORT_TEXT for group in groups):
        return []
    return [field.name for field in schema if _is_text(field.type)]


def text_bytes(table: pa.Table) -> int:
    """The length of all cells of the columns of numbers of texts."""
    return sum(map(_text_bytes, table.columns))


def _text_bytes(column: pa.ChunkedArray) -> int:
    """The length of all cells of a column of numbers of texts; 0 for other columns."""
    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return 0
    total = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary).to_numpy(zero_copy_only=False)
        counts = np.bincount(chunk.indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(lengths))
        total += int(counts @ np.nan_to_num(np.asarray(lengths, np.float64)))
    return total


def _with_types(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the types of its file, where text was read as numbers of texts."""
    for index, field in enumerate(schema):
        if pa.types.is_dictionary(table.column(index).type) and not pa.types.is_dictionary(field.type):
            is_binary = pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
            kind = pa.large_binary() if is_binary else pa.large_string()
            table = table.set_column(index, pa.field(field.name, kind), table.column(index).cast(kind))
    return table


def _is_text(kind: Any) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)
