"""Permutation importance as bars: how much worse the predictions become without what a column says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassnet.errors import DataError
from glassnet.plots.figure import BLUE, GREY, axes_for, distinct_names, wrapped
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_BARS = 25
MAX_NAME = 32  # characters
PLOT_WIDTH = 4.4  # inches between the names and the right edge, at least


def draw_importance(
    names: Sequence[str], importance: Array, deviation: Array, loss: str = "loss", ax: Axes | None = None
) -> Axes:
    """Plot the importance of the most important columns, with bars of one standard deviation.

    importance, deviation : (columns,) mean and deviation of the increase of the loss when a column is shuffled
    """
    if not len(names):
        raise DataError("names is empty; a picture of importance needs at least one column.")
    order = np.argsort(-importance, kind="stable")[:MAX_BARS][::-1]
    ax = axes_for(ax, 7.0, 1.3 + 0.27 * len(order))
    positions = np.arange(len(order))
    ax.barh(positions, importance[order], xerr=deviation[order], color=BLUE, ecolor=GREY, height=0.7)
    ax.set_yticks(positions, distinct_names([names[index] for index in order], MAX_NAME))
    ax.axvline(0, color=GREY, linewidth=0.8)
    left_out = f" (the {len(order)} most important of {len(names):,})" if len(names) > len(order) else ""
    ax.set(xlabel=wrapped(f"increase of the {loss} when the column is shuffled", PLOT_WIDTH, 10))
    ax.set_title(wrapped(f"Importance of the columns{left_out}", PLOT_WIDTH))
    ax.grid(alpha=0.3, axis="x")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
