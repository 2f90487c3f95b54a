"""The confusion matrix as a picture: a row per true class, a column per predicted one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.plots.figure import add_colorbar, axes_for, distinct_names
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_ANNOTATED_CLASSES = 20  # above this, a confusion matrix shows no counts
MAX_NAME = 28  # characters of a class's name beside the matrix


def draw_confusion(counts: Array, names: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw the samples of each true class (row) by predicted class (column), coloured by fraction of the row.

    Raises ParameterError for names that are not one per class.
    """
    count = len(counts)
    labels = distinct_names([str(name) for name in names], MAX_NAME)
    if len(labels) != count:
        raise ParameterError(f"names has {len(labels)} entries, but there are {count} classes.")
    side, margin = min(max(3.6, 0.32 * count), 12.0), 0.08 * max(map(len, labels))  # inches
    ax = axes_for(ax, side + margin + 2.0, side + margin + 1.2)
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    add_colorbar(ax.imshow(fractions, cmap="cividis", vmin=0, vmax=1), ax, "fraction of the true class")
    for line, column in np.ndindex(counts.shape) if count <= MAX_ANNOTATED_CLASSES else ():
        if not counts[line, column]:
            continue  # so that the errors stand out
        colour = "black" if fractions[line, column] > 0.5 else "white"
        ax.text(column, line, f"{counts[line, column]:,}", ha="center", va="center", color=colour, fontsize=8)
    ax.set(xticks=range(count), yticks=range(count), xticklabels=labels, yticklabels=labels)
    if sum(map(len, labels)) + count > 10 * side:  # characters beside each other
        ax.tick_params(axis="x", labelrotation=90)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    ax.set(xlabel="predicted", ylabel="true", title=f"{accuracy:.2%} of {counts.sum():,} correct")
    return ax
