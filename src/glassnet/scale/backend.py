"""Where a run in lanes is computed: in this process, or on a cluster of Dask. Both answer the same calls alike.

A backend asks something of every block (`map`), joins what blocks answer (`reduce`), and gives the runner of the lanes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, Protocol, Self

from glassnet.batches.sources import Sources
from glassnet.scale.averaging import tree_mean
from glassnet.scale.block_tasks import (
    SAMPLES,
    BlockFacts,
    Encoding,
    assembled,
    block_facts,
    encoded_block,
    joined_rows,
    loaded_and_asked,
    sampled_blocks,
    spread_rows,
)
from glassnet.scale.blocks import RawBlock, RawBlocks
from glassnet.scale.lane_run import LaneData, Runner
from glassnet.scale.local import LocalRunner
from glassnet.scale.pieces import Pieces, dealt, whole_blocks

Question = Callable[[Any], Any]  # asked of a block that was read


class Dealing(NamedTuple):
    """How blocks are dealt: for so many lanes, in batches of so many samples, each of so many bytes."""

    lanes: int
    batch_size: int
    row_bytes: int

    def __call__(self, sizes: Sequence[int]) -> Pieces:
        """The blocks of the lanes."""
        return dealt(sizes, self.lanes, self.batch_size, self.row_bytes)


class Backend(Protocol):
    """Where blocks are read and lanes run; closed at the end, unless a runner was taken from it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> bool | None: ...

    def map(self, question: Question, blocks: Sequence[RawBlock], first: int = 0) -> list[Any]:
        """The answer of each block, in their order; `first` is the number of the first.

        Raises DataError that names a block that cannot be read.
        """

    def reduce(self, question: Question, join: Callable[[Any, Any], Any], blocks: Sequence[RawBlock]) -> Any:
        """The answers of all blocks, joined in their order by a tree whose shape depends on their number."""

    def runner(
        self,
        raw: RawBlocks,
        encoding: Encoding,
        dealing: Dealing,
        validation: RawBlocks | None = None,
        same_bits: bool = True,
    ) -> Runner:
        """What runs the lanes on these blocks; closing it closes the backend. Raises DataError that names a block."""


class LocalBackend(ExitStack):
    """This process: blocks are read into its memory."""

    def map(self, question: Question, blocks: Sequence[RawBlock], first: int = 0) -> list[Any]:
        """The answer of each block, in their order."""
        return [_asked(question, number, block) for number, block in enumerate(blocks, first)]

    def reduce(self, question: Question, join: Callable[[Any, Any], Any], blocks: Sequence[RawBlock]) -> Any:
        """The answers of all blocks, joined."""
        return tree_mean(len(blocks), lambda number: _asked(question, number, blocks[number]), join)

    def runner(
        self,
        raw: RawBlocks,
        encoding: Encoding,
        dealing: Dealing,
        validation: RawBlocks | None = None,
        same_bits: bool = True,
    ) -> LocalRunner:
        """The runner of this process, which always computes its own bits."""
        read = _encoded(raw, encoding)
        pieces = dealing([len(block.y) for block in read])
        blocks = [assembled(block, *[read[piece.block] for piece in block]) for block in pieces.blocks]
        others = [] if validation is None else _encoded(validation, encoding)
        others = [others[block[0].block] for block in whole_blocks([len(block.y) for block in others]).blocks]
        chosen = sampled_blocks(len(blocks))
        samples = joined_rows([spread_rows(blocks[number], SAMPLES // len(chosen)) for number in chosen])
        data = lane_data(pieces, list(map(block_facts, blocks)), list(map(block_facts, others)), samples)
        return LocalRunner(data, blocks, others)


def _asked(question: Question, number: int, block: RawBlock) -> Any:
    return loaded_and_asked(question, number, block.load, *computed(block.arguments))


def _encoded(raw: RawBlocks, encoding: Encoding) -> list[Sources]:
    return [
        encoded_block(encoding, number, block.load, *computed(block.arguments))
        for number, block in enumerate(raw.blocks)
    ]


def computed(arguments: Sequence[Any]) -> Sequence[Any]:
    """The arguments of a block, with what is a Delayed of Dask computed here."""
    if not any(hasattr(argument, "__dask_graph__") for argument in arguments):
        return arguments
    from dask.base import compute

    values: Sequence[Any] = compute(*arguments, scheduler="synchronous")
    return values


def lane_data(
    pieces: Pieces, facts: Sequence[BlockFacts], validation: Sequence[BlockFacts], samples: Sources
) -> LaneData:
    """What a run must know of its data."""
    digest = hashlib.sha256()
    for block in (*facts, *validation):
        digest.update(block.digest.encode())
    sizes = tuple(block.rows for block in facts), tuple(block.rows for block in validation)
    return LaneData(sizes[0], samples, digest.hexdigest(), pieces.lanes, sizes[1], pieces.notes, pieces.names)
