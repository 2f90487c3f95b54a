"""What is done with one block where it lies, on this machine or on a worker: encode it, cut it, join it, measure it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.data.released_memory import release_memory
from glassnet.data.table import Table
from glassnet.errors import GlassnetError
from glassnet.files.run_description import data_hash
from glassnet.scale.block_loading import Rows, loaded_block, named, rows_of
from glassnet.scale.pieces import Piece

Encoding = Callable[..., Sources]  # of a Table, or of x, y and weights

SAMPLED_BLOCKS, SAMPLES = 4, 256  # from which, and how many, samples stand for all of them


class BlockFacts(NamedTuple):
    """The rows of a block, a hash of their numbers, and the bytes that they take."""

    rows: int
    digest: str
    nbytes: int = 0


def loaded_and_asked(question: Callable[[Any], Any], number: int, load: Callable[..., Any], *arguments: Any) -> Any:
    """What the block with this number answers; an error names it."""
    raw = loaded_block(number, load, arguments)
    try:
        return question(raw)
    except GlassnetError as error:
        raise named(error, number) from None


def encoded_block(encoding: Encoding, number: int, load: Callable[..., Any], *arguments: Any) -> Sources:
    """The block with this number as a network reads it; an error names it. An empty block has no rows of any width."""
    raw = loaded_block(number, load, arguments)
    if not rows_of(raw):
        return Sources(np.empty((0, 0)), np.empty(0))
    try:
        return encoding(*raw) if isinstance(raw, Rows) else encoding(raw)
    except (GlassnetError, ValueError) as error:  # a ValueError is scikit-learn's
        raise named(error, number) from None
    finally:
        if isinstance(raw, Table):  # what reading it took lies scattered, and would grow from block to block
            del raw
            release_memory()


def row_count(block: Sources) -> int:
    """The number of rows of an encoded block."""
    return len(block.y)


def block_facts(block: Sources) -> BlockFacts:
    """What the run must know of an encoded block."""
    arrays = [array for array in block if array is not None]
    return BlockFacts(len(block.y), data_hash(block), sum(array.nbytes for array in arrays))


def assembled(pieces: Sequence[Piece], *blocks: Sources) -> Sources:
    """A block of these pieces; `blocks` are those that they name, in the same order."""
    pairs = zip(pieces, blocks, strict=True)
    return joined_rows([block.part(slice(piece.first, piece.last)) for piece, block in pairs])


def spread_rows(block: Sources, count: int) -> Sources:
    """At most so many rows, evenly spread."""
    rows = np.unique(np.linspace(0, len(block.y) - 1, min(count, len(block.y))).astype(int))
    return block.part(rows)


def sampled_blocks(number: int) -> list[int]:
    """The blocks, of so many, whose rows stand for all of them."""
    return np.unique(np.linspace(0, number - 1, min(number, SAMPLED_BLOCKS)).astype(int)).tolist()


def joined_rows(parts: Sequence[Sources]) -> Sources:
    """The rows of all parts."""
    if len(parts) == 1:
        return parts[0]
    columns = zip(*parts, strict=True)
    return Sources(*(None if arrays[0] is None else np.concatenate(arrays) for arrays in columns))  # type: ignore[arg-type]
