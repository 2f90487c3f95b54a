"""Twenty fits that go well, on scikit-learn's data sets and on data with a known answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork

from .broken_networks import Case, blobs, trained, wave

Array = np.ndarray[Any, Any]


def scaled(x: Array) -> Array:
    """Features with mean 0 and standard deviation 1, without the constant ones; samples are columns."""
    x = x[x.std(axis=1) > 0]
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def classes(name: str, layers: list[Any], activation: str = "relu", **options: Any) -> Case:
    """A classifier of one of scikit-learn's data sets."""
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    x = x.T / 16 if name == "digits" else scaled(x.T)
    dense = sum(isinstance(layer, int) for layer in layers)
    layers = [len(x), *layers, int(y.max()) + 1]
    net = NeuralNetwork(layers, [activation] * dense + ["softmax"], cost="categorical_cross_entropy", seed=0)
    return trained(net, x, y, **{"validation": 0.2, "patience": 10, **options})


def quantities(layers: list[int], activation: str = "relu", cost: str = "quadratic", **options: Any) -> Case:
    """A regression on scikit-learn's diabetes data."""
    x, y = datasets.load_diabetes(return_X_y=True)
    net = NeuralNetwork([10, *layers, 1], [activation] * len(layers) + ["linear"], cost=cost, seed=0, l2=1e-3)
    return trained(net, scaled(x.T), scaled(y[np.newaxis]), **{"validation": 0.2, "patience": 10, **options})


def exclusive_or() -> Case:
    """The article's own network, on the smallest problem that needs a hidden layer."""
    x = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]])
    y = np.array([[0.0, 1, 1, 0]])
    return trained(NeuralNetwork([2, 10, 1], seed=1), x, y, batch_size=4, epochs=4000, lr=0.03)


def product() -> Case:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 1000))
    y = (x[:1] * x[1:] > 0).astype(float)
    return trained(NeuralNetwork([2, 10, 1], seed=0), x, y, batch_size=10, epochs=200, lr=0.5, optimizer="sgd")


def curve(activation: str, **options: Any) -> Case:
    x, y = wave()
    net = NeuralNetwork([1, 30, 30, 1], [activation, activation, "linear"], seed=0)
    return trained(net, x, y, **{"epochs": 120, **options})


def counts() -> Case:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 1500))
    y = rng.poisson(np.exp(0.5 * x[:1] + 0.8 * np.abs(x[1:2]))).astype(float)
    return trained(NeuralNetwork([3, 24, 1], ["tanh", "exp"], cost="poisson", seed=0), x, y)


def two_classes() -> Case:
    x, y = datasets.load_breast_cancer(return_X_y=True)
    net = NeuralNetwork([30, 16, 1], ["relu", "sigmoid"], cost="binary_cross_entropy", seed=0)
    return trained(net, scaled(x.T), y[np.newaxis].astype(float), validation=0.2, patience=10)


def points() -> Case:
    x, y = blobs()
    net = NeuralNetwork([2, 16, 3], ["tanh", "softmax"], cost="categorical_cross_entropy", seed=0)
    return trained(net, x, y)


HEALTHY: dict[str, Callable[[], Case]] = {
    "xor, the article's network": exclusive_or,
    "sign of a product, sgd": product,
    "blobs, tanh": points,
    "iris, tanh": lambda: classes("iris", [16], "tanh"),
    "iris, sigmoid": lambda: classes("iris", [16], "sigmoid", epochs=200),
    "wine, relu": lambda: classes("wine", [32]),
    "wine, two layers": lambda: classes("wine", [32, 16], "silu"),
    "breast cancer, softmax": lambda: classes("breast_cancer", [32]),
    "breast cancer, sigmoid": two_classes,
    "digits, relu": lambda: classes("digits", [64]),
    "digits, tanh, two layers": lambda: classes("digits", [64, 32], "tanh"),
    "digits, dropout": lambda: classes("digits", [128, Dropout(0.2), 64]),
    "digits, batch norm": lambda: classes("digits", [64, BatchNorm(), 64]),
    "digits, layer norm, sgd": lambda: classes("digits", [64, LayerNorm()], optimizer="momentum", lr=0.05),
    "diabetes": lambda: quantities([32]),
    "diabetes, gelu, huber": lambda: quantities([32, 16], "gelu", "huber"),
    "a wave, tanh": lambda: curve("tanh"),
    "a wave, relu": lambda: curve("relu"),
    "a wave, sgd": lambda: curve("tanh", optimizer="sgd", lr=0.05),
    "counts": counts,
}
