"""Runs the lanes of a round on a cluster of Dask: plain tasks, which Dask places, moves and runs again.

The graph of a round begins at the state that the client sends and at the blocks, which lie on the workers and can be
read again; so what a worker takes with it when it dies is at most the work of one round. Nothing is tied to a worker.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Self

from glassnet.errors import ClusterError
from glassnet.scale.averaging import mean_results, tree_mean
from glassnet.scale.backend import Dealing, Question, lane_data
from glassnet.scale.block_tasks import Encoding, loaded_and_asked
from glassnet.scale.blocks import RawBlock, RawBlocks
from glassnet.scale.cluster import Cluster
from glassnet.scale.cluster_blocks import ClusterBlocks
from glassnet.scale.lane_run import LaneData
from glassnet.scale.own_cluster import OwnCluster
from glassnet.scale.pieces import whole_blocks
from glassnet.scale.placement import FEW_WORKERS, sender
from glassnet.scale.round import Arrays, LaneResult, LaneTask
from glassnet.scale.round_times import RoundTimes
from glassnet.scale.scores import BlockScore, EvaluationTask
from glassnet.scale.worker_tasks import WorkerFacts, lane_on_worker, score_on_worker, shared_state, worker_facts


class DaskBackend:
    """A cluster: that of a client, or where it is None one that is started here and ends with the backend."""

    def __init__(self, client: Any, timeout: float) -> None:
        self.opened = ExitStack()
        if client is None:
            own = self.opened.enter_context(OwnCluster())
            self.cluster = Cluster(own.client, timeout, own.revive)
        else:
            self.cluster = Cluster(client, timeout)
        self.opened.callback(self.cluster.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self.opened.__exit__(*error)

    def map(self, question: Question, blocks: Sequence[RawBlock], first: int = 0) -> list[Any]:
        """The answer of each block, in their order."""
        return self.cluster.results(
            lambda: [self._asked(question, number, block) for number, block in enumerate(blocks, first)],
            [f"block {number}" for number in range(first, first + len(blocks))],
        )

    def reduce(self, question: Question, join: Callable[[Any, Any], Any], blocks: Sequence[RawBlock]) -> Any:
        """The answers of all blocks, joined on the workers."""

        def build() -> list[Any]:
            joined = partial(self.cluster.task, join, "what blocks have answered")
            return [tree_mean(len(blocks), lambda number: self._asked(question, number, blocks[number]), joined)]

        try:
            return self.cluster.results(build)[0]
        except ClusterError:
            self.map(question, blocks)  # names the block, where one cannot be read
            raise

    def _asked(self, question: Question, number: int, block: RawBlock) -> Any:
        return self.cluster.task(
            partial(loaded_and_asked, question, number, block.load), f"the reading of block {number}", *block.arguments
        )

    def runner(
        self,
        raw: RawBlocks,
        encoding: Encoding,
        dealing: Dealing,
        validation: RawBlocks | None = None,
        same_bits: bool = True,
    ) -> DaskRunner:
        """What runs the lanes on these blocks, and ends the cluster if it was started here."""
        blocks = ClusterBlocks(self.cluster, raw, encoding, dealing, dealing.lanes)
        facts = blocks.facts()
        others = None if validation is None else ClusterBlocks(self.cluster, validation, encoding, whole_blocks)
        data = lane_data(blocks.pieces, facts, [] if others is None else others.facts(), blocks.samples())
        expected = worker_facts() if same_bits else None
        return DaskRunner(self.cluster, data, (blocks, others), expected, self.opened.pop_all())


class DaskRunner:
    """The lanes of a run on a cluster; `expected` is what its workers must have in common, None for nothing."""

    def __init__(
        self,
        cluster: Cluster,
        data: LaneData,
        blocks: tuple[ClusterBlocks, ClusterBlocks | None],
        expected: WorkerFacts | None,
        at_end: ExitStack,
    ) -> None:
        self.cluster, self.data, (self.blocks, self.validation) = cluster, data, blocks
        self.expected, self.at_end = expected, at_end
        self.times, self.warnings = RoundTimes(), list[str]()

    @property
    def communication(self) -> float | None:
        """The share of the time of the rounds that was not spent on steps, as far as it is known."""
        return self.times.share

    def round(self, tasks: Sequence[LaneTask | None], shared: Arrays) -> LaneResult:
        """The mean of all lanes. Raises ClusterError where the cluster cannot go on."""
        started = time.perf_counter()

        def build() -> list[Any]:
            placement, blocks, names = self.cluster.placement, self.blocks.futures(), self.data.names
            placement.update()
            root, copies = self._states(shared)

            def start(lane: int) -> Any:
                task = tasks[lane]
                if task is None:
                    return None
                name = f"lane {lane} of a round, which reads {' and '.join(names[block] for block in task.blocks)},"
                lane_task = partial(lane_on_worker, task, self.expected)
                worker, read = placement.worker(lane, len(tasks)), [blocks[block] for block in task.blocks]
                return self.cluster.task(lane_task, name, copies.get(worker, root), *read, worker=worker)

            return [tree_mean(len(tasks), start, partial(self.cluster.task, mean_results, "a mean of lanes"))]

        result: LaneResult = self.cluster.results(build)[0]
        self._measure(tasks, result, time.perf_counter() - started)
        return result

    def evaluate(self, tasks: Sequence[EvaluationTask], shared: Arrays) -> list[BlockScore]:
        """The score of each block."""

        def build() -> list[Any]:
            root, blocks = self._states(shared)[0], self.blocks.futures()
            others = self.validation.futures() if self.validation is not None else []
            return [
                self.cluster.task(
                    partial(score_on_worker, task, self.expected),
                    "the score of a block",
                    root,
                    (others if task.is_validation else blocks)[task.block],
                )
                for task in tasks
            ]

        return self.cluster.results(build)

    def _states(self, shared: Arrays) -> tuple[Any, dict[str | None, Any]]:
        """The task that holds the state of the round, and for each of many workers one that gets it from another."""
        workers, copies = self.cluster.placement.workers, list[Any]()
        for number in range(max(len(workers), 1)):
            state = copies[sender(number)] if number else dict(shared)
            worker = workers[number] if len(workers) > 1 else None
            copies.append(self.cluster.task(shared_state, "the state of a round", state, worker=worker))
            if len(workers) <= FEW_WORKERS:
                return copies[0], {}
        return copies[0], dict(zip(workers, copies, strict=True))

    def _measure(self, tasks: Sequence[LaneTask | None], result: LaneResult, seconds: float) -> None:
        """Keep what a round took, and warn once where one process would be faster."""
        if result.failure:
            return
        lanes = [task for task in tasks if task is not None]
        self.times.add(seconds, result.seconds, len(lanes), len(self.cluster.placement.threads))
        steps = max(sum(part.stop - part.first for part in task.parts) for task in lanes)
        sentence = self.times.warning(lanes[0].recipe.epochs * lanes[0].batches_per_epoch / steps)
        if sentence:
            self._warn(sentence)

    def _warn(self, sentence: str) -> None:
        self.warnings.append(sentence)
        warnings.warn(sentence, RuntimeWarning, stacklevel=2)

    def close(self) -> None:
        """Let the cluster free the blocks, and end it where this run began it."""
        for blocks in (self.blocks, self.validation):
            if blocks is not None:
                blocks.release()
        self.at_end.close()
