"""The rows of one row group of Parquet, batch by batch, in memory that does not depend on how its numbers are stored.

Numbers may be stored as a dictionary of distinct values and their places in it. Arrow keeps the dictionaries of all
columns that it reads at once, and numbers that hardly repeat fill dictionaries larger than themselves. Where these
would take too much, a few columns are read at a time, and the numbers of the row group, or of half of it, stay in
memory instead.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MAX_DICTIONARY_BYTES = 1 << 20  # of a column; writers store more distinct values as they are
COPIES = 3  # of a dictionary in memory: as it is stored, unpacked, and what the allocator leaves between them
ALLOWED_BYTES = 160_000_000  # beside 1.2 times the row group as float32
MAX_BLOCK_BYTES = 128_000_000  # a larger row group is read in two halves
COLUMNS_BYTES = 2 << 20  # of the numbers that are read at a time
ALIGNMENT = 64  # bytes
DESCRIPTION_BYTES = 2048  # of a column in a packed batch, at most


def group_batches(parquet: pq.ParquetFile, group: int, columns: list[str], batch_rows: int) -> Iterator[pa.Table]:
    """These columns of a row group, in any order, in tables of at most `batch_rows` rows."""
    rows, widths = parquet.metadata.row_group(group).num_rows, _widths(parquet.schema_arrow, columns)
    allowed = ALLOWED_BYTES + 24 * rows * len(columns) // 5  # 1.2 times 4 bytes
    dictionaries = COPIES * sum(min(width * rows, MAX_DICTIONARY_BYTES) for width in widths.values())
    if dictionaries <= allowed:
        yield from _tables(parquet, group, columns, batch_rows)
        return
    others = [name for name in columns if name not in widths]
    other_tables = _tables(parquet, group, others, batch_rows)
    size = rows * sum(widths.values())
    parts = max(
        -(-size // allowed), min(-(-size // MAX_BLOCK_BYTES), 2)
    )  # reading a column twice costs less than memory
    block_rows = -(-rows // (parts * batch_rows)) * batch_rows
    for first in range(0, rows, block_rows):
        block = _block(parquet, group, widths, slice(first, min(first + block_rows, rows)))
        for start in range(0, block.num_rows, batch_rows):
            table = _copied(block, slice(start, start + batch_rows))  # a slice would keep the whole block
            yield _joined(table, other_tables) if others else table
        del block  # before the next one is read


def _tables(parquet: pq.ParquetFile, group: int, columns: list[str], batch_rows: int) -> Iterator[pa.Table]:
    """The tables of columns of which Arrow keeps all dictionaries."""
    for batch in parquet.iter_batches(batch_rows, row_groups=[group], columns=columns, use_threads=False):
        yield pa.Table.from_batches([batch])


def _widths(schema: pa.Schema, columns: list[str]) -> dict[str, int]:
    """The bytes of a cell of each column whose cells all have as many: numbers, times and truth values."""
    kinds = {name: schema.field(name).type for name in columns}
    return {
        name: -(-kind.bit_width // 8)
        for name, kind in kinds.items()
        if pa.types.is_primitive(kind) or pa.types.is_decimal(kind)
    }


def _block(parquet: pq.ParquetFile, group: int, widths: dict[str, int], rows: slice) -> pa.Table:
    """Some rows of the columns, which are read a few at a time, in one block: single ones would scatter the memory."""
    group_rows, names = parquet.metadata.row_group(group).num_rows, list(widths)
    count = max(1, COLUMNS_BYTES // (group_rows * max(widths.values())))
    memory, end = np.empty(_packed_bytes(widths, rows.stop - rows.start), np.uint8), 0
    arrays: list[pa.Array] = []
    for part in (names[first : first + count] for first in range(0, len(names), count)):
        table = parquet.read_row_group(group, columns=part, use_threads=False).select(part)
        batch = table.slice(rows.start, rows.stop - rows.start).combine_chunks().to_batches()[0]
        packed = batch.serialize()
        part_memory = memory[end : end + packed.size]
        part_memory[:] = np.frombuffer(packed, np.uint8)
        arrays += pa.ipc.read_record_batch(pa.py_buffer(part_memory), batch.schema).columns
        end += -(-packed.size // ALIGNMENT) * ALIGNMENT
    return pa.table(arrays, names=names)


def _packed_bytes(widths: dict[str, int], rows: int) -> int:
    """More bytes than the columns need as packed batches, with the bits of missing cells and descriptions."""
    return rows * sum(widths.values()) + len(widths) * (-(-rows // 8) + DESCRIPTION_BYTES)


def _copied(table: pa.Table, rows: slice) -> pa.Table:
    """Some rows in memory of their own."""
    return table.take(np.arange(*rows.indices(table.num_rows)))


def _joined(table: pa.Table, others: Iterator[pa.Table]) -> pa.Table:
    """The table beside as many of the next rows of other columns. Raises ArrowInvalid where these end."""
    parts: list[pa.Table] = []
    while sum(part.num_rows for part in parts) < table.num_rows:
        if (part := next(others, None)) is None:
            raise pa.ArrowInvalid("its columns have different numbers of rows")
        parts.append(part)
    beside = pa.concat_tables(parts)
    return pa.table([*table.columns, *beside.columns], names=[*table.column_names, *beside.column_names])
