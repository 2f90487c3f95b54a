"""A regressor with a relu layer and a linear head; learns from a batch, keeps its gradients in attributes."""

import numpy as np


class Regressor:
    def __init__(self, n_features, n_hidden):
        self.W1 = np.random.randn(n_features, n_hidden) * np.sqrt(2.0 / n_features)
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = np.random.randn(n_hidden, 1) * np.sqrt(2.0 / n_hidden)
        self.b2 = np.zeros((1, 1))

    def forward(self, X):
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = self.Z1 * (self.Z1 > 0)
        return self.A1 @ self.W2 + self.b2

    def mse(self, X, y):
        return np.mean((self.forward(X) - y) ** 2)

    def compute_gradients(self, X, y):
        n = len(X)
        err = self.forward(X) - y
        self.dW2 = (2 / n) * self.A1.T @ err
        self.db2 = (2 / n) * err.sum(axis=0, keepdims=True)
        back = err @ self.W2.T
        back[self.Z1 <= 0] = 0
        self.dW1 = (2 / n) * X.T @ back
        self.db1 = (2 / n) * back.sum(axis=0, keepdims=True)

    def partial_fit(self, X, y, lr=0.01):
        self.compute_gradients(X, y)
        for name in ("W1", "b1", "W2", "b2"):
            setattr(self, name, getattr(self, name) - lr * getattr(self, "d" + name))
