"""Growth of the time per step with batch size, width and depth, compared with the machine's limits: docs/growth.png."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import Process
from benchmarks.workloads import GROWTH


class Point(NamedTuple):
    """A size, the median seconds per step, and the limit."""

    size: int
    seconds: float
    limit: float


def measure(rounds: int, seconds: float) -> dict[str, list[Point]]:
    """Measure the three curves; each point is the median of several rounds."""
    process = Process("glassnet", 1)
    try:
        return {
            curve: [measure_point(process, size, name, rounds, seconds) for size, name in sizes]
            for curve, sizes in curve_workloads()
        }
    finally:
        process.close()


def curve_workloads() -> list[tuple[str, list[tuple[int, str]]]]:
    """The curves "batch", "width" and "depth", each with its sizes and the names of their workloads."""
    curves: dict[str, list[tuple[int, str]]] = {}
    for name in GROWTH:
        curve, size = name.split()
        curves.setdefault(curve, []).append((int(size), name))
    return list(curves.items())


def measure_point(process: Process, size: int, name: str, rounds: int, seconds: float) -> Point:
    """Measure one network and its limit."""
    print(f"growth: {name}", file=sys.stderr, flush=True)
    times = [process.ask(part="training", workload=name, seconds=seconds)["cpu"] for _ in range(rounds)]
    return Point(size, statistics.median(times), process.ask(part="limits", workload=name)["step"])


def table(curves: dict[str, list[Point]]) -> str:
    """A Markdown table of all points."""
    lines = ["| network | µs per step | glassnet / limit |", "| --- | --- | --- |"]
    for curve, points in curves.items():
        for point in points:
            lines.append(f"| {curve} {point.size} | {point.seconds * 1e6:,.3g} | {point.seconds / point.limit:.2f} |")
    return "\n".join(lines)


def draw(curves: dict[str, Sequence[Point]], path: Path) -> None:
    """Draw one panel per curve: measured times and limits on logarithmic axes."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(curves), figsize=(10, 3.4), layout="constrained")
    for axes, (curve, points) in zip(panels, curves.items(), strict=True):
        sizes = [point.size for point in points]
        axes.loglog(sizes, [point.seconds * 1e6 for point in points], "o-", color="#0072b2", label="glassnet")
        axes.loglog(sizes, [point.limit * 1e6 for point in points], "--", color="#e69f00", label="limit")
        axes.set_xlabel(curve)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("µs per step")
    panels[0].legend(frameon=False)
    figure.savefig(path, dpi=150)
