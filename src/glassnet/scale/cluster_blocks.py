"""The blocks of a run on a cluster: read, encoded, cut and joined by tasks, and kept on the workers.

The client holds none of the rows, only the numbers of them. A block that is lost with its worker is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class PersistedTasks:
    """Tasks whose results stay on the workers; `build` makes them anew where they have failed."""

    def __init__(
        self, cluster: Cluster, tasks: Sequence[Any], build: Callable[[], Sequence[Any]], names: Sequence[str]
    ) -> None:
        self.cluster, self.build, self.names = cluster, build, names
        self.sent = cluster.send(tasks)

    def futures(self) -> list[Any]:
        """The results. Those that have failed are sent again, one at a time: Dask blames all that lay on a worker."""
        failed = [number for number, future in enumerate(self.sent) if future.status not in ("pending", "finished")]
        for number in failed:  # or Dask answers at once with the old error of what they need
            self.sent[number].release()
        for number in failed:
            self.sent[number] = again = self.cluster.send([self.build()[number]])[0]
            self.cluster.results(partial(self._row_count, again), [self.names[number]])
        return self.sent

    def _row_count(self, block: Any) -> list[Any]:
        return [self.cluster.task(row_count, "the rows of a block", block)]


class ClusterBlocks:
    """Blocks on a cluster; `deal` says how the blocks of a person become those of the lanes, from their sizes.

    `lanes` is the number of lanes that was asked for, None where the blocks belong to no lane.
    """

    def __init__(
        self, cluster: Cluster, raw: RawBlocks, encoding: Encoding, deal: Any, lanes: int | None = None
    ) -> None:
        self.cluster, self.raw, self.encoding, self.lanes = cluster, raw, encoding, lanes
        cluster.placement.update()
        encoded, known = self._encoded(), [block.rows for block in raw.blocks]
        if None in known:  # what is read for its size is kept until the blocks of the lanes are made of it
            names = [f"block {number}" for number in range(len(known))]
            persisted = PersistedTasks(cluster, encoded, self._encoded, names)
            count = partial(cluster.task, row_count, "the rows of a block")
            known = cluster.results(lambda: list(map(count, persisted.futures())), names)
            encoded = persisted.futures()
        self.pieces: Pieces = deal(known)
        self.lanes = self.pieces.lanes if lanes is not None else None
        self.persisted = PersistedTasks(
            cluster, self._final(encoded), lambda: self._final(self._encoded()), self.pieces.names
        )

    def _encoded(self) -> list[Any]:
        """The tasks that read and encode what a person passed."""
        return [
            self.cluster.task(
                partial(encoded_block, self.encoding, number, load),
                f"block {number}",
                *arguments,
                worker=self._worker(number),
            )
            for number, (load, arguments, _) in enumerate(self.raw.blocks)
        ]

    def _worker(self, block: int) -> str | None:
        """The worker that computes the lane of a block; until it is known which block a lane has, a guess."""
        return None if self.lanes is None else self.cluster.placement.worker(block % self.lanes, self.lanes)

    def _final(self, encoded: Sequence[Any]) -> list[Any]:
        """The tasks whose results are the blocks of the lanes."""
        if self.pieces.are_whole:
            return [encoded[block[0].block] for block in self.pieces.blocks]
        return [
            self.cluster.task(
                partial(assembled, block),
                name,
                *[encoded[piece.block] for piece in block],
                worker=self._worker(number),
            )
            for number, (name, block) in enumerate(zip(self.pieces.names, self.pieces.blocks, strict=True))
        ]

    def futures(self) -> list[Any]:
        """The blocks; those whose tasks have failed are sent again."""
        return self.persisted.futures()

    def facts(self) -> list[BlockFacts]:
        """What the run must know of each block. Raises DataError that names the first block that cannot be used."""
        ask = partial(self.cluster.task, block_facts, "the facts of a block")
        facts: list[BlockFacts] = self.cluster.results(
            lambda: [ask(block) for block in self.futures()], self.pieces.names
        )
        return facts

    def samples(self) -> Sources:
        """Some rows that stand for all of them."""
        chosen = sampled_blocks(len(self.pieces.blocks))
        take = partial(spread_rows, count=SAMPLES // len(chosen))

        def build() -> list[Any]:
            futures = self.futures()
            return [self.cluster.task(take, "some rows", futures[block]) for block in chosen]

        return joined_rows(self.cluster.results(build))

    def release(self) -> None:
        """Let the workers free the blocks."""
        self.persisted.sent = []
