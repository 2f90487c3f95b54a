"""Each plot shows the right numbers, on the axes it was given, and refuses what it cannot draw."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import glassnet
from glassnet import NeuralNetwork
from glassnet.errors import DataError, ParameterError, ParameterTypeError, percent
from glassnet.plots.networks import MAX_NEURONS
from glassnet.training import layer_monitor

from .broken_networks import Case, blobs, classifier, trained, wave


@pytest.fixture(scope="module")
def case() -> Any:
    """Three classes in the plane, trained with a measurement of the layers after every epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layer_monitor, "TIME_SHARE", 1e9)
        yield trained(classifier([10, 6]), *blobs())


def axes() -> Axes:
    return Figure().add_subplot()


def render(ax: Axes) -> None:
    """Draw the whole figure; a warning or an error fails the test."""
    FigureCanvasAgg(ax.figure).draw()  # a bare figure's own canvas draws nothing


def test_every_plot_takes_and_returns_axes(case: Case) -> None:
    net, x, y = case
    plots: list[Callable[..., Axes]] = [
        lambda ax: glassnet.plot_training(net.history, ax=ax),
        lambda ax: glassnet.plot_layers(net.history, ax=ax),
        lambda ax: glassnet.plot_layers(net.history, "update", ax=ax),
        lambda ax: glassnet.plot_saturation(net.history, ax=ax),
        lambda ax: glassnet.plot_predictions(net, x, y, ax=ax),
        lambda ax: glassnet.plot_weights(net, 2, ax=ax),
        lambda ax: glassnet.plot_confusion(net, x, y, ax=ax),
        lambda ax: glassnet.plot_network(net, x, y, ax=ax),
        lambda ax: glassnet.plot_network(net, ax=ax),
    ]
    for plot in plots:
        ax = axes()
        assert plot(ax) is ax
        render(ax)
        render(plot(None))


def test_no_legend_covers_the_data(case: Case) -> None:
    net, x, y = case
    curve = NeuralNetwork([1, 5, 1], ["tanh", "linear"], seed=0)
    for ax in (
        glassnet.plot_saturation(net.history),
        glassnet.plot_predictions(net, x, y),
        glassnet.plot_predictions(curve, *wave()),
        glassnet.plot_network(net, x, y),
    ):
        render(ax)
        legend, figure = ax.get_legend(), ax.figure
        assert legend is not None and figure is not None
        box, dots = legend.get_window_extent(), [line.get_window_extent() for line in (*ax.lines, *ax.collections)]
        assert not any(box.overlaps(dot) for dot in dots if np.isfinite(dot.extents).all() and dot.width > 0)
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


def test_layers_and_saturation_show_the_measurements(case: Case) -> None:
    net, _, _ = case
    layers = net.history.layers
    for quantity in ("delta", "gradient", "update"):
        mesh = glassnet.plot_layers(net.history, quantity, axes()).collections[0]
        assert (np.asarray(mesh.get_array()).reshape(layers[quantity].T.shape) == layers[quantity].T).all()
        assert mesh.norm.vmin == 0 and mesh.norm.vmax == 10
    lines = glassnet.plot_saturation(net.history, axes()).lines
    assert (lines[0].get_ydata() == layers["saturated"][:, 0]).all()
    with pytest.raises(DataError, match="has no measurement of its layers"):
        glassnet.plot_layers(glassnet.History())
    with pytest.raises(ParameterError, match="must be one of delta"):
        glassnet.plot_layers(net.history, "weights")


def test_a_run_of_one_step_is_drawn_as_it_ended() -> None:
    x, y = wave()
    net = NeuralNetwork([1, 4, 1], ["relu", "linear"], seed=0)
    history = net.train(x, y, batch_size=x.shape[1], epochs=1)
    measured = history.measured_layers
    ax = glassnet.plot_layers(history)
    assert (np.ravel(ax.collections[0].get_array()) == measured["delta"][0]).all() and ax.get_xticks().tolist() == [1]
    render(ax)
    ax = glassnet.plot_saturation(history)
    bars = [patch.get_height() for patch in ax.patches]
    assert bars == measured["saturated"][0].tolist() and "after step 1:" in ax.get_xlabel()
    assert [text.get_text() for text in ax.texts] == [percent(share) for share in bars]
    render(ax)
    ax = glassnet.plot_training(history)
    render(ax)
    assert ax.get_xticks().tolist() == [1]


