"""Runs that the tests of frames, walks and reports share."""

import numpy as np

from glassnet.frames.samples import Samples
from glassnet.network import NeuralNetwork
from glassnet.training.settings import checked_recipe
from glassnet.training.training import Training

OPTIONS = ("schedule", "lr_factors", "patience", "decay_factors", "decay_schedule", "dropout_schedule")
OPTIONS += ("clip_norm", "clip_value", "max_norm", "validation_metric")


def run_of(network, samples, optimizer="sgd", lr=0.3, batch_size=10):
    """A Training of a network on the trained samples."""
    options = dict.fromkeys(OPTIONS) | {"optimizer": optimizer}
    recipe = checked_recipe(tuple(network.parameters.segments.values()), batch_size, 10**6, lr, options)
    return Training(network.model, samples.part(samples.trained), recipe)


def two_classes(n=40, held_out=4):
    """Points in two classes, every n-th held out."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2))
    y = (x[:, :1] * x[:, 1:] > 0).astype(float)
    return Samples("points", x, y, np.arange(n) % held_out == 0, ("x1", "x2"), classes=("no", "yes"))


def three_classes(n=60):
    """Points in three classes, as class numbers."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(n, 4)), rng.integers(0, 3, n)
    x[np.arange(n), y] += 2
    return Samples("flowers", x, y, np.arange(n) % 5 == 0, ("a", "b", "c", "d"), classes=("r", "g", "b"))


def curve(n=30):
    """Numbers."""
    x = np.linspace(-2, 2, n)[:, np.newaxis]
    return Samples("curve", x, np.sin(x), np.zeros(n, bool), ("x",), outputs=("y",))


def lesson_run(lr=0.1):
    """The sample lesson: 2-2-1, sigmoid, one sample, quadratic cost."""
    network = NeuralNetwork([2, 2, 1], dtype="float64", seed=0)
    network.weights[0], network.weights[1] = [[0.5, -0.4], [3, 1]], [[0.8, -1.2]]
    network.biases[0], network.biases[1] = [[0.1], [2]], [[0.2]]
    one = Samples("one", np.array([[1.0, 0.0]]), np.array([[1.0]]), np.zeros(1, bool), ("x1", "x2"))
    return network, one, run_of(network, one, lr=lr, batch_size=1)
