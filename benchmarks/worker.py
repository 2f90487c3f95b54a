"""A process that measures one contestant: it reads one task per line and answers with one line, until its input ends.

`python -m benchmarks.worker CONTESTANT THREADS`; the parent pins it to as many processors.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from benchmarks import contestants, drop_in, inference, limits
from benchmarks.workloads import MIXED, find


class Worker:
    """Keeps the prepared tasks, so that a repetition measures nothing but the work itself."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self.threads = name, threads
        self.precision = MIXED if name in contestants.BFLOAT16 else "float32"
        self.prepared: dict[tuple[str, str, int], tuple[Callable[[], Any], float]] = {}

    def answer(self, task: dict[str, Any]) -> dict[str, Any]:
        """Processor and wall seconds per unit: a training step, a sample or a fit."""
        if task["part"] == "limits":
            return {"step": limit(task["workload"], self.precision)}
        key = (task["part"], task["workload"], task.get("rows", 0))
        if key not in self.prepared:
            self.prepared[key] = self.prepare(task)
        function, units = self.prepared[key]
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        return {"cpu": (time.process_time() - cpu) / units, "wall": (time.perf_counter() - wall) / units}

    def prepare(self, task: dict[str, Any]) -> tuple[Callable[[], Any], float]:
        """Return a function that runs for about task["seconds"], warmed up, and its number of units."""
        if task["part"] == "estimators":
            return drop_in.prepare(self.name, task["workload"]), 1.0
        workload = find(task["workload"])
        if task["part"] == "training":
            train = contestants.CONTESTANTS[self.name](workload, self.threads)
            epochs = repetitions(train, task["seconds"])
            return lambda: train(epochs), epochs * (workload.samples // workload.batch)
        predict, m = inference.CONTESTANTS[self.name](workload), task["rows"]
        x = np.random.default_rng(0).standard_normal((m, workload.layers[0]), np.float32)

        def predict_repeatedly(count: int) -> None:
            for _ in range(count):
                predict(x)

        count = repetitions(predict_repeatedly, task["seconds"])
        return lambda: predict_repeatedly(count), count * m


def repetitions(function: Callable[[int], Any], seconds: float) -> int:
    """The count for which function(count) takes about that many seconds, found by doubling, which also warms up."""
    function(1)
    count = 1
    while True:
        started = time.perf_counter()
        function(count)
        elapsed = time.perf_counter() - started
        if elapsed > seconds / 4:
            return max(1, round(count * seconds / elapsed))
        count *= 2


def limit(workload: str, precision: str) -> float:
    """The least possible seconds of a training step, or the seconds of a fit's matrix products only."""
    if workload in drop_in.WORKLOADS:
        return drop_in.fit_operations(workload) * limits.product(workload.rsplit(", ", 1)[1])
    return machine_limits(precision).step(find(workload))


@cache
def machine_limits(precision: str) -> limits.Limits:
    """The limits of this machine, measured once."""
    return limits.measure(precision)


def main() -> None:
    """Answer tasks until the input ends."""
    worker = Worker(sys.argv[1], int(sys.argv[2]))
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except ImportError as error:
            answer = {"missing": str(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
