"""The reliability curve: how often what a model gives a probability really happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassnet.errors import DataError
from glassnet.plots.figure import BLUE, GREY, new_figure
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_BINS, ROWS_PER_BIN = 12, 20
Z = 1.96  # standard normal deviations of a 95 % interval


def draw_calibration(probabilities: Array, happened: Array, what: str = "", remark: str = "") -> Figure:
    """Plot the frequency of an event against its predicted probability, in groups of equally many samples.

    probabilities, happened : (n,) predicted probabilities, and whether the event happened
    what, remark : the event, such as "churn = yes", and where the samples are from

    The bars are 95 % intervals (Wilson): the curve of honest probabilities crosses nearly all of them on the diagonal.
    """
    if not len(probabilities):
        raise DataError("probabilities is empty; a reliability curve needs at least one sample.")
    figure = new_figure(5.2, 5.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    order = np.argsort(probabilities, kind="stable")
    groups = np.array_split(order, min(MAX_BINS, max(1, len(order) // ROWS_PER_BIN)))
    predicted = np.array([probabilities[rows].mean() for rows in groups])
    observed = np.array([happened[rows].mean() for rows in groups])
    low, high = wilson_interval(observed, np.array(list(map(len, groups))))
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfect calibration")
    upper.errorbar(
        predicted,
        observed,
        [np.maximum(observed - low, 0), np.maximum(high - observed, 0)],
        fmt="o-",
        color=BLUE,
        markersize=5,
        linewidth=1.2,
        capsize=2,
        label=f"{len(order):,} samples in groups of {len(groups[0]):,}",
    )
    _format(upper, lower, what, remark)
    lower.hist(probabilities, bins=np.linspace(0, 1, 41), color=BLUE, alpha=0.6)
    return figure


def wilson_interval(shares: Array, counts: Array) -> tuple[Array, Array]:
    """The 95 % interval of a probability of which a share of `counts` samples was seen (Wilson 1927)."""
    denominator = 1 + Z**2 / counts
    center = (shares + Z**2 / (2 * counts)) / denominator
    half = Z * np.sqrt(shares * (1 - shares) / counts + Z**2 / (4 * counts**2)) / denominator
    return center - half, center + half


def _format(upper: Axes, lower: Axes, what: str, remark: str) -> None:
    upper.set(ylabel="observed frequency", title=f"Calibration{f': {what}' if what else ''}")
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    upper.legend(frameon=False, loc="upper left")
    lower.set(xlabel=f"predicted probability{f' ({remark})' if remark else ''}", ylabel="samples")
    for ax in (upper, lower):
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
