"""A network for each finding of a diagnosis: built and trained so that it has exactly what the finding describes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet import BatchNorm, Dropout, NeuralNetwork
from glassnet.errors import DivergedError

Array = np.ndarray[Any, Any]
Case = tuple[NeuralNetwork, Any, Any]


def blobs(samples: int = 600, classes: int = 3, seed: int = 0) -> tuple[Array, Array]:
    """Well separated classes in the plane: x (2, samples) and class numbers."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, samples)
    angle = 2 * np.pi * y / classes
    return np.stack([np.cos(angle), np.sin(angle)]) * 1.5 + 0.4 * rng.standard_normal((2, samples)), y


def wave(samples: int = 500, noise: float = 0.05) -> tuple[Array, Array]:
    """y = sin 2x with a little noise: (1, samples) twice."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, (1, samples))
    return x, np.sin(2 * x) + noise * rng.standard_normal((1, samples))


def classifier(hidden: list[int], activation: str = "tanh", **options: Any) -> NeuralNetwork:
    layers, activations = [2, *hidden, 3], [activation] * len(hidden) + ["softmax"]
    return NeuralNetwork(layers, activations, cost="categorical_cross_entropy", **{"seed": 0, **options})


def trained(net: NeuralNetwork, x: Any, y: Any, **options: Any) -> Case:
    net.train(x, y, **{"batch_size": 16, "epochs": 30, "lr": 0.003, "optimizer": "adam", **options})
    return net, x, y


def vanishing() -> Case:
    return trained(classifier([8] * 10, "sigmoid"), *blobs(), optimizer="sgd", lr=0.1)


def exploding() -> Case:
    net = NeuralNetwork([2, *[16] * 6, 1], ["leaky_relu"] * 6 + ["linear"], seed=0)
    x, y = blobs()
    for w in net.weights:
        w *= 3
    return trained(net, x, (y == 1)[np.newaxis].astype(float), lr=1e-9, optimizer="sgd", epochs=4)


def saturated() -> Case:
    net = classifier([16, 16])
    for w in net.weights:
        w *= 60
    return trained(net, *blobs(), lr=1e-5, epochs=10)


def dead() -> Case:
    net = classifier([32], "relu")
    net.biases[0][:] = -8
    return trained(net, *blobs())


def too_high() -> Case:
    x, y = wave()
    net = NeuralNetwork([1, 20, 1], ["tanh", "linear"], seed=0)
    return trained(net, x, y, optimizer="sgd", lr=0.9, epochs=30)


def diverging() -> Case:
    x, y = wave()
    net = NeuralNetwork([1, 20, 1], ["relu", "linear"], seed=0)
    try:
        trained(net, x, y, optimizer="sgd", lr=30.0)
    except DivergedError:
        return net, x, y
    raise AssertionError("this run should have diverged")


def too_low() -> Case:
    return trained(classifier([16]), *blobs(), optimizer="sgd", lr=2e-5)


def wrong_output() -> Case:
    x, y = wave()
    return trained(NeuralNetwork([1, 20, 1], ["tanh", "sigmoid"], seed=0), x, 3 * y)


def contradicted() -> Case:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (2, 800)).astype(float)
    y = (x[:1] * x[1:] + rng.random((1, 800)) > 0.8).astype(float)
    return trained(NeuralNetwork([2, 8, 1], ["tanh", "sigmoid"], cost="binary_cross_entropy", seed=0), x, y, lr=0.02)


def tiny_columns() -> Case:
    x, y = wave()
    net = NeuralNetwork([1, 20, 1], ["tanh", "linear"], seed=0)
    return trained(net, x * 1e-6, y, lr=1e-3, epochs=60)


def tiny_targets() -> Case:
    x, y = wave()
    return trained(NeuralNetwork([1, 20, 1], ["tanh", "linear"], seed=0), x, 1e-4 * y)


def without_hidden_layer() -> Case:
    x, _ = blobs()
    inside = (np.square(x).sum(axis=0, keepdims=True) < 2).astype(float)
    net = NeuralNetwork([2, 1], ["sigmoid"], cost="binary_cross_entropy", seed=0)
    return trained(net, x, inside, optimizer="sgd", lr=0.1)


def dropped() -> Case:
    net = NeuralNetwork([2, 32, Dropout(0.99), 3], ["relu", "softmax"], cost="categorical_cross_entropy", seed=0)
    return trained(net, *blobs())


def normalised_alone() -> Case:
    layers = [2, 16, BatchNorm(before_activation=True), 3]
    net = NeuralNetwork(layers, ["relu", "softmax"], cost="categorical_cross_entropy", seed=0)
    return trained(net, *blobs(), batch_size=1, epochs=5)


def dead_output() -> Case:
    x, y = wave()
    net = NeuralNetwork([1, 20, 1], ["tanh", "relu"], seed=0)
    net.biases[1][:] = -8
    return trained(net, x, np.abs(y), optimizer="sgd")


def shuffled() -> Case:
    x, y = wave()
    return trained(
        NeuralNetwork([1, 20, 1], ["tanh", "linear"], seed=0), x, np.random.default_rng(5).permutation(y[0])[np.newaxis]
    )


def another_kind() -> Case:
    x, y = wave()
    net = NeuralNetwork([1, 20, 1], ["tanh", "linear"], seed=0)
    return trained(net, x, y, validation=(x[:, :100], -y[:, :100]), epochs=60)


def penalised() -> Case:
    net = NeuralNetwork([2, 16, 3], ["tanh", "softmax"], cost="categorical_cross_entropy", seed=0, l2=3.0)
    return trained(net, *blobs())


def unlucky() -> Case:
    """No cause that a rule knows: the weights out of the hidden layer are 0, and no layer moves."""
    net = classifier([16])
    net.weights[1][:] = 0
    return trained(net, *blobs(), lr_factors=[0, 0])


def rounded() -> Case:
    x = np.random.default_rng(6).standard_normal((4, 500))
    number = np.clip(np.round(8 * x[0] + 4 * np.sin(2 * x[1]) + 20), 0, 40).astype(int)
    net = NeuralNetwork([4, 32, 41], ["relu", "softmax"], cost="categorical_cross_entropy", seed=0)
    return trained(net, x, number, epochs=60)


def overfitted() -> Case:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((10, 120))
    y = x[:1] + 0.6 * rng.standard_normal((1, 120))
    net = NeuralNetwork([10, 128, 128, 1], ["relu", "relu", "linear"], seed=0)
    return trained(net, x, y, validation=0.4, epochs=150)


def noisy() -> Case:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 400))
    y = x[:1] + 2 * rng.standard_normal((1, 400))
    net = NeuralNetwork([4, 16, 1], ["tanh", "linear"], seed=0)
    return trained(net, x, y, batch_size=1, lr=0.05, epochs=40, optimizer="sgd")


def symmetric() -> Case:
    return trained(classifier([12], initializer="zeros"), *blobs())


def unscaled() -> Case:
    x, y = blobs()
    return trained(classifier([16], "relu"), np.array([[1.0], [1000.0]]) * x, y)


def constant_column() -> Case:
    x, y = wave()
    net = NeuralNetwork([2, 20, 1], ["tanh", "linear"], seed=0)
    return trained(net, np.concatenate([x, np.full_like(x, 0.7)]), y)


def imbalanced() -> Case:
    x, y = blobs(4000)
    selected = (y != 2) | (np.arange(4000) % 60 == 0)
    return trained(classifier([16]), x[:, selected], y[selected])


def repeated() -> Case:
    x, y = blobs(300)
    return trained(classifier([16]), np.concatenate([x, x], axis=1), np.concatenate([y, y]))


def large_targets() -> Case:
    x, y = wave()
    return trained(NeuralNetwork([1, 20, 1], ["tanh", "linear"], seed=0), x, 2000 + 300 * y)


BROKEN: dict[str, tuple[str, Callable[[], Case]]] = {
    "ten sigmoid layers": ("vanishing gradients", vanishing),
    "weights three times as large": ("exploding gradients", exploding),
    "weights sixty times as large": ("saturated units", saturated),
    "biases of -8": ("dead units", dead),
    "rate 0.9": ("rate too high", too_high),
    "rate 30": ("rate too high", diverging),
    "rate 0.00002": ("rate too low", too_low),
    "sigmoid for a wave": ("wrong output activation", wrong_output),
    "noise in the targets": ("cost that cannot fall", contradicted),
    "x scaled by a millionth": ("unscaled columns", tiny_columns),
    "y scaled by a ten-thousandth": ("targets too small", tiny_targets),
    "a disc without a hidden layer": ("no better than a linear model", without_hidden_layer),
    "dropout of 0.99": ("dropout too strong", dropped),
    "batch norm of one sample": ("batches of one sample", normalised_alone),
    "a relu output below 0": ("dead output", dead_output),
    "rows of y shuffled": ("unpredictable targets", shuffled),
    "validation data of the opposite sign": ("validation worse than a constant", another_kind),
    "l2 of 3": ("penalty too strong", penalised),
    "numbers of 0 to 40 as classes": ("a quantity as classes", rounded),
    "outgoing weights of zero": ("learnt nothing", unlucky),
    "150 epochs on 72 noisy rows": ("overfit", overfitted),
    "one sample per batch": ("batch too noisy", noisy),
    "weights of zero": ("symmetric start", symmetric),
    "a column a thousand times wider": ("unscaled columns", unscaled),
    "a column that never changes": ("constant columns", constant_column),
    "a class of one in a hundred": ("imbalance", imbalanced),
    "every row twice": ("duplicate rows", repeated),
    "targets near 2000": ("unscaled targets", large_targets),
}
