"""Side-by-side comparison: the contestants measure a workload in turn for several rounds; medians are compared."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.processes import Process

OURS = "glassnet"


class Measurement(NamedTuple):
    """Median seconds per training step, sample or fit of one contestant on one workload."""

    part: str
    workload: str
    contestant: str
    threads: int
    cpu: float
    wall: float
    limit: float  # 0 where none is known

    @property
    def seconds(self) -> float:
        """Processor time for one thread, wall time for several."""
        return self.cpu if self.threads == 1 else self.wall


def compare(
    processes: Sequence[Process], part: str, workloads: Sequence[str], rounds: int, **task: Any
) -> list[Measurement]:
    """Measure every contestant on every workload; report and skip a contestant that is not installed."""
    measurements = []
    for workload in workloads:
        print(f"{part}, {processes[0].threads} thread(s): {workload}", file=sys.stderr, flush=True)
        times: dict[str, list[dict[str, float]]] = {process.name: [] for process in processes}
        for _ in range(rounds):
            for process in processes:
                answer = process.ask(part=part, workload=workload, **task)
                if "missing" in answer:
                    print(f"{process.name} is skipped: {answer['missing']}", file=sys.stderr)
                else:
                    times[process.name].append(answer)
        has_limit = part in ("training", "estimators")
        limit = processes[0].ask(part="limits", workload=workload)["step"] if has_limit else 0.0
        for name, answers in times.items():
            if answers:
                cpu, wall = (statistics.median(answer[clock] for answer in answers) for clock in ("cpu", "wall"))
                own_limit = limit if name == OURS and processes[0].threads == 1 else 0.0
                measurements.append(Measurement(part, workload, name, processes[0].threads, cpu, wall, own_limit))
    return measurements


def factors(measurements: Sequence[Measurement]) -> dict[str, dict[str, float]]:
    """For each workload, each contestant's time divided by glassnet's."""
    by_workload: dict[str, dict[str, float]] = {}
    for m in measurements:
        (ours,) = (other for other in measurements if other.workload == m.workload and other.contestant == OURS)
        by_workload.setdefault(m.workload, {})[m.contestant] = m.seconds / ours.seconds
    return by_workload


def table(measurements: Sequence[Measurement]) -> str:
    """A Markdown table: microseconds of each contestant, the best peer's factor, and glassnet's time over its limit."""
    names = list(dict.fromkeys(m.contestant for m in measurements))
    has_limit = any(m.limit for m in measurements)
    heads = ["µs", *names, "best peer / glassnet", *(["glassnet / limit"] if has_limit else [])]
    lines = [heads, ["---"] * len(heads)]
    for workload, ratios in factors(measurements).items():
        by_name = {m.contestant: m for m in measurements if m.workload == workload}
        peers = [factor for name, factor in ratios.items() if name != OURS]
        lines.append(
            [
                workload,
                *(f"{by_name[name].seconds * 1e6:,.3g}" if name in by_name else "-" for name in names),
                f"{min(peers):.2f}" if peers else "-",
                *([f"{by_name[OURS].seconds / by_name[OURS].limit:.2f}"] if has_limit else []),
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
