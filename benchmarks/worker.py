"""A process that measures one contestant: it reads one task a line and answers with one line, until its input ends.

`python -m benchmarks.worker CONTESTANT THREADS`; the parent pins it to as many processors.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import contestants, drop_in, inference, limits
from benchmarks.workloads import find


class Worker:
    """Keeps what was prepared, so that a repetition measures nothing but itself."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self.threads = name, threads
        self.ready: dict[tuple[str, str, int], tuple[Callable[[], Any], float]] = {}

    def answer(self, task: dict[str, Any]) -> dict[str, Any]:
        """Processor and wall seconds of one unit: a step, a sample, a row."""
        if task["part"] == "limits":
            return {"step": limit(task["workload"])}
        key = (task["part"], task["workload"], task.get("rows", 0))
        if key not in self.ready:
            self.ready[key] = self.prepared(task)
        function, units = self.ready[key]
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        return {"cpu": (time.process_time() - cpu) / units, "wall": (time.perf_counter() - wall) / units}

    def prepared(self, task: dict[str, Any]) -> tuple[Callable[[], Any], float]:
        """A function that lasts about as long as asked, warmed up, and how many units it does."""
        if task["part"] == "estimators":
            return drop_in.prepared(self.name, task["workload"]), 1.0
        workload = find(task["workload"])
        if task["part"] == "training":
            epochs = contestants.CONTESTANTS[self.name](workload, self.threads)
            count = calls(epochs, task["seconds"])
            return lambda: epochs(count), count * (workload.samples // workload.batch)
        answer, m = inference.CONTESTANTS[self.name](workload), task["rows"]
        rows = np.random.default_rng(0).standard_normal((m, workload.layers[0]), np.float32)

        def many(count: int) -> None:
            for _ in range(count):
                answer(rows)

        count = calls(many, task["seconds"])
        return lambda: many(count), count * m


def calls(function: Callable[[int], Any], seconds: float) -> int:
    """The count with which the function lasts that long; found by doubling, which warms up as well."""
    function(1)
    count = 1
    while True:
        started = time.perf_counter()
        function(count)
        elapsed = time.perf_counter() - started
        if elapsed > seconds / 4:
            return max(1, round(count * seconds / elapsed))
        count *= 2


_limits: list[limits.Limits] = []


def limit(workload: str) -> float:
    """What a step cannot be faster than, or the whole products of a fit by themselves."""
    if workload in drop_in.WORKLOADS:
        return drop_in.operations_of(workload) * limits.product(workload.rsplit(", ", 1)[1])
    return measured_limits().step(find(workload))


def measured_limits() -> limits.Limits:
    """The machine's limits, measured once."""
    if not _limits:
        _limits.append(limits.measured())
    return _limits[0]


def main() -> None:
    """Answer until the input ends."""
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
