"""Side by side: every contestant measures a workload in turn, several rounds, and medians are compared."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.processes import Process

OURS = "glassnet"


class Measured(NamedTuple):
    """The median seconds of a step, a sample or a row, of one contestant on one workload."""

    part: str
    workload: str
    contestant: str
    threads: int
    cpu: float
    wall: float
    limit: float  # 0 where none is known

    @property
    def seconds(self) -> float:
        """Processor time where one thread is measured, wall time where several are."""
        return self.cpu if self.threads == 1 else self.wall


def compared(
    processes: Sequence[Process], part: str, workloads: Sequence[str], rounds: int, **task: Any
) -> list[Measured]:
    """Every contestant on every workload; one that is not installed is named and left out."""
    found = []
    for workload in workloads:
        print(f"{part}, {processes[0].threads} thread(s): {workload}", file=sys.stderr, flush=True)
        times: dict[str, list[dict[str, float]]] = {process.name: [] for process in processes}
        for _ in range(rounds):
            for process in processes:
                answer = process.ask(part=part, workload=workload, **task)
                if "missing" in answer:
                    print(f"{process.name} is left out: {answer['missing']}", file=sys.stderr)
                else:
                    times[process.name].append(answer)
        limited = part in ("training", "estimators")
        limit = processes[0].ask(part="limits", workload=workload)["step"] if limited else 0.0
        for name, answers in times.items():
            if answers:
                cpu, wall = (statistics.median(answer[clock] for answer in answers) for clock in ("cpu", "wall"))
                ours = limit if name == OURS and processes[0].threads == 1 else 0.0
                found.append(Measured(part, workload, name, processes[0].threads, cpu, wall, ours))
    return found


def factors(measured: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """For each workload, how many times as long as glassnet each contestant takes."""
    table: dict[str, dict[str, float]] = {}
    for one in measured:
        (ours,) = (other for other in measured if other.workload == one.workload and other.contestant == OURS)
        table.setdefault(one.workload, {})[one.contestant] = one.seconds / ours.seconds
    return table


def text(measured: Sequence[Measured]) -> str:
    """A Markdown table: microseconds of each contestant, the best peer's factor, and ours against the limit."""
    names = list(dict.fromkeys(one.contestant for one in measured))
    limited = any(one.limit for one in measured)
    heads = ["µs", *names, "best peer / glassnet", *(["glassnet / limit"] if limited else [])]
    lines = [heads, ["---"] * len(heads)]
    for workload, row in factors(measured).items():
        mine = {one.contestant: one for one in measured if one.workload == workload}
        peers = [factor for name, factor in row.items() if name != OURS]
        lines.append(
            [
                workload,
                *(f"{mine[name].seconds * 1e6:,.3g}" if name in mine else "-" for name in names),
                f"{min(peers):.2f}" if peers else "-",
                *([f"{mine[OURS].seconds / mine[OURS].limit:.2f}"] if limited else []),
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
