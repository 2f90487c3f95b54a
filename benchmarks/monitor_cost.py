"""What the layer monitor of a run costs: the same training with and without it, in turn.

Processor time of one thread. Each training lasts about SECONDS, so that the monitor measures the layers several times.
"""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import Any

from benchmarks.contestants import network
from benchmarks.workloads import LEARNING_RATE, WORKLOADS, Workload

SECONDS = 3.0


def report(rounds: int) -> str:
    """A Markdown table: measurements per run, and the run's time over that of an unmonitored run."""
    heads = ["", "measurements", "share of the run's time", "with / without", "from", "to"]
    lines = [heads, ["---"] * len(heads)]
    for name, workload in WORKLOADS.items():
        count, share, factors = measure(workload, rounds)
        numbers = (statistics.median(factors), min(factors), max(factors))
        lines.append([name, f"{count:g}", f"{share:.1%}", *(f"{number:.3f}" for number in numbers)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def measure(workload: Workload, rounds: int) -> tuple[float, float, list[float]]:
    """Return the median number of measurements, their median share of the run's time, and each round's factor."""
    run = Run(workload)
    epochs, elapsed = 1, run(1, monitored=True)
    while elapsed < SECONDS / 4:
        epochs, elapsed = 2 * epochs, run(2 * epochs, monitored=True)
    epochs = max(1, round(epochs * SECONDS / elapsed))
    counts, shares, factors = [], [], []
    for number in range(rounds):
        seconds = {}
        for monitored in (True, False) if number % 2 else (False, True):
            seconds[monitored] = run(epochs, monitored=monitored)
            if monitored:
                counts.append(len(run.monitor.layers))
                shares.append(run.monitor.spent / run.net.history[-1].seconds)
        factors.append(seconds[True] / seconds[False])
    return statistics.median(counts), statistics.median(shares), factors


class NoMonitor:
    """Stands for the layer monitor of a run, and measures nothing."""

    def __init__(self, training: Any, always: bool = False) -> None:
        from glassnet.training.layer_measures import LayerHistory

        self.layers = LayerHistory()

    def measure_if_due(self) -> None:
        """No-op: the layers are not measured."""

    def is_due_within(self, seconds: float) -> bool:
        """No measurement ever comes."""
        return False


class Run:
    """Trains a workload's network and returns the processor seconds."""

    def __init__(self, workload: Workload) -> None:
        self.net, (x, y) = network(workload), workload.data()
        self.data: Any = (x.T, y.T)
        self.options: dict[str, Any] = {
            "batch_size": workload.batch,
            "optimizer": workload.optimizer,
            "lr": LEARNING_RATE,
        }

    def __call__(self, epochs: int, *, monitored: bool) -> float:
        """Train from the initial weights, with the layer monitor or without it."""
        from glassnet.training import fit

        original = fit.LayerMonitor
        self.net.initialize()
        self.net.runs = 0
        replacement = partial(self.create, original) if monitored else NoMonitor
        fit.LayerMonitor = replacement  # type: ignore[assignment, misc]
        try:
            started = time.process_time()
            self.net.train(*self.data, epochs=epochs, verbose=0, threads=1, **self.options)
            return time.process_time() - started
        finally:
            fit.LayerMonitor = original  # type: ignore[misc]

    def create(self, monitor_class: Any, *args: Any, **kwargs: Any) -> Any:
        """Create the monitor of a run and keep a reference to it."""
        self.monitor = monitor_class(*args, **kwargs)
        return self.monitor
