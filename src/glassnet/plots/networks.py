"""Pictures of a network: what it answers, its weights, its mistakes, and itself with weights and errors δ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.batches.sources import checked_sources
from glassnet.errors import DataError, ParameterError
from glassnet.plots.training import BLUE, GREY, OKABE_ITO, ORANGE, new_axes
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glassnet.network import NeuralNetwork

GRID = 300  # points along a side of a decision surface
MARKERS = "os^Dv<>PX*"
SHOWN = 12  # neurons of a layer that are drawn
DIVERGING = "PuOr"  # both ends can be told apart by the colour-blind
TABLE = 20  # classes up to which a confusion matrix has its counts written in


def plot_predictions(network: NeuralNetwork, x: Any, y: Any, ax: Axes | None = None) -> Axes:
    """The fitted curve over one input, or the decision surface over two, with the samples x, y.

    Raises DataError where the network has more inputs.
    """
    sources = checked_sources(network, x, y)
    inputs = network.architecture.inputs
    if inputs > 2:
        raise DataError(f"this network has {inputs} inputs; a curve can be drawn over 1, a surface over 2.")
    if inputs == 2:
        _check_one_group(network, "a surface")
    ax = new_axes(5.6, 4.4) if ax is None else ax
    if inputs == 1:
        _curve(network, sources.x[:, 0], sources.y, ax)
    else:
        _surface(network, sources.x, sources.y, ax)
    return ax


def _curve(network: NeuralNetwork, x: Array, y: Array, ax: Axes) -> None:
    """Every output over the input."""
    points = np.linspace(x.min(), x.max(), 400)
    targets = np.equal(y[:, np.newaxis], np.arange(network.architecture.outputs)) if y.ndim == 1 else y
    for number, (found, wanted) in enumerate(zip(network.predict(points[np.newaxis]), targets.T, strict=True)):
        colour = OKABE_ITO[number % len(OKABE_ITO)]
        ax.plot(x, wanted, MARKERS[number % len(MARKERS)], color=GREY, markersize=3, alpha=0.5, label=f"y{number}")
        ax.plot(points, found, color=colour, linewidth=2, label=f"network, output {number}")
    ax.set(xlabel="x0", ylabel="y", title="Fitted curve")
    ax.spines[["top", "right"]].set_visible(False)
    _legend_below(ax, 2)


def _surface(network: NeuralNetwork, x: Array, y: Array, ax: Axes) -> None:
    """The class of each place, or the value of the first output; samples by class as markers."""
    low, high = x.min(axis=0), x.max(axis=0)
    room = 0.08 * (high - low) + 1e-9
    sides = [np.linspace(*ends, GRID) for ends in zip(low - room, high + room, strict=True)]
    first, second = np.meshgrid(*sides)
    found = network.predict(np.stack([first.ravel(), second.ravel()]))
    if len(found) > 1:
        surface, levels = found.argmax(axis=0), np.arange(len(found) + 1) - 0.5
        shades = [OKABE_ITO[number % len(OKABE_ITO)] for number in range(len(found))]
        ax.contourf(first, second, surface.reshape(first.shape), levels, colors=shades, alpha=0.25)
        ax.contour(first, second, surface.reshape(first.shape), levels[1:-1], colors="black", linewidths=0.7)
    else:
        drawn = ax.contourf(first, second, found.reshape(first.shape), 20, cmap="cividis", alpha=0.8)
        assert ax.figure is not None
        ax.figure.colorbar(drawn, ax=ax, label="output")
        ax.contour(first, second, found.reshape(first.shape), [0.5], colors="white", linewidths=1.5)
    _samples(x, y, len(found), ax)
    ax.set(xlabel="x0", ylabel="x1", title="What the network answers")


def _samples(x: Array, y: Array, outputs: int, ax: Axes) -> None:
    """The samples, each class with a marker of its own."""
    targets = y if y.ndim == 1 else y.argmax(axis=1) if outputs > 1 else (y[:, 0] > 0.5).astype(int)
    for number in np.unique(targets):
        chosen = x[targets == number]
        colour = OKABE_ITO[int(number) % len(OKABE_ITO)]
        marker = MARKERS[int(number) % len(MARKERS)]
        ax.plot(*chosen.T, marker, color=colour, markeredgecolor="white", markersize=5, label=f"{int(number)}")
    _legend_below(ax, 8, "y")


def _legend_below(ax: Axes, columns: int, title: str | None = None) -> None:
    """The legend under the axes, where it hides no sample."""
    ax.legend(title=title, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=columns, frameon=False)


def plot_weights(network: NeuralNetwork, layer: int = 1, shape: tuple[int, int] | None = None, ax: Any = None) -> Axes:
    """The weights of a layer: an image for each of its first neurons where `shape` (rows, columns) of its inputs is
    given or they make a square of 8 × 8 or more, else the matrix W.
    """
    if not 1 <= layer <= len(network.weights):
        raise ParameterError(f"layer is {layer}; the network has layers 1 to {len(network.weights)}.")
    w = network.weights[layer - 1]
    side = int(np.sqrt(w.shape[1]))
    shape = (side, side) if shape is None and side * side == w.shape[1] and side >= 8 else shape
    if shape is not None and shape[0] * shape[1] != w.shape[1]:
        raise ParameterError(f"shape is {shape}, but layer {layer} has {w.shape[1]} inputs.")
    ax = new_axes(6.4, 5.0) if ax is None else ax
    picture = w if shape is None else _tiled(w[:40], shape)
    limit = float(np.nanmax(np.abs(picture))) or 1.0
    drawn = ax.imshow(
        picture,
        cmap=DIVERGING,
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
        aspect="auto" if shape is None else "equal",
    )
    ax.figure.colorbar(drawn, ax=ax, label="weight", shrink=1.0 if shape is None else 0.5)
    if shape is None:
        ax.set(xlabel="input k", ylabel="neuron j", title=f"W{layer} {w.shape}")
    else:
        ax.spines[:].set_visible(False)
        ax.set(xticks=[], yticks=[], title=f"W{layer}: the inputs of {min(40, len(w))} of {len(w)} neurons")
    return ax


def _tiled(rows: Array, shape: tuple[int, int]) -> Array:
    """Images side by side, eight in a line, with a line of NaN between."""
    columns = min(8, len(rows))
    lines = -(-len(rows) // columns)
    sheet = np.full((lines * (shape[0] + 1) - 1, columns * (shape[1] + 1) - 1), np.nan)
    for number, row in enumerate(rows):
        top, left = (number // columns) * (shape[0] + 1), (number % columns) * (shape[1] + 1)
        sheet[top : top + shape[0], left : left + shape[1]] = row.reshape(shape)
    return sheet


def plot_confusion(
    network: NeuralNetwork, x: Any, y: Any, names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """How often each class (a line) was answered as each (a column), as a share of the line; with counts above 0."""
    sources = checked_sources(network, x, y)
    _check_one_group(network, "a confusion matrix")
    labels = network._inference._classes(sources)
    if labels is None:
        raise DataError("y are quantities; a confusion matrix needs classes and a cross-entropy as the cost.")
    found = network.predict(sources.x.T)
    answers = found.argmax(axis=0) if len(found) > 1 else (found[0] > 0.5).astype(int)
    count = max(len(found), 2)
    table = np.bincount(labels.astype(int) * count + answers, minlength=count * count).reshape(count, count)
    ax = new_axes(5.6, 5.0) if ax is None else ax
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    drawn = ax.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    assert ax.figure is not None
    ax.figure.colorbar(drawn, ax=ax, label="share of the true class")
    words = list(map(str, range(count))) if names is None else list(names)
    if len(words) != count:
        raise ParameterError(f"names has {len(words)} entries, but there are {count} classes.")
    for line, column in np.ndindex(table.shape) if count <= TABLE else ():
        if not table[line, column]:
            continue  # so that the mistakes stand out
        colour = "black" if shares[line, column] > 0.5 else "white"
        ax.text(column, line, f"{table[line, column]:,}", ha="center", va="center", color=colour, fontsize=8)
    ax.set(xticks=range(count), yticks=range(count), xticklabels=words, yticklabels=words)
    right = np.trace(table) / max(table.sum(), 1)
    ax.set(xlabel="answered", ylabel="true", title=f"{right:.2%} of {table.sum():,} right")
    return ax


def _check_one_group(network: NeuralNetwork, picture: str) -> None:
    """Refuse a network that answers several classes for each sample."""
    count = len(network.architecture.groups)
    if count > 1:
        raise DataError(f"this network answers {count} groups of classes for each sample; {picture} shows one.")


def plot_network(network: NeuralNetwork, x: Any = None, y: Any = None, ax: Axes | None = None) -> Axes:
    """The network drawn: a line a weight (dashed where it is negative), and with samples x, y the mean δ of each neuron
    as its colour. Of wide layers the first neurons.
    """
    from matplotlib.colors import SymLogNorm

    widths = [network.architecture.inputs, *(dense.fan_out for dense in network.architecture.dense)]
    ax = new_axes(1.9 * len(widths) + 1.5, 4.8) if ax is None else ax
    places = [_column(number, width) for number, width in enumerate(widths)]
    for w, left, right in zip(network.weights, places, places[1:], strict=False):
        _edges(w, left, right, ax)
    errors = _errors(network, x, y)
    norm = SymLogNorm(1e-4, vmin=-1, vmax=1, base=10)
    for number, (width, dots) in enumerate(zip(widths, places, strict=True)):
        shade = errors[number][: len(dots)] if number and errors else np.zeros(len(dots))
        drawn = ax.scatter(
            dots[:, 0], dots[:, 1], c=shade, cmap=DIVERGING, norm=norm, s=170, edgecolors="black", zorder=3
        )
        more = f"\n{len(dots)} of {width}" if width > len(dots) else ""
        row = "x" if not number else network.architecture.dense[number - 1].activation.name
        ax.text(number, -0.62, f"{row}{more}", ha="center", va="top")
    if errors:
        assert ax.figure is not None
        ax.figure.colorbar(drawn, ax=ax, label="mean δ (symmetric log)", ticks=[-1, -1e-2, -1e-4, 0, 1e-4, 1e-2, 1])
    ax.plot([], [], color=BLUE, label="weight above 0")
    ax.plot([], [], color=ORANGE, linestyle="--", label="weight below 0")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.1), ncols=2)
    ax.set(xlim=(-0.4, len(widths) - 0.6), ylim=(-0.85, 0.6))
    ax.axis("off")
    return ax


def _column(number: int, width: int) -> Array:
    """Where the neurons of a layer are drawn, (shown, 2)."""
    shown = min(width, SHOWN)
    height = np.zeros(1) if shown == 1 else np.linspace(0.5, -0.5, shown)
    return np.stack([np.full(shown, float(number)), height], axis=1)


def _edges(w: Array, left: Array, right: Array, ax: Axes) -> None:
    """A line for each weight between the neurons that are drawn, as wide as the weight is large."""
    largest = float(np.abs(w).max()) or 1.0
    for (j, end), (k, start) in ((a, b) for a in enumerate(right) for b in enumerate(left)):
        size = abs(float(w[j, k])) / largest
        colour, style = (BLUE, "-") if w[j, k] > 0 else (ORANGE, "--")
        ax.plot(*zip(start, end, strict=True), color=colour, linestyle=style, linewidth=0.2 + 2.2 * size, alpha=0.7)


def _errors(network: NeuralNetwork, x: Any, y: Any) -> list[Array]:
    """The mean δ of each neuron, by layer from 1 (place 0 is empty); nothing without samples."""
    if x is None:
        return []
    sources = checked_sources(network, x, y)
    runner = network._inference._ready(sources.x, False, sources.y)
    runner.run()
    count = len(network.architecture.dense)
    return [np.zeros(0), *(runner.rows(f"delta{layer}").mean(axis=0) for layer in range(1, count + 1))]
