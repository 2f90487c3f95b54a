"""What must be known of all blocks before any is encoded: the classes, the columns, and how they are read.

Blocks answer in a few numbers, which are joined on the workers; the client sees a few rows and all classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from glassnet.batches.block_order import with_ends
from glassnet.data.first_pass import FirstPass
from glassnet.data.options import ReadingOptions
from glassnet.data.reading import Array
from glassnet.data.runs import Runs
from glassnet.data.statistics import MAX_SAMPLE
from glassnet.data.streamed_table import StreamedTable, prepared_table
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.errors import DataError
from glassnet.scale.backend import Backend
from glassnet.scale.block_loading import Rows, array_block, frame_block, label_block
from glassnet.scale.blocks import RawBlock, RawBlocks

HEAD_ROWS = 8  # of x that stand for all
MAX_CLASSES = 10_000
MAX_SAMPLES, MAX_LEVELS = 500_000, 200_000  # of all columns of a table
MIN_SAMPLE = 500  # of a column
BLOCK_ROWS = 1 << 40  # more than a block has: rows are numbered so, where their places in the whole are not known


# Arrays -------------------------------------------------------------------------------------------------------------


class Outline(NamedTuple):
    """A few rows of a block: x (n, features) and y (n, ...); empty where it has none."""

    x: Array
    y: Array


def representative(backend: Backend, raw: RawBlocks, *, classes: bool) -> tuple[Any, Array]:
    """Rows that stand for all: some of x, with the names of its columns, and y; with `classes` all of them occur in y.

    Raises DataError without rows, for more than MAX_CLASSES classes, and where a block cannot be read.
    """
    head = next((head for head in _heads(backend, raw.blocks) if len(head.x)), None)
    if head is None:
        raise DataError("no block has a row; there is nothing to train on.")
    y = head.y
    if classes:
        found: list[Array] = backend.reduce(distinct_labels, joined_labels, list(map(_labels_alone, raw.blocks)))
        count = max(map(len, found))
        y = np.stack([np.resize(column, count) for column in found], axis=1)
        y = y[:, 0] if head.y.ndim == 1 else y
    x = np.resize(head.x, (len(y), head.x.shape[1]))
    return (_named_columns(x, raw.columns) if raw.columns else x), y


def _heads(backend: Backend, blocks: Sequence[RawBlock]) -> Iterator[Outline]:
    """The first rows of one block after another, each read when it is asked for."""
    for number, block in enumerate(blocks):
        yield backend.map(first_rows, [block], number)[0]


def first_rows(raw: Rows) -> Outline:
    """The first rows of a block."""
    return Outline(np.array(raw.x[:HEAD_ROWS]), np.array(raw.y[:HEAD_ROWS]))


def distinct_labels(raw: Rows | Array) -> list[Array]:
    """The distinct values of each column of y, in rising order. Raises DataError for too many."""
    y = raw if isinstance(raw, np.ndarray) else raw.y
    columns = y[:, np.newaxis] if y.ndim == 1 else y
    return [_checked_number(np.unique(column)) for column in columns.T]


def joined_labels(a: list[Array], b: list[Array]) -> list[Array]:
    """The distinct values of two blocks."""
    if len(a) != len(b):
        raise DataError(f"y has {len(a)} columns in one block, and {len(b)} in another; give all blocks the same.")
    return [_checked_number(np.union1d(*pair)) for pair in zip(a, b, strict=True)]


def _checked_number(labels: Array) -> Array:
    if len(labels) > MAX_CLASSES:
        raise DataError(f"y has {len(labels):,} different values; classes may be {MAX_CLASSES:,}: use a regressor.")
    return labels


def _labels_alone(block: RawBlock) -> RawBlock:
    """The block without its x, which need not be read for its classes, where that is apart."""
    if block.load in (array_block, frame_block) and len(block.arguments) > 1:
        return RawBlock(label_block, block.arguments[1:2])
    return block


def _named_columns(x: Array, names: Sequence[str]) -> Any:
    return pa.table({name: np.ascontiguousarray(column) for name, column in zip(names, x.T, strict=True)})


# Tables -------------------------------------------------------------------------------------------------------------


class TableBlocks(NamedTuple):
    """What the rows of a table are, where they lie in blocks: what a file tells of itself."""

    name: str
    rows: int
    schema: Any
    notes: tuple[str, ...] = ()


def table_pass(backend: Backend, raw: RawBlocks, *, task: str = "auto", standardise: bool = True) -> StreamedTable:
    """How the columns of a table in blocks are read and encoded, and its target: chosen as for a file.

    Raises DataError where blocks have other columns or types than others, and for what cannot be a target.
    """
    sizes = [block.rows for block in raw.blocks if block.rows is not None]
    firsts = [number * BLOCK_ROWS for number in range(len(raw.blocks))]
    if len(sizes) == len(raw.blocks):
        firsts = with_ends(sizes).tolist()
    blocks = [
        RawBlock(block_with_place, (first, block.load, *block.arguments), block.rows)
        for first, block in zip(firsts, raw.blocks, strict=False)
    ]
    found: BlockSummary | None = backend.reduce(block_summary, joined_summaries, blocks)
    if found is None or not found.summary.rows:
        raise DataError(f"{raw.name} has no rows.")
    rows: Any = TableBlocks(raw.name, found.summary.rows, found.schema)
    return prepared_table(FirstPass(rows, found.summary, raw.target, Runs()), ReadingOptions(), task, standardise)


def block_with_place(first: int, load: Any, *arguments: Any) -> tuple[int, Table]:
    """A table, and the number of its first row in the whole."""
    return first, load(*arguments)


class BlockSummary(NamedTuple):
    """The summary of some blocks, and the types of their columns."""

    summary: Summary
    schema: Any


def block_summary(placed: tuple[int, Table]) -> BlockSummary | None:
    """The summary of a block; None for one without rows."""
    first, table = placed
    if not table.rows:
        return None
    return BlockSummary(limited(Summary.of(table, first)), table.data.schema)


def joined_summaries(a: BlockSummary | None, b: BlockSummary | None) -> BlockSummary | None:
    """The summary of two runs of blocks. Raises DataError where their columns differ."""
    if a is None or b is None:
        return b if a is None else a
    return BlockSummary(limited(a.summary.merge(b.summary)), a.schema)


def limited(summary: Summary) -> Summary:
    """The summary with smaller samples and fewer levels where there are many columns."""
    count = max(len(summary.columns), 1)
    limits = [max(MIN_SAMPLE, min(MAX_SAMPLE, size // count)) for size in (MAX_SAMPLES, MAX_LEVELS)]
    columns = {name: column.limited(*limits) for name, column in summary.columns.items()}
    return replace(summary, columns=columns)
