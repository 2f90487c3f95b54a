"""Two layers, samples as rows, all four gradients returned as a tuple."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(x, W1, b1, W2, b2):
    z1 = x @ W1 + b1
    h = np.tanh(z1)
    z2 = h @ W2 + b2
    out = sigmoid(z2)
    return z1, h, z2, out


def loss(out, y):
    return np.mean(np.sum((out - y) ** 2, axis=1))


def backward(x, y, W1, b1, W2, b2):
    n = x.shape[0]
    z1, h, z2, out = forward(x, W1, b1, W2, b2)
    d_out = 2 * (out - y) / n
    d_z2 = d_out * out * (1 - out)
    dW2 = h.T @ d_z2
    db2 = d_z2.sum(axis=0)
    d_h = d_z2 @ W2.T
    d_z1 = d_h * (1 - h**2)
    dW1 = x.T @ d_z1
    db1 = d_z1.sum(axis=0)
    return dW1, db1, dW2, db2
