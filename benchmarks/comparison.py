"""Side-by-side comparison: the contestants measure a workload in turn for several rounds; medians are compared."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.contestants import BFLOAT16, FLOAT32, OURS, OURS_IN_BOTH, OURS_MIXED
from benchmarks.processes import Process

NO_BFLOAT16 = "Nothing was measured in bfloat16: this processor has no instructions for it (AVX512_BF16)."


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
        has_limit = part in ("training", "estimators") and processes[0].threads == 1
        ours = [process for process in processes if has_limit and process.name in OURS_IN_BOTH]
        limits = {process.name: process.ask(part="limits", workload=workload)["step"] for process in ours}
        for name, answers in times.items():
            if answers:
                cpu, wall = (statistics.median(answer[clock] for answer in answers) for clock in ("cpu", "wall"))
                limit = limits.get(name, 0.0)
                measurements.append(Measurement(part, workload, name, processes[0].threads, cpu, wall, limit))
    return measurements


def factors(measurements: Sequence[Measurement]) -> dict[str, dict[str, float]]:
    """For each workload, each contestant's time divided by glassnet's."""
    by_workload: dict[str, dict[str, float]] = {}
    for m in measurements:
        (ours,) = (other for other in measurements if other.workload == m.workload and other.contestant == OURS)
        by_workload.setdefault(m.workload, {})[m.contestant] = m.seconds / ours.seconds
    return by_workload


def tables(measurements: Sequence[Measurement]) -> str:
    """The table of the float32 contestants, and that of mixed precision beside them."""
    return f"{table([m for m in measurements if m.contestant in FLOAT32])}\n\n{mixed_table(measurements)}"


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
                *(microseconds(by_name[name]) if name in by_name else "-" for name in names),
                f"{min(peers):.2f}" if peers else "-",
                *([f"{by_name[OURS].seconds / by_name[OURS].limit:.2f}"] if has_limit else []),
            ]
        )
    return markdown(lines)


def mixed_table(measurements: Sequence[Measurement]) -> str:
    """A Markdown table of both precisions with the fastest peer of each, or a sentence why there is none."""
    by_workload: dict[str, dict[str, Measurement]] = {}
    for m in measurements:
        by_workload.setdefault(m.workload, {})[m.contestant] = m
    if not any(OURS_MIXED in by_name for by_name in by_workload.values()):
        return NO_BFLOAT16
    limit = ["mixed / limit"] if any(m.limit for m in measurements) else []
    peers = ["fastest float32 peer", "fastest bfloat16 peer"]
    heads = ["µs", OURS, OURS_MIXED, *peers, "glassnet / mixed", "bfloat16 peer / mixed", *limit]
    lines = [heads, ["---"] * len(heads)]
    lines += [[workload, *mixed_cells(by_name)][: len(heads)] for workload, by_name in by_workload.items()]
    return markdown(lines)


def mixed_cells(by_name: Mapping[str, Measurement]) -> list[str]:
    """A line of that table without its first cell, for the measurements of one workload by contestant."""
    ours, mixed = by_name[OURS], by_name[OURS_MIXED]
    peers = [fastest_peer(by_name, precision) for precision in (FLOAT32, BFLOAT16)]
    names = [f"{peer.contestant} {microseconds(peer)}" if peer else "-" for peer in peers]
    ratios = [
        f"{ours.seconds / mixed.seconds:.2f}",
        f"{peers[1].seconds / mixed.seconds:.2f}" if peers[1] else "-",
        f"{mixed.seconds / mixed.limit:.2f}" if mixed.limit else "-",
    ]
    return [microseconds(ours), microseconds(mixed), *names, *ratios]


def fastest_peer(by_name: Mapping[str, Measurement], precision: Container[str]) -> Measurement | None:
    """The fastest contestant of a precision other than glassnet, or None if no such peer was measured."""
    peers = [m for name, m in by_name.items() if name in precision and name not in OURS_IN_BOTH]
    return min(peers, key=lambda peer: peer.seconds, default=None)


def microseconds(measurement: Measurement) -> str:
    """The time in a table."""
    return f"{measurement.seconds * 1e6:,.3g}"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells as a Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
