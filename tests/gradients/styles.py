"""Backpropagation in the styles in which people write it, all of them right: two sigmoid layers, the quadratic cost.

`gate` is σ' of the hidden layer; another function there makes the style wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

Gate = Callable[[Any], Any]


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def slope(a: Any) -> Any:
    """σ' by a = σ(z)."""
    return a * (1 - a)


def columns(w: Any, b: Any, x: Any, y: Any, gate: Gate = slope) -> Any:
    """dW1, db1, dW2, db2 with samples as columns and biases (fan_out, 1)."""
    a1 = sigmoid(w[0] @ x + b[0])
    a2 = sigmoid(w[1] @ a1 + b[1])
    d2 = (a2 - y) * slope(a2)
    d1 = w[1].T @ d2 * gate(a1)
    m = x.shape[1]
    return d1 @ x.T / m, d1.mean(axis=1, keepdims=True), d2 @ a1.T / m, d2.mean(axis=1, keepdims=True)


def rows(w: Any, b: Any, x: Any, y: Any, gate: Gate = slope) -> Any:
    """dW1, db1, dW2, db2 with samples as rows, weights (fan_in, fan_out), biases (1, fan_out) that must be so."""
    assert b[0].shape == (1, w[0].shape[1]), "biases are (1, fan_out)"
    a1 = sigmoid(x @ w[0] + b[0])
    a2 = sigmoid(a1 @ w[1] + b[1])
    d2 = (a2 - y) * slope(a2)
    d1 = d2 @ w[1].T * gate(a1)
    m = len(x)
    return x.T @ d1 / m, d1.mean(axis=0, keepdims=True), a1.T @ d2 / m, d2.mean(axis=0, keepdims=True)


def mixed(w: Any, b: Any, x: Any, y: Any, gate: Gate = slope) -> Any:
    """Samples as rows, weights (fan_out, fan_in), biases (fan_out,), as in PyTorch."""
    a1 = sigmoid(x @ w[0].T + b[0])
    a2 = sigmoid(a1 @ w[1].T + b[1])
    d2 = (a2 - y) * slope(a2)
    d1 = d2 @ w[1] * gate(a1)
    m = len(x)
    return d1.T @ x / m, d1.mean(axis=0), d2.T @ a1 / m, d2.mean(axis=0)


def one_column(w: Any, b: Any, x: Any, y: Any, gate: Gate = slope) -> Any:
    """(db, dw) of one sample (fan_in, 1)."""
    assert x.shape == (w[0].shape[1], 1)
    dw1, db1, dw2, db2 = columns(w, b, x, y, gate)
    return [db1, db2], [dw1, dw2]


def one_vector(w: Any, b: Any, x: Any, y: Any, gate: Gate = slope) -> Any:
    """(dw, db) of one sample (fan_in,)."""
    a1 = sigmoid(w[0] @ x + b[0])
    a2 = sigmoid(w[1] @ a1 + b[1])
    d2 = (a2 - y) * slope(a2)
    d1 = w[1].T @ d2 * gate(a1)
    return [np.outer(d1, x), np.outer(d2, a1)], [d1, d2]


def no_biases(w: Any, x: Any, y: Any, gate: Gate = slope) -> Any:
    a1 = sigmoid(w[0] @ x)
    a2 = sigmoid(w[1] @ a1)
    d2 = (a2 - y) * slope(a2)
    d1 = w[1].T @ d2 * gate(a1)
    return [d1 @ x.T / x.shape[1], d2 @ a1.T / x.shape[1]]


def folded_first(w: Any, x: Any, y: Any, gate: Gate = slope) -> Any:
    """Ones are put on top of x and of a; W (fan_out, fan_in + 1)."""
    ones = np.ones((1, x.shape[1]))
    a0 = np.vstack([ones, x])
    a1 = np.vstack([ones, sigmoid(w[0] @ a0)])
    a2 = sigmoid(w[1] @ a1)
    d2 = (a2 - y) * slope(a2)
    d1 = w[1][:, 1:].T @ d2 * gate(a1[1:])
    return [d1 @ a0.T / x.shape[1], d2 @ a1.T / x.shape[1]]


