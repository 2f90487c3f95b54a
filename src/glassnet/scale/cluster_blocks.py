"""The blocks of a run on a cluster: read, encoded, cut and joined by tasks, and kept on the workers.

The client holds none of the rows, only the numbers of them. A block that is lost with its worker is read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from glassnet.batches.sources import Sources
from glassnet.scale.block_tasks import (
    SAMPLES,
    BlockFacts,
    Encoding,
    assembled,
    block_facts,
    encoded_block,
    joined_rows,
    row_count,
    sampled_blocks,
    spread_rows,
)
from glassnet.scale.blocks import RawBlocks
from glassnet.scale.cluster import Cluster
from glassnet.scale.pieces import Pieces


class ClusterBlocks:
    """Blocks on a cluster; `deal` says how the blocks of a person become those of the lanes, from their sizes."""

    def __init__(self, cluster: Cluster, raw: RawBlocks, encoding: Encoding, deal: Any) -> None:
        self.cluster, self.raw, self.encoding = cluster, raw, encoding
        encoded, known = self._encoded(), [block.rows for block in raw.blocks]
        kept = cluster.send(encoded) if None in known else []  # until what is made of them has been asked for
        count = partial(cluster.task, row_count, "the rows of a block")
        self.pieces: Pieces = deal(cluster.results(lambda: list(map(count, kept))) if kept else known)
        self._futures = cluster.send(self._final(encoded))

    def _encoded(self) -> list[Any]:
        """The tasks that read and encode what a person passed."""
        return [
            self.cluster.task(partial(encoded_block, self.encoding, number, load), f"block {number}", *arguments)
            for number, (load, arguments, _) in enumerate(self.raw.blocks)
        ]

    def _final(self, encoded: Sequence[Any]) -> list[Any]:
        """The tasks whose results are the blocks of the lanes."""
        if self.pieces.are_whole:
            return [encoded[block[0].block] for block in self.pieces.blocks]
        return [
            self.cluster.task(partial(assembled, block), name, *[encoded[piece.block] for piece in block])
            for name, block in zip(self.pieces.names, self.pieces.blocks, strict=True)
        ]

    def futures(self) -> list[Any]:
        """The blocks; those whose tasks have failed are sent again."""
        failed = [number for number, future in enumerate(self._futures) if future.status not in ("pending", "finished")]
        if failed:
            tasks = self._final(self._encoded())
            for number, future in zip(failed, self.cluster.send([tasks[number] for number in failed]), strict=True):
                self._futures[number] = future
        return self._futures

    def facts(self) -> list[BlockFacts]:
        """What the run must know of each block. Raises DataError that names the first block that cannot be used."""
        ask = partial(self.cluster.task, block_facts, "the facts of a block")
        facts: list[BlockFacts] = self.cluster.results(lambda: [ask(block) for block in self.futures()])
        return facts

    def samples(self) -> Sources:
        """Some rows that stand for all of them."""
        chosen = sampled_blocks(len(self._futures))
        take = partial(spread_rows, count=SAMPLES // len(chosen))

        def build() -> list[Any]:
            futures = self.futures()
            return [self.cluster.task(take, "some rows", futures[block]) for block in chosen]

        return joined_rows(self.cluster.results(build))

    def release(self) -> None:
        """Let the workers free the blocks."""
        self._futures = []
