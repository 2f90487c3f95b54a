"""The article's network written out by hand: what a plain network must compute, without programs, tables or buffers.

Sigmoid throughout, quadratic cost, samples are columns. The tests compare glassnet with it; the same comparisons catch
the planted faults.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.network import NeuralNetwork

Array = np.ndarray[Any, Any]


class Pass(NamedTuple):
    """The results of one pass forward and back."""

    z_s: list[Array]
    a_s: list[Array]
    cost: float
    dw: list[Array]
    db: list[Array]


def backpropagated(
    weights: list[Array], biases: list[Array], x: Array, y: Array, s: Array, l1: float, l2: float
) -> Pass:
    """The four equations; s are the weights of the samples."""
    z_s, a_s, m = [], [x], x.shape[1]
    for w, b in zip(weights, biases, strict=True):
        z_s.append(w @ a_s[-1] + b)
        a_s.append(1 / (1 + np.exp(-z_s[-1])))
    costs = ((a_s[-1] - y) ** 2).sum(axis=0) / 2
    penalty = sum(l1 * abs(w).sum() + l2 / 2 * (w**2).sum() for w in weights)
    delta = s * m / s.sum() * (a_s[-1] - y) * a_s[-1] * (1 - a_s[-1])
    dw, db = [], []
    for layer in reversed(range(len(weights))):
        dw.insert(0, delta @ a_s[layer].T / m + l1 * np.sign(weights[layer]) + l2 * weights[layer])
        db.insert(0, delta.mean(axis=1, keepdims=True))
        delta = weights[layer].T @ delta * a_s[layer] * (1 - a_s[layer])
    return Pass(z_s, a_s, float((s * costs).sum() / s.sum() + penalty), dw, db)


def descended(net: NeuralNetwork, x: Array, y: Array, s: Array, steps: int, lr: float, limit: float) -> list[Any]:
    """Weights, biases and the costs of full-batch gradient descent with the gradients clipped to a norm."""
    weights, biases, costs = [w.copy() for w in net.weights], [b.copy() for b in net.biases], []
    for _ in range(steps):
        step = backpropagated(weights, biases, x, y, s, net.architecture.l1, net.architecture.l2)
        costs.append(step.cost)
        norm = np.sqrt(sum((gradient**2).sum() for gradient in (*step.dw, *step.db)))
        rate = lr * min(1, limit / norm)
        weights = [w - rate * dw for w, dw in zip(weights, step.dw, strict=True)]
        biases = [b - rate * db for b, db in zip(biases, step.db, strict=True)]
    return [*weights, *biases, costs]


def same(actual: Any, expected: Any) -> None:
    """Raise AssertionError unless every array agrees to 1e-12."""
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


def check_pass(net: NeuralNetwork, x: Array, y: Array, s: Array) -> None:
    """feedforward, cost and backpropagation of a plain network equal those written out above."""
    architecture = net.architecture
    expected = backpropagated(list(net.weights), list(net.biases), x, y, s, architecture.l1, architecture.l2)
    z_s, a_s = net.feedforward(x)
    same(z_s, expected.z_s)
    same(a_s, expected.a_s)
    same([net.cost(x, y, sample_weight=s)], [expected.cost])
    dw, db = net.backpropagation(y, z_s, a_s, sample_weight=s)
    same(dw, expected.dw)
    same(db, expected.db)


def check_steps(net: NeuralNetwork, x: Array, y: Array, s: Array, limit: float) -> None:
    """Three steps of training by sgd, clipped to a norm, equal those written out above."""
    expected = descended(net, x, y, s, 3, 0.7, limit)
    history = net.train(x, y, x.shape[1], 3, 0.7, sample_weight=s, clip_norm=limit, verbose=0)
    same([*net.weights, *net.biases, history["cost"]], expected)
