"""How the time of a step grows with batch, width and depth, against the limits of the machine; docs/growth.png."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import Process
from benchmarks.workloads import GROWTH


class Point(NamedTuple):
    """A size, the median seconds of a step, and the limit."""

    size: int
    seconds: float
    limit: float


def measured(rounds: int, seconds: float) -> dict[str, list[Point]]:
    """The three curves; every network is measured in turn, several rounds."""
    process = Process("glassnet", 1)
    try:
        return {
            curve: [point(process, size, name, rounds, seconds) for size, name in sizes] for curve, sizes in names()
        }
    finally:
        process.close()


def names() -> list[tuple[str, list[tuple[int, str]]]]:
    """For batch, width and depth the sizes and the names of their workloads."""
    curves: dict[str, list[tuple[int, str]]] = {}
    for name in GROWTH:
        curve, size = name.split()
        curves.setdefault(curve, []).append((int(size), name))
    return list(curves.items())


def point(process: Process, size: int, name: str, rounds: int, seconds: float) -> Point:
    """One network's time and limit."""
    print(f"growth: {name}", file=sys.stderr, flush=True)
    times = [process.ask(part="training", workload=name, seconds=seconds)["cpu"] for _ in range(rounds)]
    return Point(size, statistics.median(times), process.ask(part="limits", workload=name)["step"])


def text(curves: dict[str, list[Point]]) -> str:
    """A table of all points."""
    lines = ["| network | µs a step | glassnet / limit |", "| --- | --- | --- |"]
    for curve, points in curves.items():
        for one in points:
            lines.append(f"| {curve} {one.size} | {one.seconds * 1e6:,.3g} | {one.seconds / one.limit:.2f} |")
    return "\n".join(lines)


def draw(curves: dict[str, Sequence[Point]], path: Path) -> None:
    """Three panels: measured times and limits, both axes logarithmic."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(curves), figsize=(10, 3.4), layout="constrained")
    for axes, (curve, points) in zip(panels, curves.items(), strict=True):
        sizes = [one.size for one in points]
        axes.loglog(sizes, [one.seconds * 1e6 for one in points], "o-", color="#0072b2", label="glassnet")
        axes.loglog(sizes, [one.limit * 1e6 for one in points], "--", color="#e69f00", label="limit")
        axes.set_xlabel(curve)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("µs a step")
    panels[0].legend(frameon=False)
    figure.savefig(path, dpi=150)
