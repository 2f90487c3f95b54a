"""The training curves of networks that are trained side by side: what each scores on the rows that it left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassnet.errors import DataError
from glassnet.plots.figure import OKABE_ITO, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_SPREAD = 20  # of losses, beyond which their axis is logarithmic
MAX_NAMED = 8  # networks in the legend


def draw_members(
    losses: Mapping[int, Sequence[float]], best: Mapping[int, int], name: str = "loss", ax: Axes | None = None
) -> Axes:
    """Plot a line per network over its epochs, with its best epoch circled.

    losses : of each epoch, by the number of the network
    best : the epoch (from 1) whose weights the network has, by its number
    name : of the losses
    """
    if not any(map(len, losses.values())):
        raise DataError("losses has no finished epoch; train for at least 1 epoch first.")
    ax = axes_for(ax, 6.4, 4.0)
    for position, (number, values) in enumerate(sorted(losses.items())):
        colour = OKABE_ITO[position % len(OKABE_ITO)]
        label = f"network {number}" if position < MAX_NAMED else None
        ax.plot(np.arange(1, len(values) + 1), values, color=colour, linewidth=1.3, label=label)
        if 1 <= best.get(number, 0) <= len(values):
            epoch = best[number]
            ax.plot(epoch, values[epoch - 1], "o", color=colour, markersize=8, fillstyle="none", markeredgewidth=2)
    everything = np.concatenate([np.asarray(values, float) for values in losses.values()])
    finite = everything[np.isfinite(everything)]
    if len(finite) and finite.min() > 0 and finite.max() > MAX_SPREAD * finite.min():
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel=f"{name}, rows left out", title="Training (circled: the epoch that is kept)")
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    if len(losses) > 1:
        ax.legend(frameon=False)
    return ax
