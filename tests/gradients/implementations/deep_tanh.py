"""Four layers: tanh, tanh, tanh and a linear head; dicts by layer number, a recursive backward pass."""

import numpy as np


class DeepRegressor:
    def __init__(self, dims):
        self.depth = len(dims) - 1
        rng = np.random.default_rng(7)
        self.w = {k: rng.standard_normal((dims[k], dims[k - 1])) / np.sqrt(dims[k - 1]) for k in self.levels()}
        self.b = {k: np.zeros((dims[k], 1)) for k in self.levels()}

    def levels(self):
        return range(1, self.depth + 1)

    def forward(self, x):
        z, a = {}, {0: x}
        for k in self.levels():
            z[k] = self.w[k] @ a[k - 1] + self.b[k]
            a[k] = np.tanh(z[k]) if k < self.depth else z[k]
        return z, a

    def delta(self, k, z, a, y):
        if k == self.depth:
            return a[k] - y
        return (self.w[k + 1].T @ self.delta(k + 1, z, a, y)) * (1 - a[k] ** 2)

    def gradient(self, x, y):
        z, a = self.forward(x)
        m = x.shape[1]
        deltas = {k: self.delta(k, z, a, y) for k in self.levels()}
        self.dw = {k: deltas[k] @ a[k - 1].T / m for k in self.levels()}
        self.db = {k: deltas[k].sum(axis=1, keepdims=True) / m for k in self.levels()}
        return self.dw, self.db

    def update(self, lr):
        for k in self.levels():
            self.w[k] = self.w[k] - lr * self.dw[k]
            self.b[k] = self.b[k] - lr * self.db[k]

    def train_on_batch(self, x, y, lr=0.01):
        self.gradient(x, y)
        self.update(lr)