def folded_last(w: Any, x: Any, y: Any, gate: Gate = slope) -> Any:
    """Samples as rows; x comes with its ones at the right, W (fan_in + 1, fan_out)."""
    assert (x[:, -1] == 1).all()
    a1 = np.column_stack([sigmoid(x @ w[0]), np.ones(len(x))])
    a2 = sigmoid(a1 @ w[1])
    d2 = (a2 - y) * slope(a2)
    d1 = d2 @ w[1][:-1].T * gate(a1[:, :-1])
    return [x.T @ d1 / len(x), a1.T @ d2 / len(x)]


class Attributes:
    """W1, b1, W2, b2 in an object, samples as rows; fit changes them in place, or binds new arrays."""

    def __init__(self, sizes: list[int], in_place: bool = True, gate: Gate = slope) -> None:
        rng = np.random.default_rng(0)
        self.W1, self.W2 = (rng.normal(size=pair) for pair in itertools.pairwise(sizes))
        self.b1, self.b2 = (np.zeros((1, n)) for n in sizes[1:])
        self.in_place, self.gate = in_place, gate

    def gradients_of(self, X: Any, Y: Any) -> Any:
        return rows([self.W1, self.W2], [self.b1, self.b2], X, Y, self.gate)

    def fit(self, X: Any, Y: Any, epochs: int = 100, learning_rate: float = 0.1) -> None:
        for _ in range(epochs):
            for name, gradient in zip(("W1", "b1", "W2", "b2"), self.gradients_of(X, Y), strict=True):
                if self.in_place:
                    array = getattr(self, name)
                    array -= learning_rate * gradient
                else:
                    setattr(self, name, getattr(self, name) - learning_rate * gradient)

    def predict(self, X: Any) -> Any:
        return sigmoid(sigmoid(X @ self.W1 + self.b1) @ self.W2 + self.b2)


class Layer:
    def __init__(self, fan_in: int, fan_out: int, gate: Gate) -> None:
        self.weights, self.bias = np.random.default_rng(fan_in).normal(size=(fan_in, fan_out)), np.zeros(fan_out)
        self.gate = gate

    def forward(self, x: Any) -> Any:
        self.x, self.a = x, sigmoid(x @ self.weights + self.bias)
        return self.a

    def backward(self, error: Any) -> Any:
        delta = error * self.gate(self.a)
        self.dweights, self.dbias = self.x.T @ delta, delta.sum(axis=0)
        return delta @ self.weights.T


class Layers:
    """A list of layer objects that keep their gradients; forward and backward."""

    def __init__(self, layer_sizes: list[int], gate: Gate = slope) -> None:
        pairs = itertools.pairwise(layer_sizes)
        self.layers = [Layer(*pair, slope if n == len(layer_sizes) - 2 else gate) for n, pair in enumerate(pairs)]

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, y_pred: Any, y: Any) -> None:
        error = (y_pred - y) / len(y)
        for layer in reversed(self.layers):
            error = layer.backward(error)


class Book:
    """The class of a well-known free book: sizes, weights, biases, backprop of one sample, update_mini_batch."""

    gate: Gate = staticmethod(slope)

    def __init__(self, sizes: list[int]) -> None:
        rng = np.random.default_rng(1)
        self.sizes = sizes
        self.biases = [rng.normal(size=(n, 1)) for n in sizes[1:]]
        self.weights = [rng.normal(size=(n, k)) for k, n in itertools.pairwise(sizes)]

    def backprop(self, x: Any, y: Any) -> Any:
        return one_column(self.weights, self.biases, x, y, self.gate)

    def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
        sums = [np.zeros_like(b) for b in self.biases], [np.zeros_like(w) for w in self.weights]
        for x, y in mini_batch:
            sums = tuple(
                [s + g for s, g in zip(*pair, strict=True)] for pair in zip(sums, self.backprop(x, y), strict=True)
            )
        rate = eta / len(mini_batch)
        self.biases = [b - rate * g for b, g in zip(self.biases, sums[0], strict=True)]
        self.weights = [w - rate * g for w, g in zip(self.weights, sums[1], strict=True)]
