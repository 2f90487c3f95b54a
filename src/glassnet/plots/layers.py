"""Pictures of a run's layers: how large the errors and gradients are in each, and which gates are shut.

The scales are fixed, so that two pictures can be laid side by side. What is drawn is `history.layers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassnet.errors import DataError, ParameterError
from glassnet.plots.training import OKABE_ITO, new_axes
from glassnet.program.parameters import Array
from glassnet.training.history import History
from glassnet.training.layer_measures import LayerHistory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST, MOST = 1e-8, 1e1  # of the colours; below LEAST they go evenly to 0
TITLES = {"delta": "error δ (root mean square)", "gradient": "gradient ‖dW‖", "update": "‖change of W‖ / ‖W‖ of a step"}
STYLES = ("-", "--", ":", "-.")


def plot_layers(history: History, quantity: str = "delta", ax: Axes | None = None) -> Axes:
    """How large a quantity was in each layer over the run, on a fixed symmetric-log scale of colours.

    quantity : "delta", "gradient" or "update"
    """
    from matplotlib.colors import SymLogNorm

    if quantity not in TITLES:
        raise ParameterError(f"quantity is {quantity!r}; it must be one of {', '.join(TITLES)}.")
    layers = _looks(history)
    ax = new_axes(6.4, 3.4) if ax is None else ax
    values = layers[quantity].T
    norm = SymLogNorm(LEAST, vmin=0, vmax=MOST, base=10)
    mesh = ax.pcolormesh(_edges(layers.step), np.arange(len(values) + 1) + 0.5, values, norm=norm, cmap="viridis")
    assert ax.figure is not None
    bar = ax.figure.colorbar(mesh, ax=ax, ticks=[0, *10.0 ** np.arange(-8, 1, 2)])
    bar.ax.minorticks_off()
    ax.set(xlabel="step", ylabel="layer", title=f"{TITLES[quantity]} by layer")
    ax.set_yticks(np.arange(1, len(values) + 1))
    ax.invert_yaxis()
    return ax


def plot_saturation(history: History, ax: Axes | None = None) -> Axes:
    """The share of outputs whose gate σ'(z) is shut, and of dead units (crosses), in each layer over the run."""
    layers = _looks(history)
    ax = new_axes(6.4, 4.0) if ax is None else ax
    for number, (shut, gone) in enumerate(zip(layers["saturated"].T, layers["dead"].T, strict=True)):
        colour, style = OKABE_ITO[number % len(OKABE_ITO)], STYLES[number % len(STYLES)]
        marker = "o" if len(layers) < 4 else None
        ax.plot(layers.step, shut, color=colour, linestyle=style, marker=marker, label=f"layer {number + 1}")
        if gone.any():
            ax.plot(layers.step, gone, "x", color=colour, markersize=5, label=f"layer {number + 1}, dead")
    ax.set(ylim=(-0.02, 1.02), xlabel="step", ylabel="share", title="Outputs whose gate is shut (× dead units)")
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def _looks(history: History) -> LayerHistory:
    """The looks of a run. Raises DataError where it was too short for one."""
    if not len(history.layers):
        raise DataError(
            "history.layers is empty: a run of a second or less has no time for a look at its layers; "
            "train longer, or with record='run.glassrec', which looks after every epoch."
        )
    return history.layers


def _edges(steps: Array) -> Array:
    """Where the colour of one look ends and that of the next begins."""
    if len(steps) == 1:
        return np.array([0.0, 2.0 * steps[0] + 1])
    middle = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[2 * steps[0] - middle[0]], middle, [2 * steps[-1] - middle[-1]]])
