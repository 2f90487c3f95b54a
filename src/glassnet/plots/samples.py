"""Images of a data set with their predicted classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError
from glassnet.plots.figure import ORANGE, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]


def plot_samples(
    images: Array,
    predicted: Sequence[int] | Array,
    true: Sequence[int] | Array,
    names: Sequence[str] | None = None,
    count: int = 32,
    columns: int = 8,
) -> Figure:
    """Draw images with the predicted class below each; errors come first, framed and marked ✗, with the true class.

    images (n, rows, columns); predicted and true are class numbers (n,). At most half of the images are errors.
    """
    predicted, true = np.asarray(predicted), np.asarray(true)
    if not len(images) == len(predicted) == len(true) or not len(images):
        raise DataError(f"images, predicted and true have {len(images)}, {len(predicted)} and {len(true)} entries.")
    labels = [str(k) for k in range(int(max(predicted.max(), true.max())) + 1)] if names is None else list(names)
    wrong, right = np.flatnonzero(predicted != true), np.flatnonzero(predicted == true)
    chosen = np.concatenate([wrong[: count // 2], right])[:count]
    rows = -(-len(chosen) // columns)
    figure = new_figure(1.15 * columns, 1.45 * rows + 0.6)
    for index, sample in enumerate(chosen):
        ax = figure.add_subplot(rows, columns, index + 1)
        _draw_sample(ax, images[sample], labels[predicted[sample]], labels[true[sample]])
    figure.suptitle(f"{len(wrong):,} of {len(true):,} samples are misclassified; ✗ marks the errors shown", fontsize=11)
    return figure


def _draw_sample(ax: Axes, image: Array, predicted: str, true: str) -> None:
    """Draw one image and its prediction, framed if it is wrong."""
    wrong = predicted != true
    ax.imshow(image, cmap="gray_r", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_xlabel(f"✗ {predicted}, is {true}" if wrong else predicted, color=ORANGE if wrong else "black", fontsize=10)
    for spine in ax.spines.values():
        spine.set(color=ORANGE if wrong else "#cccccc", linewidth=3 if wrong else 1)