def test_what_is_no_history_is_refused_in_a_sentence(case: Case) -> None:
    untrained = NeuralNetwork([2, 3, 1])
    for plot in (glassnet.plot_training, glassnet.plot_layers, glassnet.plot_saturation):
        with pytest.raises(DataError, match=r"was not trained yet; call train first"):
            plot(untrained.history)
        with pytest.raises(DataError, match="history has no"):
            plot(glassnet.History())
        with pytest.raises(ParameterTypeError, match=r"history is a NeuralNetwork; pass its \.history"):
            plot(case[0])


def test_the_best_epoch_is_marked_inside_the_axes() -> None:
    """Wherever it lies, its text must not cover the title or leave the picture."""
    for costs in ([1.0], [1.0, 1.1, 1.2, 1.3], [3.0, 2.0, 1.0, 0.9], [1.0, 0.1, 0.01, 0.001]):
        reports = [glassnet.Report(k, k, cost, 0.1, cost) for k, cost in enumerate(costs, 1)]
        history = glassnet.History(reports)
        history.best_epoch = int(np.argmin(costs)) + 1
        ax = glassnet.plot_training(history)
        render(ax)
        box, (text,) = ax.get_window_extent(), ax.texts
        inside = text.get_window_extent()
        assert box.x0 <= inside.x0 and inside.x1 <= box.x1 and box.y0 <= inside.y0 and inside.y1 <= box.y1


def test_a_confusion_matrix_counts_the_samples(case: Case) -> None:
    net, x, y = case
    ax = glassnet.plot_confusion(net, x, y, ["a", "b", "c"], axes())
    predicted = net.predict(x).argmax(axis=0)
    for text in ax.texts:
        column, line = text.get_position()
        assert int(text.get_text()) == ((y == line) & (predicted == column)).sum() > 0
    assert sum(int(text.get_text()) for text in ax.texts) == 600
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    assert ax.get_title() == f"{(predicted == y).mean():.2%} of 600 correct"
    with pytest.raises(ParameterError, match="3 classes"):
        glassnet.plot_confusion(net, x, y, ["a"])


def test_the_curve_and_the_surface_show_the_predictions(case: Case) -> None:
    x, y = wave()
    net = NeuralNetwork([1, 5, 1], ["tanh", "linear"], seed=0)
    line = glassnet.plot_predictions(net, x, y, axes()).lines[1]
    np.testing.assert_allclose(line.get_ydata(), net.predict(np.asarray(line.get_xdata())[np.newaxis])[0], rtol=1e-6)
    binary = NeuralNetwork([2, 5, 1], cost="binary_cross_entropy", seed=0)
    points, labels = blobs(classes=2)
    render(glassnet.plot_predictions(binary, points, labels[np.newaxis].astype(float)))
    with pytest.raises(DataError, match="has 3 inputs"):
        glassnet.plot_predictions(NeuralNetwork([3, 1]), np.zeros((3, 2)), np.zeros((1, 2)))
    with pytest.raises(DataError, match="needs classes"):
        glassnet.plot_confusion(net, x, y)


def test_weights_are_drawn_as_images(case: Case) -> None:
    net = NeuralNetwork([64, 20, 10], seed=0)
    sheet = np.asarray(glassnet.plot_weights(net, shape=(8, 8), ax=axes()).images[0].get_array())
    assert sheet.shape == (3 * 9 - 1, 8 * 9 - 1)
    assert (sheet[9:17, 18:26] == net.weights[0][10].reshape(8, 8)).all()
    matrix = glassnet.plot_weights(net, 2, ax=axes()).images[0]
    assert (np.asarray(matrix.get_array()) == net.weights[1]).all()
    assert matrix.norm.vmin == -matrix.norm.vmax
    with pytest.raises(ParameterError, match="layers 1 to 2"):
        glassnet.plot_weights(net, 3)
    with pytest.raises(ParameterError, match="has 64 inputs"):
        glassnet.plot_weights(net, shape=(3, 3))


