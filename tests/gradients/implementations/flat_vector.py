"""For scipy.optimize.minimize(..., jac=True): one flat vector in, the cost and one flat gradient out."""

import numpy as np


def pack(matrices):
    return np.concatenate([m.ravel() for m in matrices])


def unpack(theta, sizes):
    weights, biases, at = [], [], 0
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        weights.append(theta[at : at + n_in * n_out].reshape(n_in, n_out))
        at += n_in * n_out
        biases.append(theta[at : at + n_out])
        at += n_out
    return weights, biases


def objective(theta, sizes, x, y):
    weights, biases = unpack(theta, sizes)
    acts = [x]
    for w, b in zip(weights[:-1], biases[:-1]):
        acts.append(np.tanh(acts[-1] @ w + b))
    out = acts[-1] @ weights[-1] + biases[-1]
    residual = out - y
    cost = 0.5 * np.sum(residual**2)

    pieces = []
    back = residual
    for i in range(len(weights) - 1, -1, -1):
        pieces = [acts[i].T @ back, back.sum(axis=0), *pieces]
        if i > 0:
            back = (back @ weights[i].T) * (1 - acts[i] ** 2)
    return cost, pack(pieces)
