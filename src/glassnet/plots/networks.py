"""Plots of a network: predictions, confusion matrix, samples, and a diagram with weights and errors δ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from glassnet.batches.sources import checked_sources
from glassnet.batches.targets import numeric_targets, predicted_classes, target_classes
from glassnet.errors import DataError
from glassnet.execution.inference import loaded_executor
from glassnet.plots.confusion import draw_confusion
from glassnet.plots.figure import (
    BLUE,
    DIVERGING,
    GREY,
    OKABE_ITO,
    ORANGE,
    add_colorbar,
    axes_for,
    new_figure,
    refuse_axes,
    shortened,
)
from glassnet.plots.subject import Estimator, class_codes, confusion_counts, is_tabular, subject_of
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glassnet.network import NeuralNetwork

GRID_POINTS = 300  # along each side of a decision surface
MARKERS = "os^Dv<>PX*"
MAX_NEURONS = 12  # drawn per layer
MAX_SAMPLE_NAME = 14  # characters of a class's name below an image
MAX_WIDTH = 14.0  # inches, of the diagram of a deep network


def plot_predictions(network: NeuralNetwork | Estimator, x: ArrayLike, y: ArrayLike, ax: Axes | None = None) -> Axes:
    """Plot the fitted curve over one input, or the decision surface over two, with the samples x, y.

    network : a NeuralNetwork, x and y as in `train` (samples are columns); or a fitted estimator, X and y as in `fit`

    Raises DataError if the network has more than two inputs.
    """
    network, x, y, _ = subject_of(network, x, y)
    sources = checked_sources(network.architecture, network.dtype, x, y)
    inputs = network.architecture.inputs
    if inputs > 2:
        raise DataError(f"this network has {inputs} inputs; a curve needs 1 and a decision surface 2.")
    if inputs == 2:
        _check_one_group(network, "a decision surface")
    ax = axes_for(ax, 5.6, 4.4)
    if inputs == 1:
        _curve(network, sources.x[:, 0], sources.y, ax)
    else:
        _surface(network, sources.x, sources.y, ax)
    return ax


def _curve(network: NeuralNetwork, x: Array, y: Array, ax: Axes) -> None:
    """Plot every output over the input."""
    points = np.linspace(x.min(), x.max(), 400)
    targets = numeric_targets(y, network.architecture.outputs)
    for number, (output, target) in enumerate(zip(network.predict(points[np.newaxis]), targets.T, strict=True)):
        colour = OKABE_ITO[number % len(OKABE_ITO)]
        ax.plot(x, target, MARKERS[number % len(MARKERS)], color=GREY, markersize=3, alpha=0.5, label=f"y{number}")
        ax.plot(points, output, color=colour, linewidth=2, label=f"network, output {number}")
    ax.set(xlabel="x0", ylabel="y", title="Fitted curve")
    ax.spines[["top", "right"]].set_visible(False)
    _legend_below(ax, 2)


def _surface(network: NeuralNetwork, x: Array, y: Array, ax: Axes) -> None:
    """Plot the class at each point, or the value of a single output, and the samples with one marker per class."""
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.08 * (high - low) + 1e-9
    sides = [np.linspace(*ends, GRID_POINTS) for ends in zip(low - margin, high + margin, strict=True)]
    first, second = np.meshgrid(*sides)
    outputs = network.predict(np.stack([first.ravel(), second.ravel()]))
    if len(outputs) > 1:
        classes, levels = outputs.argmax(axis=0).reshape(first.shape), np.arange(len(outputs) + 1) - 0.5
        shades = [OKABE_ITO[number % len(OKABE_ITO)] for number in range(len(outputs))]
        ax.contourf(first, second, classes, levels, colors=shades, alpha=0.25)
        ax.contour(first, second, classes, levels[1:-1], colors="black", linewidths=0.7)
    else:
        drawn = ax.contourf(first, second, outputs.reshape(first.shape), 20, cmap="cividis", alpha=0.8)
        add_colorbar(drawn, ax, "output")
        ax.contour(first, second, outputs.reshape(first.shape), [0.5], colors="white", linewidths=1.5)
    _plot_samples(x, y, len(outputs), ax)
    ax.set(xlabel="x0", ylabel="x1", title="Predictions")


def _plot_samples(x: Array, y: Array, outputs: int, ax: Axes) -> None:
    """Plot the samples, with one marker per class."""
    targets = y if y.ndim == 1 else predicted_classes(y, (outputs,)).astype(int)
    for number in np.unique(targets):
        chosen = x[targets == number]
        colour, marker = OKABE_ITO[int(number) % len(OKABE_ITO)], MARKERS[int(number) % len(MARKERS)]
        edge: dict[str, Any] = {"markeredgecolor": "black", "markeredgewidth": 0.5}
        ax.plot(*chosen.T, marker, color=colour, **edge, markersize=5, label=f"{int(number)}")
    _legend_below(ax, 6, "y")


def _legend_below(ax: Axes, columns: int, title: str | None = None) -> None:
    """Place the legend below the axes, where it hides no sample."""
    ax.legend(title=title, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=columns, frameon=False)


def plot_confusion(
    network: NeuralNetwork | Estimator,
    x: ArrayLike,
    y: ArrayLike,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the confusion matrix: a row per true class, a column per predicted one, coloured by fraction of the row.

    network : a NeuralNetwork, x and y as in `train` (samples are columns); or a fitted estimator, X and y as in `fit`
    names : of the classes; those of an estimator are its classes_
    """
    refuse_axes(names=names)
    if is_tabular(network):
        return _tabular_confusion(network, x, y, names, ax)
    network, x, y, classes = subject_of(network, x, y)
    names = classes if names is None else names
    sources = checked_sources(network.architecture, network.dtype, x, y)
    _check_one_group(network, "a confusion matrix")
    true = target_classes(network.architecture, sources.y)
    if true is None:
        raise DataError("y holds quantities; a confusion matrix needs classes and a cross-entropy as the cost.")
    outputs = network.predict(sources.x.T)
    predicted = predicted_classes(outputs.T, (len(outputs),)).astype(int)
    count = max(len(outputs), 2)
    counts = confusion_counts(predicted, true.astype(int), count)
    return draw_confusion(counts, range(count) if names is None else names, ax)


