"""A script: the parameters are globals of the module, and each step changes them in place."""

import numpy as np

np.random.seed(1)
W1 = np.random.randn(4, 3)
b1 = np.zeros((4, 1))
W2 = np.random.randn(2, 4)
b2 = np.zeros((2, 1))
alpha = 0.5


def sig(z):
    return 1 / (1 + np.exp(-z))


def train_step(X, Y):
    global W1, b1, W2, b2
    m = X.shape[1]
    # forward
    Z1 = W1.dot(X) + b1
    A1 = sig(Z1)
    Z2 = W2.dot(A1) + b2
    A2 = sig(Z2)
    # backward
    dZ2 = (A2 - Y) * A2 * (1 - A2)
    dZ1 = W2.T.dot(dZ2) * A1 * (1 - A1)
    # update
    W2 -= alpha * dZ2.dot(A1.T) / m
    b2 -= alpha * dZ2.sum(axis=1, keepdims=True) / m
    W1 -= alpha * dZ1.dot(X.T) / m
    b1 -= alpha * dZ1.sum(axis=1, keepdims=True) / m
    return 0.5 * np.sum((A2 - Y) ** 2) / m
