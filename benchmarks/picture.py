"""The bar chart of the comparison: each peer's time per training step divided by glassnet's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.comparison import OURS, Measurement, factors

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")  # Okabe and Ito's palette, safe for colour-blind readers


def draw(measurements: Sequence[Measurement], path: Path) -> None:
    """Draw one group of bars per workload, on a logarithmic scale; faster peers hang below the line at 1, glassnet."""
    from matplotlib import pyplot

    table = factors(measurements)
    peers = [name for name in dict.fromkeys(m.contestant for m in measurements) if name != OURS]
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    width = 0.8 / len(peers)
    for number, (peer, colour) in enumerate(zip(peers, COLOURS, strict=False)):
        positions = [group + (number - (len(peers) - 1) / 2) * width for group in range(len(table))]
        values = [ratios.get(peer, 1.0) for ratios in table.values()]
        bars = axes.bar(positions, [value - 1 for value in values], width, bottom=1, label=peer, color=colour)
        axes.bar_label(bars, [f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in values], fontsize=7)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.set_ylim(0.6)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks(range(len(table)), [name.replace(" ", "\n") for name in table], fontsize=7)
    axes.set_ylabel("time of a training step, glassnet = 1")
    axes.set_title("One thread each, processor time, whole epochs", fontsize=10)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
