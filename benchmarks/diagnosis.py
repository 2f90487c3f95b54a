"""What the numbers of the layers cost that every run keeps: the same training with and without, in turn.

Processor time of one thread, each training as long as is asked, so that it is looked at several times.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.contestants import network
from benchmarks.worker import calls
from benchmarks.workloads import RATE, WORKLOADS, Workload

SECONDS = 3.0


def report(rounds: int) -> str:
    """A Markdown table: looks in a run, and its time over that of a run without them, the median and the extremes."""
    lines = [["", "looks", "with / without", "from", "to"], ["---"] * 5]
    for name, workload in WORKLOADS.items():
        looks, factors = measured(workload, rounds)
        numbers = (statistics.median(factors), min(factors), max(factors))
        lines.append([name, f"{looks:g}", *(f"{number:.3f}" for number in numbers)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def measured(workload: Workload, rounds: int) -> tuple[float, list[float]]:
    """How many looks there were, in the middle, and the factor of each round."""
    run = Run(workload)
    count = calls(lambda epochs: run(epochs, watched=True), SECONDS)
    looks, factors = [], []
    for number in range(rounds):
        seconds = {}
        for watched in (True, False) if number % 2 else (False, True):
            seconds[watched] = run(count, watched=watched)
            if watched:
                looks.append(len(run.net.history.layers))
        factors.append(seconds[True] / seconds[False])
    return statistics.median(looks), factors


class Run:
    """Trains a workload's network; answers with processor seconds."""

    def __init__(self, workload: Workload) -> None:
        self.net, (x, y) = network(workload), workload.data()
        self.data: Any = (x.T, y.T)
        self.words: dict[str, Any] = {"batch_size": workload.batch, "optimizer": workload.optimizer, "lr": RATE}

    def __call__(self, epochs: int, *, watched: bool) -> float:
        """Train for some epochs, from the first weights."""
        from glassnet import fitting

        kept = fitting.Watch
        self.net.initialize()
        self.net.runs = 0
        if not watched:
            fitting.Watch = lambda training: None  # type: ignore[assignment, misc]
        try:
            started = time.process_time()
            self.net.train(*self.data, epochs=epochs, verbose=0, threads=1, **self.words)
            return time.process_time() - started
        finally:
            fitting.Watch = kept  # type: ignore[misc]
