"""Softmax with its whole Jacobian, sample by sample, and cross-entropy's −y/a: nothing is cancelled by hand."""

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def loss(weights, biases, x, y):
    a = np.tanh(x @ weights[0] + biases[0])
    p = softmax(a @ weights[1] + biases[1])
    return -np.sum(y * np.log(p)) / len(x)


def backprop(weights, biases, x, y):
    n = len(x)
    a1 = np.tanh(x @ weights[0] + biases[0])
    p = softmax(a1 @ weights[1] + biases[1])
    dp = -y / p / n
    dz2 = np.empty_like(p)
    for s in range(n):
        jacobian = np.diag(p[s]) - np.outer(p[s], p[s])
        dz2[s] = jacobian @ dp[s]
    dz1 = dz2 @ weights[1].T * (1 - a1**2)
    dw = [x.T @ dz1, a1.T @ dz2]
    db = [dz1.sum(axis=0), dz2.sum(axis=0)]
    return dw, db
