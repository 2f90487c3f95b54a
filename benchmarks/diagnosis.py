"""What the numbers of the layers cost that every run keeps: the same training with and without, in turn.

Processor time of one thread, each training as long as is asked, so that it is looked at several times.
"""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import Any

from benchmarks.contestants import network
from benchmarks.workloads import RATE, WORKLOADS, Workload

SECONDS = 3.0


def report(rounds: int) -> str:
    """A Markdown table: looks in a run, and its time over that of a run without them, the median and the extremes."""
    lines = [["", "looks", "share by its own clock", "with / without", "from", "to"], ["---"] * 6]
    for name, workload in WORKLOADS.items():
        looks, share, factors = measured(workload, rounds)
        numbers = (statistics.median(factors), min(factors), max(factors))
        lines.append([name, f"{looks:g}", f"{share:.1%}", *(f"{number:.3f}" for number in numbers)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def measured(workload: Workload, rounds: int) -> tuple[float, float, list[float]]:
    """How many looks there were and their share of the run by its own clock, in the middle; each round's factor."""
    run = Run(workload)
    count, took = 1, run(1, watched=True)
    while took < SECONDS / 4:
        count, took = 2 * count, run(2 * count, watched=True)
    count = max(1, round(count * SECONDS / took))
    looks, shares, factors = [], [], []
    for number in range(rounds):
        seconds = {}
        for watched in (True, False) if number % 2 else (False, True):
            seconds[watched] = run(count, watched=watched)
            if watched:
                looks.append(len(run.watch.layers))
                shares.append(run.watch.spent / run.net.history[-1].seconds)
        factors.append(seconds[True] / seconds[False])
    return statistics.median(looks), statistics.median(shares), factors


class Run:
    """Trains a workload's network; answers with processor seconds."""

    def __init__(self, workload: Workload) -> None:
        self.net, (x, y) = network(workload), workload.data()
        self.data: Any = (x.T, y.T)
        self.words: dict[str, Any] = {"batch_size": workload.batch, "optimizer": workload.optimizer, "lr": RATE}

    def __call__(self, epochs: int, *, watched: bool) -> float:
        """Train for some epochs, from the first weights."""
        from glassnet.training import fit

        kept = fit.Watch
        self.net.initialize()
        self.net.runs = 0
        fit.Watch = partial(self.keep, kept) if watched else lambda *words, **more: None  # type: ignore[assignment, misc]
        try:
            started = time.process_time()
            self.net.train(*self.data, epochs=epochs, verbose=0, threads=1, **self.words)
            return time.process_time() - started
        finally:
            fit.Watch = kept  # type: ignore[misc]

    def keep(self, kind: Any, *words: Any, **more: Any) -> Any:
        """The watch of a run, remembered."""
        self.watch = kind(*words, **more)
        return self.watch
