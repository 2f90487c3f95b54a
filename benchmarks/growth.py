"""Growth of the time per step with batch size, width and depth, compared with the machine's limits.

Powers of two, in both precisions, in docs/growth.png; every width and many batches, most of which fill neither vectors
nor tiles, in docs/sizes.png.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from benchmarks.comparison import markdown
from benchmarks.picture import COLOURS
from benchmarks.processes import Process
from benchmarks.workloads import find


class Point(NamedTuple):
    """A size, the median seconds per step, and the limit."""

    size: int
    seconds: float
    limit: float


Curves = dict[str, list[Point]]


def measure(contestants: Sequence[str], names: Iterable[str], rounds: int, seconds: float) -> dict[str, Curves]:
    """Each contestant's curves, of which the workloads are points: medians of rounds that measure all of them."""
    processes, names = [Process(contestant, 1) for contestant in contestants], list(names)
    times: dict[tuple[str, str], list[float]] = {(process.name, name): [] for process in processes for name in names}
    try:
        for number in range(rounds):
            for name in names:
                print(f"growth, round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
                for process in processes:
                    answer = process.ask(part="training", workload=name, seconds=seconds)
                    times[process.name, name].append(answer["cpu"])
        limits = {(p.name, name): p.ask(part="limits", workload=name)["step"] for p in processes for name in names}
    finally:
        for process in processes:
            process.close()
    curves: dict[str, Curves] = {contestant: {} for contestant in contestants}
    for (contestant, name), measured in times.items():
        curve, size = name.rsplit(" ", 1)
        point = Point(int(size), statistics.median(measured), limits[contestant, name])
        curves[contestant].setdefault(curve, []).append(point)
    return curves


def table(curves: Mapping[str, Curves]) -> str:
    """A Markdown table of all points of each contestant."""
    heads = ["network", *(head for name in curves for head in (f"{name}, µs per step", f"{name} / limit"))]
    lines = [heads, ["---"] * len(heads)]
    for curve in next(iter(curves.values())):
        for points in zip(*(of_contestant[curve] for of_contestant in curves.values()), strict=True):
            figures = [(f"{point.seconds * 1e6:,.3g}", f"{point.seconds / point.limit:.2f}") for point in points]
            lines.append([f"{curve} {points[0].size}", *chain(*figures)])
    return markdown(lines)


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


def draw(curves: Mapping[str, Curves], path: Path) -> None:
    """Draw one panel per curve: measured times and limits of each contestant on logarithmic axes."""
    from matplotlib import pyplot

    names = next(iter(curves.values()))
    figure, panels = pyplot.subplots(1, len(names), figsize=(10, 3.4), layout="constrained")
    for axes, curve in zip(panels, names, strict=True):
        for (contestant, of_contestant), colour in zip(curves.items(), COLOURS, strict=False):
            sizes, seconds, limits = zip(*of_contestant[curve], strict=True)
            axes.loglog(sizes, [1e6 * time for time in seconds], "o-", color=colour, markersize=4, label=contestant)
            axes.loglog(sizes, [1e6 * time for time in limits], "--", color=colour, label="its limit")
        axes.set_xlabel(curve)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("µs per step")
    panels[0].legend(frameon=False)
    figure.savefig(path, dpi=150)


def draw_ratios(curves: Curves, path: Path) -> None:
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
