"""Growth of the time per step with batch size, width and depth, compared with the machine's limits.

Powers of two in docs/growth.png; every width and many batches, most of which fill neither vectors nor tiles, in
docs/sizes.png.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import Process
from benchmarks.workloads import find


class Point(NamedTuple):
    """A size, the median seconds per step, and the limit."""

    size: int
    seconds: float
    limit: float


Curves = dict[str, list[Point]]


def measure(names: Iterable[str], rounds: int, seconds: float) -> Curves:
    """Measure the curves that workloads are points of; every round measures all of them, the result is the median."""
    process, times = Process("glassnet", 1), {name: [] for name in names}
    try:
        for number in range(rounds):
            for name, measured in times.items():
                print(f"growth, round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
                measured.append(process.ask(part="training", workload=name, seconds=seconds)["cpu"])
        limits = {name: process.ask(part="limits", workload=name)["step"] for name in times}
    finally:
        process.close()
    curves: Curves = {}
    for name, measured in times.items():
        curve, size = name.rsplit(" ", 1)
        curves.setdefault(curve, []).append(Point(int(size), statistics.median(measured), limits[name]))
    return curves


def table(curves: Curves) -> str:
    """A Markdown table of all points."""
    lines = ["| network | µs per step | glassnet / limit |", "| --- | --- | --- |"]
    for curve, points in curves.items():
        for point in points:
            lines.append(f"| {curve} {point.size} | {point.seconds * 1e6:,.3g} | {point.seconds / point.limit:.2f} |")
    return "\n".join(lines)


def outliers(curves: Curves) -> str:
    """For each curve, the size that stands out most: its ratio to the limit over the mean of its two neighbours'."""
    sentences = []
    for curve, points in curves.items():
        ratios = [point.seconds / point.limit for point in points]
        above = [2 * b / (a + c) - 1 for a, b, c in zip(ratios, ratios[1:], ratios[2:], strict=False)]
        worst = max(range(len(above)), key=above.__getitem__)
        size = points[worst + 1].size
        sentences.append(f'Of "{curve}", {size} stands out most: {above[worst]:.0%} above the mean of its neighbours.')
    return " ".join(sentences)


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


def draw_ratios(curves: dict[str, Sequence[Point]], path: Path) -> None:
    """Draw one panel per curve: measured time over the limit; the operations of a step, in millions, on top."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(curves), figsize=(10, 3.4), layout="constrained", sharey=True)
    for axes, (curve, points) in zip(panels, curves.items(), strict=True):
        sizes = [point.size for point in points]
        axes.plot(sizes, [point.seconds / point.limit for point in points], ".-", color="#0072b2")
        axes.axhline(1.0, color="#e69f00", linestyle="--")
        axes.set_xlabel(curve)
        axes.spines[["top", "right"]].set_visible(False)
        ticks = sizes[:: max(1, len(sizes) // 6)]
        top = axes.secondary_xaxis("top")
        top.set_xticks(ticks, [f"{find(f'{curve} {size}').flops / 1e6:.1f}" for size in ticks])
        top.set_xlabel("million operations per step")
    panels[0].set_ylim(0)
    panels[0].set_ylabel("time / limit")
    figure.savefig(path, dpi=150)
