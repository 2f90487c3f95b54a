"""Biases as the last row of each weight matrix; a column of ones is appended to every layer's input."""

import numpy as np


def add_ones(a):
    return np.hstack([a, np.ones((a.shape[0], 1))])


def sigma(z):
    return 1.0 / (1.0 + np.exp(-z))


def predict(weights, x):
    a = x
    for w in weights:
        a = sigma(add_ones(a) @ w)
    return a


def cost(weights, x, y):
    return 0.5 * np.sum((predict(weights, x) - y) ** 2) / len(x)


def backprop(weights, x, y):
    inputs, a = [], x
    for w in weights:
        inputs.append(add_ones(a))
        a = sigma(inputs[-1] @ w)

    grads = [np.zeros_like(w) for w in weights]
    delta = (a - y) * a * (1 - a)
    for k in range(len(weights) - 1, -1, -1):
        grads[k] = inputs[k].T @ delta / len(x)
        if k > 0:
            h = inputs[k][:, :-1]
            delta = delta @ weights[k][:-1].T * h * (1 - h)
    return grads
