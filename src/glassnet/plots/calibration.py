"""The reliability curve: how often what a model gives a probability really happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError
from glassnet.plots.figure import BLUE, GREY, new_figure, wrapped
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_BINS, ROWS_PER_BIN = 12, 20
MAX_SPAN, WIDTH = 0.15, 0.1  # a group whose probabilities differ more is divided into bins of equal width
MIN_DISTANCE = 0.03  # between bars whose samples are counted separately
Z = 1.96  # standard normal deviations of a 95 % interval


def draw_calibration(probabilities: Array, happened: Array, what: str = "", remark: str = "") -> Figure:
    """Plot the frequency of an event against its predicted probability, in groups of similar probabilities.

    probabilities, happened : (n,) predicted probabilities, and whether the event happened
    what, remark : the event, such as "churn = yes", and where the samples are from

    The bars are 95 % intervals (Wilson): the curve of honest probabilities crosses nearly all of them on the diagonal.
    """
    if not len(probabilities):
        raise DataError("probabilities is empty; a reliability curve needs at least one sample.")
    figure = new_figure(5.2, 5.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    groups = _groups(probabilities)
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
        label=f"{len(probabilities):,} samples, counted above the bars",
    )
    _write_sizes(upper, predicted, high, [len(rows) for rows in groups])
    _format(upper, lower, what, remark)
    lower.hist(probabilities, bins=np.linspace(0, 1, 41), color=BLUE, alpha=0.6)
    return figure


def _groups(probabilities: Array) -> list[Array]:
    """Rows in groups of equally many, divided where low and high probabilities would become one point."""
    order = np.argsort(probabilities, kind="stable")
    groups: list[Array] = []
    for rows in np.array_split(order, min(MAX_BINS, max(1, len(order) // ROWS_PER_BIN))):
        values = probabilities[rows]
        edges = np.arange(WIDTH, 1, WIDTH) if np.ptp(values) > MAX_SPAN else ()
        groups += [part for part in np.split(rows, np.searchsorted(values, edges)) if len(part)]
    return groups


def _write_sizes(ax: Axes, x: Array, top: Array, sizes: list[int]) -> None:
    """The number of samples above each bar; their sum where bars stand too near to each other."""
    bars = np.split(np.arange(len(x)), np.flatnonzero(np.diff(x) > MIN_DISTANCE) + 1)
    for near in bars:
        position = float(x[near].mean()), min(float(top[near].max()), 1.0)
        count = f"{sum(sizes[bar] for bar in near):,}"
        options: dict[str, Any] = {"ha": "center", "va": "bottom", "color": GREY, "fontsize": 8}
        ax.annotate(count, position, xytext=(0, 2), textcoords="offset points", **options)


def wilson_interval(shares: Array, counts: Array) -> tuple[Array, Array]:
    """The 95 % interval of a probability of which a share of `counts` samples was seen (Wilson 1927)."""
    denominator = 1 + Z**2 / counts
    center = (shares + Z**2 / (2 * counts)) / denominator
    half = Z * np.sqrt(shares * (1 - shares) / counts + Z**2 / (4 * counts**2)) / denominator
    return center - half, center + half


def _format(upper: Axes, lower: Axes, what: str, remark: str) -> None:
    upper.set(ylabel="observed frequency", title=wrapped(f"Calibration{f': {what}' if what else ''}", 4.4))
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.07))
    upper.legend(frameon=False, loc="upper left")
    label = f"predicted probability{f' ({remark})' if remark else ''}"
    lower.set(xlabel=wrapped(label, 4.4, 10), ylabel="samples")
    for ax in (upper, lower):
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
