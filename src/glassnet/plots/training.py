"""Pictures of a run and of predictions, with Matplotlib, which is loaded when a picture is made.

Colours are of Okabe and Ito's set, which the colour-blind can tell apart; nothing is said by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError
from glassnet.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
OKABE_ITO = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")


def plot_training(history: History, ax: Axes | None = None) -> Axes:
    """The cost of each epoch, on the training and the validation data, with the epoch whose weights were kept.

    Draws on `ax`, or on a new figure, and returns the axes. Raises DataError where no epoch has finished.
    """
    if not len(history):
        raise DataError("history has no finished epoch; train for 1 epoch or more first.")
    ax = new_axes(6.4, 4.0) if ax is None else ax
    epochs = history["epoch"]
    marker = "o" if len(history) < 4 else None
    ax.plot(epochs, history["cost"], color=BLUE, marker=marker, label="training")
    held = history["validation_cost"]
    if np.isfinite(held).any():
        ax.plot(epochs, held, color=ORANGE, linestyle="--", marker=marker, label="held out")
    if history.best_epoch:
        best = held[history.best_epoch - 1]
        ax.plot(history.best_epoch, best, "o", color=ORANGE, markersize=8, fillstyle="none", markeredgewidth=2)
        ax.annotate(
            f"kept: epoch {history.best_epoch}\n{best:.3g}",
            (history.best_epoch, best),
            xytext=(0, 14),
            textcoords="offset points",
            ha="right" if history.best_epoch > 0.8 * len(history) else "center",
            color=GREY,
        )
    _axes_of_costs(ax, np.concatenate([history["cost"], held[np.isfinite(held)]]))
    return ax


def _axes_of_costs(ax: Axes, costs: Array) -> None:
    """Names and scales; logarithmic where the costs span more than a factor of 20."""
    from matplotlib.ticker import MaxNLocator

    if costs.min() > 0 and costs.max() > 20 * costs.min():
        ax.set_yscale("log")
    elif costs.min() >= 0:
        ax.set_ylim(bottom=0)
    ax.set(xlabel="epoch", ylabel="cost C (mean over samples)", title="Cost while training")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)


def plot_samples(
    images: Array,
    predicted: Sequence[int] | Array,
    true: Sequence[int] | Array,
    names: Sequence[str] | None = None,
    count: int = 32,
    columns: int = 8,
) -> Figure:
    """Images with the predicted class under each; mistakes come first, framed and marked ✗ with the true class.

    images (n, rows, columns); predicted and true are class numbers (n,). Half of the pictures at most are mistakes.
    """
    predicted, true = np.asarray(predicted), np.asarray(true)
    if not len(images) == len(predicted) == len(true) or not len(images):
        raise DataError(f"images, predicted and true have {len(images)}, {len(predicted)} and {len(true)} entries.")
    words = [str(k) for k in range(int(max(predicted.max(), true.max())) + 1)] if names is None else list(names)
    wrong, right = np.flatnonzero(predicted != true), np.flatnonzero(predicted == true)
    shown = np.concatenate([wrong[: count // 2], right])[:count]
    lines = -(-len(shown) // columns)
    figure = _figure(1.15 * columns, 1.45 * lines + 0.6)
    for place, sample in enumerate(shown):
        ax = figure.add_subplot(lines, columns, place + 1)
        _draw_sample(ax, images[sample], words[predicted[sample]], words[true[sample]])
    figure.suptitle(f"{len(wrong):,} of {len(true):,} samples are mistaken; ✗ marks the mistakes shown", fontsize=11)
    return figure


def _draw_sample(ax: Axes, image: Array, predicted: str, true: str) -> None:
    """One image, its prediction, and a frame where it is wrong."""
    wrong = predicted != true
    ax.imshow(image, cmap="gray_r", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_xlabel(f"✗ {predicted}, is {true}" if wrong else predicted, color=ORANGE if wrong else "black", fontsize=10)
    for spine in ax.spines.values():
        spine.set(color=ORANGE if wrong else "#cccccc", linewidth=3 if wrong else 1)


def save_figure(drawn: Axes | Figure, path: Path) -> Path:
    """Write the figure as PNG, atomically, and return the path. Raises DataError where it cannot be written."""
    from glassnet.files.storage import atomic_file

    figure: Any = getattr(drawn, "figure", drawn)
    with atomic_file(path, DataError) as file:
        figure.savefig(file, format="png", dpi=120)
    return path


def new_axes(width: float, height: float) -> Axes:
    """The axes of a figure of its own; width and height in inches."""
    return _figure(width, height).add_subplot()


def _figure(width: float, height: float) -> Figure:
    """A figure of its own, which no global state keeps alive; in a notebook it shows itself."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