def _tabular_confusion(estimator: Any, x: Any, y: Any, names: Sequence[str] | None, ax: Axes | None) -> Axes:
    """The confusion matrix of a TabularClassifier."""
    if not hasattr(estimator, "predict_proba"):
        raise DataError(f"a {type(estimator).__name__} predicts quantities; plot_residuals shows its errors.")
    predicted = estimator.predict_proba(x).argmax(axis=1)
    counts = confusion_counts(predicted, class_codes(estimator, y), len(estimator.classes_))
    return draw_confusion(counts, estimator.classes_ if names is None else names, ax)


def plot_samples(
    images: Array, predicted: Any, true: Any, names: Sequence[str] | None = None, count: int = 32, columns: int = 8
) -> Figure:
    """Draw images with the predicted class below each; errors come first, framed and marked ✗, with the true class.

    images (n, rows, columns); predicted and true are class numbers (n,). At most half of the images are errors. Each
    image has axes of its own in the figure that is returned, so there is no ax=.
    """
    refuse_axes(names=names, count=count)
    predicted, true = np.asarray(predicted), np.asarray(true)
    if not len(images) == len(predicted) == len(true) or not len(images):
        raise DataError(f"images, predicted and true have {len(images)}, {len(predicted)} and {len(true)} entries.")
    classes = range(int(max(predicted.max(), true.max())) + 1) if names is None else names
    labels = [shortened(str(name), MAX_SAMPLE_NAME) for name in classes]
    wrong, right = np.flatnonzero(predicted != true), np.flatnonzero(predicted == true)
    chosen = np.concatenate([wrong[: count // 2], right])[:count]
    rows = -(-len(chosen) // columns)
    lines = 2 if max(map(len, labels)) > 3 else 1
    figure = new_figure(1.15 * columns, (1.25 + 0.2 * lines) * rows + 0.6)
    for index, sample in enumerate(chosen):
        ax = figure.add_subplot(rows, columns, index + 1)
        ax.imshow(images[sample], cmap="gray_r", interpolation="nearest")
        _label_sample(ax, labels[predicted[sample]], labels[true[sample]], predicted[sample] != true[sample])
    figure.suptitle(f"{len(wrong):,} of {len(true):,} samples are misclassified; ✗ marks the errors shown", fontsize=11)
    return figure


def _label_sample(ax: Axes, predicted: str, true: str, wrong: bool) -> None:
    """Write the prediction below an image, which is framed if it is wrong."""
    ax.set(xticks=[], yticks=[])
    is_short = len(predicted + true) < 7
    label = (", " if is_short else "\n").join((f"✗ {predicted}", f"is {true}")) if wrong else predicted
    ax.set_xlabel(label, color=ORANGE if wrong else "black", fontsize=10 if is_short else 8)
    for spine in ax.spines.values():
        spine.set(color=ORANGE if wrong else "#cccccc", linewidth=3 if wrong else 1)


def _check_one_group(network: NeuralNetwork, plot: str) -> None:
    """Raise DataError if the network predicts several classes per sample."""
    count = len(network.architecture.groups)
    if count > 1:
        raise DataError(f"this network predicts {count} groups of classes per sample; {plot} can show only one.")


def plot_network(network: NeuralNetwork | Estimator, x: Any = None, y: Any = None, ax: Axes | None = None) -> Axes:
    """Draw the network: a line per weight (dashed if negative) and, given samples x, y, each neuron's mean δ as colour.

    Only the first neurons of wide layers are drawn.

    network : a NeuralNetwork, x and y as in `train` (samples are columns); or a fitted estimator, X and y as in `fit`
    """
    refuse_axes(x=x, y=y)
    network, x, y, _ = subject_of(network, x, y)
    from matplotlib.colors import SymLogNorm

    widths = [network.architecture.inputs, *(dense.fan_out for dense in network.architecture.dense)]
    ax = axes_for(ax, min(1.9 * len(widths) + 1.5, MAX_WIDTH), 4.8)
    positions = [_neuron_positions(number, width) for number, width in enumerate(widths)]
    for w, left, right in zip(network.weights, positions, positions[1:], strict=False):
        _draw_weights(w, left, right, ax)
    errors = _errors(network, x, y)
    norm = SymLogNorm(1e-4, vmin=-1, vmax=1, base=10)
    for number, (width, dots) in enumerate(zip(widths, positions, strict=True)):
        shade = errors[number][: len(dots)] if number and errors else np.zeros(len(dots))
        x_s, y_s = dots.T
        drawn = ax.scatter(x_s, y_s, c=shade, cmap=DIVERGING, norm=norm, s=170, edgecolors="black", zorder=3)
        more = f"\n{len(dots)} of {width}" if width > len(dots) else ""
        name = "x" if not number else network.architecture.dense[number - 1].activation.name
        ax.text(number, -0.62, f"{name}{more}", ha="center", va="top")
    if errors:
        add_colorbar(drawn, ax, "mean δ (symmetric log)", ticks=[-1, -1e-2, -1e-4, 0, 1e-4, 1e-2, 1])
    ax.plot([], [], color=BLUE, label="positive weight")
    ax.plot([], [], color=ORANGE, linestyle="--", label="negative weight")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.1), ncols=2)
    ax.set(xlim=(-0.4, len(widths) - 0.6), ylim=(-0.85, 0.6))
    ax.axis("off")
    return ax


def _neuron_positions(number: int, width: int) -> Array:
    """The positions of the neurons that are drawn of a layer, (neurons, 2)."""
    count = min(width, MAX_NEURONS)
    height = np.zeros(1) if count == 1 else np.linspace(0.5, -0.5, count)
    return np.stack([np.full(count, float(number)), height], axis=1)


def _draw_weights(w: Array, left: Array, right: Array, ax: Axes) -> None:
    """Draw a line for each weight between the drawn neurons; its width shows the size of the weight."""
    largest = float(np.abs(w).max()) or 1.0
    for (j, end), (k, start) in ((a, b) for a in enumerate(right) for b in enumerate(left)):
        size = abs(float(w[j, k])) / largest
        colour, style = (BLUE, "-") if w[j, k] > 0 else (ORANGE, "--")
        ax.plot(*zip(start, end, strict=True), color=colour, linestyle=style, linewidth=0.2 + 2.2 * size, alpha=0.7)


def _errors(network: NeuralNetwork, x: Any, y: Any) -> list[Array]:
    """The mean δ of each neuron, by layer from 1 (index 0 is a placeholder); empty without samples."""
    if x is None:
        return []
    sources = checked_sources(network.architecture, network.dtype, x, y)
    executor = loaded_executor(network.model, sources.x, sources.y)
    executor.run()
    count = len(network.architecture.dense)
    return [np.zeros(0), *(executor.rows(f"delta{layer}").mean(axis=0) for layer in range(1, count + 1))]