def test_weights_are_images_only_where_x_are() -> None:
    """64 inputs are an image of 8 × 8 where the samples show it; a table, a series and hidden neurons are not."""
    rng = np.random.default_rng(0)
    strokes = rng.integers(0, 6, (200, 2))
    images = np.zeros((200, 8, 8))
    for image, (row, column) in zip(images, strokes, strict=True):
        image[row : row + 3, column : column + 2] = rng.uniform(0.5, 1)
    pixels = images.reshape(200, 64)
    table = pixels[:, rng.permutation(64)]
    series = rng.normal(size=(200, 64)).cumsum(axis=1)
    y = np.zeros((1, 200))

    def drawn(x: Any, layer: int = 1) -> tuple[int, ...]:
        net = NeuralNetwork([64, 64, 1], engine="numpy", seed=0)
        if x is not None:
            net.train(x.T, y, batch_size=200, epochs=1)
        ax = glassnet.plot_weights(net, layer)
        render(ax)
        assert ("shape=(8, 8) draws images" in ax.get_title()) == (layer == 1 and len(ax.get_xticks()) > 0)
        return np.asarray(ax.images[0].get_array()).shape

    assert drawn(pixels) == (5 * 9 - 1, 8 * 9 - 1)
    assert [drawn(x) for x in (table, series, rng.normal(size=(200, 64)), None)] == [(64, 64)] * 4
    assert drawn(pixels, 2) == (1, 64)
    for width, shape in ((784, (28, 8 * 29 - 1)), (16, (8, 16)), (9, (8, 9))):
        ax = glassnet.plot_weights(NeuralNetwork([width, 8]))
        assert np.asarray(ax.images[0].get_array()).shape == shape


@pytest.mark.parametrize("names", [[f"a name of a class that is long {k}" for k in range(25)], None])
def test_long_names_and_many_classes_do_not_overlap(names: list[str] | None) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 100)), np.arange(100) % 25
    ax = glassnet.plot_confusion(NeuralNetwork([2, 25], ["softmax"], "categorical_cross_entropy"), x, y, names)
    render(ax)
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))
        assert len({label.get_text() for label in labels}) == 25


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_colour_bars_leave_the_next_axes_free(case: Case, layout: str | None) -> None:
    net, x, y = case
    figure = Figure(figsize=(12, 5), layout=layout)  # type: ignore[arg-type]
    first, second = figure.subplots(1, 2)
    glassnet.plot_confusion(net, x, y, ax=first)
    glassnet.plot_network(net, x, y, ax=second)
    FigureCanvasAgg(figure).draw()
    bars = [box for box in (*figure.axes, *first.child_axes, *second.child_axes) if box not in (first, second)]
    (beside_first, _) = (bar.get_tightbbox() for bar in bars)
    assert not beside_first.overlaps(second.get_tightbbox()) and beside_first.x0 > first.get_window_extent().x1
    assert all(bar.get_tightbbox().x1 <= figure.bbox.x1 for bar in bars)


def test_samples_with_long_names_are_marked_by_class() -> None:
    """Names that are cut to the same text are still different classes."""
    names = ["the same beginning and " + middle + " and the same end" for middle in ("one", "two")]
    figure = glassnet.plot_samples(np.zeros((4, 5, 5)), [0, 1, 1, 0], [0, 1, 0, 1], names)
    FigureCanvasAgg(figure).draw()
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert [label.startswith("✗") for label in labels] == [True, True, False, False]
    boxes = [ax.xaxis.label.get_window_extent() for ax in figure.axes]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_the_network_is_drawn_with_signs_and_errors(case: Case) -> None:
    net, x, y = case
    ax = glassnet.plot_network(net, x, y, axes())
    edges = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert len(edges) == sum(w.size for w in net.weights)
    dashed = sum(line.get_linestyle() == "--" for line in edges)
    assert dashed == sum(int((w <= 0).sum()) for w in net.weights)
    (_, a_s) = net.feedforward(x)
    expected = (a_s[-1] - np.eye(3)[y].T).mean(axis=1)
    np.testing.assert_allclose(np.asarray(ax.collections[-1].get_array()), expected, atol=1e-6)
    wide = glassnet.plot_network(NeuralNetwork([40, 3]), ax=axes())
    assert f"{MAX_NEURONS} of 40" in wide.texts[0].get_text()


def test_few_measurements_are_written_into_their_cells() -> None:
    x, y = wave()
    history = NeuralNetwork([1, 4, 1], seed=0).train(x, y, batch_size=x.shape[1], epochs=1)
    ax = glassnet.plot_layers(history, ax=axes())
    values = history.measured_layers["delta"][0]
    assert [text.get_text() for text in ax.texts] == [f"{value:.2g}" for value in values]
    assert [text.get_position()[1] for text in ax.texts] == [1, 2]
    assert "measured once, after step 1: the run was short" in ax.get_xlabel()
