"""The weights of a layer as a matrix, or as one image per neuron where the inputs of the network are images."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.plots.figure import DIVERGING, add_colorbar, axes_for, refuse_axes
from glassnet.plots.subject import Estimator, network_of
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glassnet.network import NeuralNetwork

MAX_NEURONS = 40  # whose images are drawn
MIN_SIDE = 8  # of an image that is recognised
MNIST_INPUTS = 784  # 28 × 28: images even where no sample shows it
MIN_SAMPLES, MIN_CORRELATION = 30, 0.1  # that show whether x are images

Shape = tuple[int, int]


def plot_weights(
    network: NeuralNetwork | Estimator, layer: int = 1, shape: Shape | None = None, ax: Axes | None = None
) -> Axes:
    """Plot the weights of a layer: the matrix W, or one image per neuron.

    network : a NeuralNetwork or a fitted estimator

    `shape`, (rows, columns), asks for images of the inputs of this layer. Without it, the first layer is drawn as
    images if its inputs are the pixels of square images: if there are 784, or if neighbouring pixels were correlated in
    the samples of the last training. Columns of a table and hidden neurons have no such order.
    """
    refuse_axes(layer=layer, shape=shape)
    network = network_of(network)
    if not 1 <= layer <= len(network.weights):
        raise ParameterError(f"layer is {layer}, but the network has layers 1 to {len(network.weights)}.")
    w = network.weights[layer - 1]
    if shape is not None and shape[0] * shape[1] != w.shape[1]:
        raise ParameterError(f"shape is {shape}, but layer {layer} has {w.shape[1]} inputs.")
    square = _square(w.shape[1]) if layer == 1 else None
    if shape is None and square is not None and _are_images(network, square[0]):
        shape = square
    if shape is None:
        hint = "" if square is None else f"; shape={square} draws images"
        return _draw_matrix(w, f"W{layer} {w.shape}{hint}", ax)
    return _draw_images(w, shape, layer, ax)


def _square(inputs: int) -> Shape | None:
    """The shape of a square image of so many pixels, None where there is none or it is tiny."""
    side = isqrt(inputs)
    return (side, side) if side * side == inputs and side >= MIN_SIDE else None


def _are_images(network: NeuralNetwork, side: int) -> bool:
    """Whether the inputs are the pixels of square images, by the samples of the last training.

    In images a pixel goes with the one below it more than with one half a row away; in a table, whose columns stand in
    any order, and in a series of measurements it does not.
    """
    samples = network.recent_samples
    if samples is None or len(samples.x) < MIN_SAMPLES:
        return side * side == MNIST_INPUTS
    x = samples.x.astype(np.float64)
    x -= x.mean(axis=0)
    size = np.sqrt((x * x).sum(axis=0))
    x /= np.where(size > 0, size, 1)
    below, beside = (_mean_correlation(x, size > 0, distance) for distance in (side, side // 2))
    return below > beside + MIN_CORRELATION


def _mean_correlation(x: Array, varies: Array, distance: int) -> float:
    """The mean correlation of the columns of standardised x that are so far apart and not constant."""
    pairs = varies[:-distance] & varies[distance:]
    products = (x[:, :-distance] * x[:, distance:]).sum(axis=0)
    return float(products[pairs].mean()) if pairs.any() else 0.0


def _draw_matrix(w: Array, title: str, ax: Axes | None) -> Axes:
    """Draw W with a row per neuron."""
    from matplotlib.ticker import MaxNLocator

    ax = axes_for(ax, 6.4, 5.0 if len(w) > 3 else 1.2 + len(w))
    _draw(w, "auto", ax)
    ax.set(xlabel="input k", ylabel="neuron j", title=title)
    for axis, count in zip((ax.yaxis, ax.xaxis), w.shape, strict=True):
        axis.set_major_locator(MaxNLocator(integer=True))
        if count == 1:
            axis.set_ticks([0])
    return ax


def _draw_images(w: Array, shape: Shape, layer: int, ax: Axes | None) -> Axes:
    """Draw an image per neuron."""
    sheet = _tiled(w[:MAX_NEURONS], shape)
    ax = axes_for(ax, 6.4, 0.6 + 5.2 * sheet.shape[0] / sheet.shape[1])
    _draw(sheet, "equal", ax)
    ax.spines[:].set_visible(False)
    count = f"{MAX_NEURONS} of {len(w)}" if len(w) > MAX_NEURONS else "all"
    title = f"W{layer}: the weights of {count} neurons as images of {shape[0]} × {shape[1]}"
    ax.set(xticks=[], yticks=[], title=title)
    return ax


def _draw(image: Array, aspect: Any, ax: Axes) -> None:
    """Draw numbers in colours around 0, with their scale."""
    limit = float(np.nanmax(np.abs(image))) or 1.0
    drawn = ax.imshow(image, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest", aspect=aspect)
    add_colorbar(drawn, ax, "weight")


def _tiled(rows: Array, shape: tuple[int, int]) -> Array:
    """Images side by side, eight per line, separated by NaN."""
    columns = min(8, len(rows))
    lines = -(-len(rows) // columns)
    sheet = np.full((lines * (shape[0] + 1) - 1, columns * (shape[1] + 1) - 1), np.nan)
    for number, row in enumerate(rows):
        top, left = (number // columns) * (shape[0] + 1), (number % columns) * (shape[1] + 1)
        sheet[top : top + shape[0], left : left + shape[1]] = row.reshape(shape)
    return sheet
