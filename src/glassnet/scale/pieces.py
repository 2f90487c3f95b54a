"""How the blocks that a person passes become the blocks of the lanes: small ones are joined, and they are cut evenly.

It depends on the sizes, the lanes and the batch size only, so that every cluster trains on the same blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glassnet.batches.block_order import even_parts
from glassnet.errors import DataError, counted

FEW_BATCHES = 4  # that a block has at least
BLOCKS_PER_LANE = 16  # up to which small blocks are joined
JOINED_BYTES = 16 << 20  # beyond which they are not
MAX_IMBALANCE = 1.1  # rows of the fullest lane, to those of an even share


class Piece(NamedTuple):
    """The rows first .. last-1 of the block with this number."""

    block: int
    first: int
    last: int

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.last - self.first


class Pieces(NamedTuple):
    """The blocks of the lanes, each of consecutive pieces, how many lanes there are, and what was done."""

    blocks: list[list[Piece]]
    lanes: int
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """The rows of each block."""
        return tuple(sum(piece.rows for piece in block) for block in self.blocks)

    @property
    def names(self) -> tuple[str, ...]:
        """What messages call the blocks: by the numbers of those that were passed."""
        parts = Counter(piece.block for block in self.blocks for piece in block)
        return tuple(_name(block, parts[block[0].block] > 1) for block in self.blocks)

    @property
    def are_whole(self) -> bool:
        """Whether every block is one of the blocks that were passed, as it is."""
        numbers = [piece.block for block in self.blocks for piece in block]
        return all(len(block) == 1 for block in self.blocks) and len(set(numbers)) == len(numbers)


def dealt(sizes: Sequence[int], lanes: int, batch_size: int, row_bytes: int = 1) -> Pieces:
    """Join and cut blocks of these sizes, so that each lane has about as many rows. Raises DataError without rows."""
    total = sum(sizes)
    if not total:
        raise DataError("no block has a row; there is nothing to train on.")
    used = min(lanes, max(1, total // batch_size))
    joined = _joined(sizes, _least_rows(total, used, batch_size, row_bytes))
    parts = _parts_per_block([sum(piece.rows for piece in block) for block in joined], used)
    blocks = [part for block in joined for part in _cut(block, parts)]
    return Pieces(blocks, used, _notes(sizes, lanes, used, (len(joined), parts, batch_size)))


def whole_blocks(sizes: Sequence[int]) -> Pieces:
    """The blocks as they are, without empty ones: for validation."""
    return Pieces([[Piece(number, 0, size)] for number, size in enumerate(sizes) if size], 1)


def _least_rows(total: int, lanes: int, batch_size: int, row_bytes: int) -> int:
    """The fewest rows of a block that is not joined to the next."""
    share = min(total // (BLOCKS_PER_LANE * lanes), JOINED_BYTES // max(row_bytes, 1))
    return max(1, min(max(FEW_BATCHES * batch_size, share), total // lanes))


def _joined(sizes: Sequence[int], least: int) -> list[list[Piece]]:
    result: list[list[Piece]] = []
    rows = least
    for number, size in enumerate(sizes):
        if not size:
            continue
        if rows >= least:
            result.append([])
            rows = 0
        result[-1].append(Piece(number, 0, size))
        rows += size
    if rows < least and len(result) > 1:
        result[-2:] = [result[-2] + result[-1]]
    return result


def _parts_per_block(sizes: Sequence[int], lanes: int) -> int:
    """Into how many parts each block is cut, so that no lane has many more rows than another."""
    for parts in range(1, lanes):
        rows = np.concatenate([even_parts(size, parts) for size in sizes])
        fullest = max(int(rows[lane::lanes].sum()) for lane in range(lanes))
        if len(rows) >= lanes and rows.min() > 0 and fullest * lanes <= MAX_IMBALANCE * sum(sizes):
            return parts
    return lanes


def _cut(block: list[Piece], parts: int) -> list[list[Piece]]:
    """A block of pieces cut into so many nearly equal parts, without those that would have no row."""
    result = []
    for size in even_parts(sum(piece.rows for piece in block), parts):
        part = []
        while size:
            piece, *rest = block
            taken = min(size, piece.rows)
            part.append(Piece(piece.block, piece.first, piece.first + taken))
            block = [piece._replace(first=piece.first + taken), *rest] if taken < piece.rows else rest
            size -= taken
        if part:
            result.append(part)
    return result


def _name(block: list[Piece], is_cut: bool) -> str:
    first, last = block[0], block[-1]
    if len(block) > 1:
        return f"blocks {first.block} to {last.block}"
    return f"block {first.block}" + (f" (its rows {first.first:,} to {first.last - 1:,})" if is_cut else "")


def _notes(sizes: Sequence[int], lanes: int, used: int, cut: tuple[int, int, int]) -> tuple[str, ...]:
    joined, parts, batch_size = cut
    filled, notes = sum(size > 0 for size in sizes), []
    if filled < len(sizes):
        notes.append(f"{counted(len(sizes) - filled, 'empty block')} of {len(sizes)} left out")
    if joined < filled:
        notes.append(f"{counted(filled, 'small block')} joined into {joined}")
    if parts > 1:
        notes.append(f"{counted(joined, 'block')} cut into {parts} parts each, so that the lanes have equal shares")
    if used < lanes:
        rows = f"{counted(sum(sizes), 'row')} in batches of {batch_size}"
        notes.append(f"{counted(used, 'lane')} used instead of {lanes}, because there are {rows}")
    return tuple(notes)
