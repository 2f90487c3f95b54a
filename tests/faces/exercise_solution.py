"""The exercise, done: right answers to all seven steps, as a person might write them."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def neuron(w, b, x):
    z = w @ x + b
    return z, sigmoid(z)


def cost(a, y):
    return 0.5 * np.sum((a - y) ** 2), a - y


def output_error(dc_da, z):
    return dc_da * slope(z)


def forward(weights, biases, x):
    z_s, a_s = [], [x]
    for w, b in zip(weights, biases, strict=True):
        z_s.append(w @ a_s[-1] + b)
        a_s.append(sigmoid(z_s[-1]))
    return z_s, a_s


def hidden_error(w_next, delta_next, z):
    return w_next.T @ delta_next * slope(z)


def gradient(weights, biases, x, y):
    z_s, a_s = forward(weights, biases, x)
    delta = output_error(cost(a_s[-1], y)[1], z_s[-1])
    dw, db = [], []
    for layer in reversed(range(len(weights))):
        dw.insert(0, delta @ a_s[layer].T)
        db.insert(0, delta)
        if layer > 0:
            delta = hidden_error(weights[layer], delta, z_s[layer - 1])
    return dw, db


def descend(weights, biases, dw, db, lr):
    return [w - lr * g for w, g in zip(weights, dw, strict=True)], [b - lr * g for b, g in zip(biases, db, strict=True)]


def epoch(weights, biases, x, y, batch_size, lr, rng):
    order = rng.permutation(x.shape[1])
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        dw = [np.zeros_like(w) for w in weights]
        db = [np.zeros_like(b) for b in biases]
        for i in batch:
            one_dw, one_db = gradient(weights, biases, x[:, [i]], y[:, [i]])
            dw = [total + part / len(batch) for total, part in zip(dw, one_dw, strict=True)]
            db = [total + part / len(batch) for total, part in zip(db, one_db, strict=True)]
        weights, biases = descend(weights, biases, dw, db, lr)
    return weights, biases
