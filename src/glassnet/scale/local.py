"""Runs the lanes of a round in this process, on as many threads as the machine has, each lane on one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from glassnet.batches.sources import Sources
from glassnet.engine.processors import available_threads
from glassnet.scale.averaging import mean_results, tree_mean
from glassnet.scale.lane_run import LaneData, Runner
from glassnet.scale.round import Arrays, LaneResult, LaneTask, lane_round
from glassnet.scale.scores import BlockScore, EvaluationTask, evaluate_block

T = TypeVar("T")
POLL_SECONDS = 0.05  # a library may keep Ctrl-C from waking a thread that waits without a timeout


class LocalRunner:
    """Blocks in the memory of this process. The results do not depend on the number of threads."""

    communication = None  # nothing is sent

    def __init__(self, data: LaneData, blocks: Sequence[Sources], validation: Sequence[Sources] = ()) -> None:
        self.data, self.blocks, self.validation = data, blocks, validation
        self.stopped, self.warnings = threading.Event(), list[str]()
        self.use_threads(None)

    def use_threads(self, threads: int | None) -> None:
        """From now on run at most so many lanes at a time; None for as many as this process may use processors."""
        self.threads = min(threads or available_threads(), available_threads())
        self.pool = ThreadPoolExecutor(self.threads, "glassnet-lane")  # begins no thread before there is work

    def round(self, tasks: Sequence[LaneTask | None], shared: Arrays) -> LaneResult:
        """The mean of all lanes. Each mean waits for two results that began before it, so that none waits for ever."""

        def start(lane: int) -> Future[LaneResult] | None:
            task = tasks[lane]
            if task is None:
                return None
            blocks = [self.blocks[block] for block in task.blocks]
            return self.pool.submit(lane_round, task, shared, blocks, self.stopped.is_set)

        def join(a: Future[LaneResult], b: Future[LaneResult]) -> Future[LaneResult]:
            return self.pool.submit(lambda: mean_results(a.result(), b.result()))

        return self._wait(lambda: tree_mean(len(tasks), start, join))

    def evaluate(self, tasks: Sequence[EvaluationTask], shared: Arrays) -> list[BlockScore]:
        """The score of each block."""

        def score(task: EvaluationTask) -> BlockScore:
            blocks = self.validation if task.is_validation else self.blocks
            return evaluate_block(task, shared, blocks[task.block])

        futures = [self.pool.submit(score, task) for task in tasks]
        return [self._wait(partial(lambda future: future, future)) for future in futures]

    def _wait(self, begin: Callable[[], Future[T]]) -> T:
        """What a future gives; Ctrl-C stops the lanes that run, and waits for them."""
        self.stopped.clear()
        try:
            future = begin()
            while not wait([future], POLL_SECONDS).done:
                pass
            return future.result()
        except BaseException:
            self.stopped.set()
            self.pool.shutdown(wait=True, cancel_futures=True)
            self.use_threads(self.threads)
            raise

    def close(self) -> None:
        """End the threads."""
        self.pool.shutdown(wait=True, cancel_futures=True)


def limit_threads(runner: Runner, threads: int | None) -> None:
    """Let a runner of this process use at most so many threads; a cluster has workers of its own."""
    if isinstance(runner, LocalRunner):
        runner.use_threads(threads)
