"""The picture of the comparison: how many times as long as glassnet each peer takes, workload by workload."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.comparison import OURS, Measured, factors

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")  # Okabe and Ito's, told apart by everyone


def draw(measured: Sequence[Measured], path: Path) -> None:
    """One group of bars a workload, on a logarithmic scale; the line at 1 is glassnet, faster peers hang below it."""
    from matplotlib import pyplot

    table = factors(measured)
    peers = [name for name in dict.fromkeys(one.contestant for one in measured) if name != OURS]
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    width = 0.8 / len(peers)
    for number, (peer, colour) in enumerate(zip(peers, COLOURS, strict=False)):
        places = [place + (number - (len(peers) - 1) / 2) * width for place in range(len(table))]
        values = [row.get(peer, 1.0) for row in table.values()]
        bars = axes.bar(places, [value - 1 for value in values], width, bottom=1, label=peer, color=colour)
        axes.bar_label(bars, [f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in values], fontsize=7)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.set_ylim(0.6)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks(range(len(table)), [name.replace(" ", "\n") for name in table], fontsize=7)
    axes.set_ylabel("time of a training step, glassnet = 1")
    axes.set_title("One thread against one thread, processor time, whole epochs", fontsize=10)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
