"""Plots of the layers over a run: the size of errors, gradients and updates, and the fraction of saturated outputs.

They draw `history.layers`. The scales are fixed, so that two plots can be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError, ParameterError, percent
from glassnet.plots.figure import BLUE, OKABE_ITO, axes_for, refuse_axes
from glassnet.plots.subject import Estimator, history_of
from glassnet.program.parameters import Array
from glassnet.training.history import History
from glassnet.training.layer_measures import LayerHistory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOUR_MIN, COLOUR_MAX = 1e-8, 1e1  # the colour scale is logarithmic between them and linear below COLOUR_MIN
TITLES = {"delta": "error δ (root mean square)", "gradient": "gradient ‖dW‖", "update": "‖change of W‖ / ‖W‖ per step"}
MAX_WRITTEN = 8  # measurements, and layers, whose values are written into the cells
STYLES = ("-", "--", ":", "-.")


def plot_layers(history: History | Estimator, quantity: str = "delta", ax: Axes | None = None) -> Axes:
    """Plot the size of a quantity in each layer over the run, on a fixed symmetric-log colour scale.

    history : a History, as `train` returns it, or a fitted estimator
    quantity : "delta", "gradient" or "update"

    If there are few measurements, each number is written into its cell. A run that was too short for any is measured
    once, at its end.
    """
    from matplotlib.colors import SymLogNorm

    refuse_axes(quantity=quantity)
    if quantity not in TITLES:
        raise ParameterError(f"quantity is {quantity!r}; it must be one of {', '.join(TITLES)}.")
    layers = _layer_history(history)
    values = layers[quantity].T
    if quantity == "update" and not values.any():
        raise DataError("history has no update: its layers were measured after the run, without an optimiser.")
    ax = axes_for(ax, 6.4, 3.4)
    norm = SymLogNorm(COLOUR_MIN, vmin=0, vmax=COLOUR_MAX, base=10)
    mesh = ax.pcolormesh(_edges(layers.step), np.arange(len(values) + 1) + 0.5, values, norm=norm, cmap="viridis")
    assert ax.figure is not None
    bar = ax.figure.colorbar(mesh, ax=ax, ticks=[0, *10.0 ** np.arange(-8, 1, 2)])
    bar.ax.minorticks_off()
    ax.set(xlabel="step", ylabel="layer", title=f"{TITLES[quantity]} by layer")
    if len(layers) == 1:
        ax.set(xlabel=f"step\n({_only_once(layers)})", xticks=layers.step)
    if len(layers) <= MAX_WRITTEN and len(values) <= MAX_WRITTEN:
        _write_values(values, layers.step, norm, ax)
    ax.set_yticks(np.arange(1, len(values) + 1))
    ax.invert_yaxis()
    return ax


def _write_values(values: Array, steps: Array, norm: Any, ax: Axes) -> None:
    """Write each value into its cell, light on dark colours and dark on light ones."""
    for (line, column), value in np.ndenumerate(values):
        colour = "black" if norm(value) > 0.6 else "white"
        ax.text(float(steps[column]), line + 1, f"{value:.2g}", ha="center", va="center", color=colour, fontsize=9)


def _only_once(layers: LayerHistory) -> str:
    """Why there is a single measurement."""
    return f"measured once, after step {int(layers.step[0]):,}: the run was short"


def plot_saturation(history: History | Estimator, ax: Axes | None = None) -> Axes:
    """Plot the fractions of saturated outputs (σ'(z) ≈ 0) and of dead units (crosses) in each layer over the run."""
    layers = _layer_history(history)
    ax = axes_for(ax, 6.4, 4.0)
    ax.set(ylim=(-0.02, 1.06), ylabel="fraction", title="Saturated outputs (× dead units)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.3)
    if len(layers) == 1:
        _bars(layers, ax)
    else:
        _curves(layers, ax)
    return ax


def _bars(layers: LayerHistory, ax: Axes) -> None:
    """A bar per layer for a single measurement."""
    saturated, dead = layers["saturated"][0], layers["dead"][0]
    numbers = np.arange(1, len(saturated) + 1)
    ax.set_axisbelow(True)
    ax.bar_label(ax.bar(numbers, saturated, color=BLUE, width=0.6), fmt=percent, padding=2)
    ax.plot(numbers[dead > 0], dead[dead > 0], "x", color="black", markersize=7)
    ax.set(xlabel=f"layer\n({_only_once(layers)})", xticks=numbers)


def _curves(layers: LayerHistory, ax: Axes) -> None:
    """A curve per layer over the steps."""
    for number, (saturated, dead) in enumerate(zip(layers["saturated"].T, layers["dead"].T, strict=True)):
        colour, style = OKABE_ITO[number % len(OKABE_ITO)], STYLES[number % len(STYLES)]
        marker = "o" if len(layers) < 4 else None
        ax.plot(layers.step, saturated, color=colour, linestyle=style, marker=marker, label=f"layer {number + 1}")
        if dead.any():
            ax.plot(layers.step, dead, "x", color=colour, markersize=5, label=f"layer {number + 1}, dead")
    ax.set_xlabel("step")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _layer_history(given: Any) -> LayerHistory:
    """The measurements of a run. Raises ParameterTypeError or DataError where there are none."""
    layers = history_of(given).measured_layers
    if not len(layers):
        raise DataError(
            "history has no measurement of its layers: the run was too short for one and was loaded from a file or "
            "copied since, or its samples are very wide; train again, with record='run.glassrec' to measure each epoch."
        )
    return layers


def _edges(steps: Array) -> Array:
    """The boundaries between the colours of consecutive measurements."""
    if len(steps) == 1:
        return np.array([steps[0] - 1.0, steps[0] + 1.0])
    middle = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[2 * steps[0] - middle[0]], middle, [2 * steps[-1] - middle[-1]]])
