"""The learning curves of a run: training and validation cost by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassnet.errors import DataError
from glassnet.plots.figure import BLUE, GREY, ORANGE, axes_for
from glassnet.plots.subject import Estimator, history_of
from glassnet.program.parameters import Array
from glassnet.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_training(history: History | Estimator, ax: Axes | None = None) -> Axes:
    """Plot the training and validation cost of each epoch, and mark the epoch whose weights were restored.

    history : a History, as `train` returns it, or a fitted estimator

    Draws on `ax`, or on a new figure, and returns the axes. Raises DataError if no epoch has finished, and
    ParameterTypeError for anything but a History.
    """
    if hasattr(history, "plot_training"):  # an estimator, which knows the losses of earlier fits too
        axes: Axes = history.plot_training(ax)
        return axes
    history = history_of(history)
    if not len(history):
        raise DataError("history has no finished epoch; train for at least 1 epoch first.")
    ax = axes_for(ax, 6.4, 4.0)
    epochs = history["epoch"]
    marker = "o" if len(history) < 4 else None
    ax.plot(epochs, history["cost"], color=BLUE, marker=marker, label="training")
    validation = history["validation_cost"]
    if np.isfinite(validation).any():
        ax.plot(epochs, validation, color=ORANGE, linestyle="--", marker=marker, label="validation")
    _format_axes(ax, len(history), np.concatenate([history["cost"], validation[np.isfinite(validation)]]))
    if history.best_epoch:
        _mark_best(history.best_epoch, history.best_by, float(validation[history.best_epoch - 1]), ax)
    return ax


def _mark_best(epoch: int, reason: str, cost: float, ax: Axes) -> None:
    """Circle the best epoch and write its cost beside it, inside the axes."""
    ax.plot(epoch, cost, "o", color=ORANGE, markersize=8, fillstyle="none", markeredgewidth=2)
    x, y = ax.transAxes.inverted().transform(ax.transData.transform((epoch, cost)))
    ax.annotate(
        f"best {reason}\nepoch {epoch}, cost {cost:.3g}",
        (epoch, cost),
        xytext=(0, -14 if y > 0.8 else 14),
        textcoords="offset points",
        ha="right" if x > 0.65 else "left",  # a falling curve lies to the left, below
        va="top" if y > 0.8 else "bottom",
        color=GREY,
    )


def _format_axes(ax: Axes, epochs: int, costs: Array) -> None:
    """Set labels and scales; logarithmic if the costs span more than a factor of 20."""
    from matplotlib.ticker import MaxNLocator

    if costs.min() > 0 and costs.max() > 20 * costs.min():
        ax.set_yscale("log")
    elif costs.min() >= 0:
        ax.set_ylim(0, 1.08 * costs.max() or 1.0)
    ax.set(xlabel="epoch", ylabel="cost C (mean over samples)", title="Training curve")
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if epochs == 1:
        ax.set_xticks([1])
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
