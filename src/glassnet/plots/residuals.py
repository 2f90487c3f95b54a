"""Predicted against true numbers, and the errors that are left: a regression model at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError
from glassnet.plots.figure import BLUE, GREY, ORANGE, new_figure, wrapped
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_POINTS = 1_000  # more are drawn as hexagons, dark where samples are many
OUTSIDE = 0.25  # percent of the samples at each end that may lie outside the axes


def draw_residuals(predicted: Array, true: Array, name: str = "y", remark: str = "") -> Figure:
    """Plot true over predicted numbers, and the residuals true − predicted with the middle 90 % of them marked.

    predicted, true : (n,) numbers in the same units
    name, remark : of the target, and where the samples are from
    """
    if not len(predicted):
        raise DataError("predicted is empty; a picture of residuals needs at least one sample.")
    figure = new_figure(9.2, 4.4)
    left, right = figure.subplots(1, 2)
    _draw_points(left, predicted, true)
    ends = [max(left.get_xlim()[0], left.get_ylim()[0]), min(left.get_xlim()[1], left.get_ylim()[1])]
    left.plot(ends, ends, color=ORANGE, linewidth=1.2)
    left.set(xlabel=f"predicted {name}", ylabel=f"true {name}", title=f"{len(true):,} samples")
    residuals = true - predicted
    _draw_points(right, predicted, residuals)
    right.axhline(0, color=ORANGE, linewidth=1.2)
    low, high = np.quantile(residuals, [0.05, 0.95])
    for edge in (low, high):
        right.axhline(edge, color=GREY, linestyle="--", linewidth=1)
    right.set(xlabel=f"predicted {name}", ylabel="true − predicted")
    right.set_title(wrapped(f"90 % of the errors are between {_amount(low)} and {_amount(high)}", 4.0, 10), fontsize=10)
    if remark:
        figure.suptitle(remark, fontsize=10, color=GREY)
    return figure


def _amount(value: float) -> str:
    """A number as a person writes it."""
    return (f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}").replace("-", "−")


def _draw_points(ax: Axes, x: Array, y: Array) -> None:
    """Draw a cloud of points, without the few that would squeeze all others into a corner."""
    inside = _inside(x) & _inside(y)
    x, y = x[inside], y[inside]
    style: dict[str, Any] = {"color": BLUE, "alpha": 0.4}
    if len(x) <= MAX_POINTS:
        ax.plot(x, y, "o", markersize=3, markeredgewidth=0, **style)
    else:
        ax.hexbin(x, y, gridsize=50, bins="log", cmap="Blues", mincnt=1, linewidths=0.1)
    ax.spines[["top", "right"]].set_visible(False)


def _inside(values: Array) -> Array:
    """Whether each value is in the range of most, extended by a quarter on both sides."""
    low, high = np.percentile(values, [OUTSIDE, 100 - OUTSIDE])
    margin = (high - low) / 4
    return (values >= low - margin) & (values <= high + margin)
