"""A class in scikit-learn's manner: fit and predict, mini-batches, nothing else to hold on to."""

import numpy as np


class MLP:
    def __init__(self, layer_sizes, lr=0.1, seed=0):
        self.rng = np.random.default_rng(seed)
        self.lr = lr
        self.W = [self.rng.normal(0, 1 / np.sqrt(i), (i, o)) for i, o in zip(layer_sizes, layer_sizes[1:])]
        self.b = [np.zeros((1, o)) for o in layer_sizes[1:]]

    def _activations(self, X):
        acts = [X]
        for i, (W, b) in enumerate(zip(self.W, self.b)):
            z = acts[-1] @ W + b
            acts.append(z if i == len(self.W) - 1 else np.maximum(z, 0))
        return acts

    def predict(self, X):
        return self._activations(X)[-1]

    def _step(self, X, y):
        acts = self._activations(X)
        grad = 2 * (acts[-1] - y) / y.shape[0]
        for i in reversed(range(len(self.W))):
            dW = acts[i].T @ grad
            db = grad.sum(axis=0, keepdims=True)
            if i:
                grad = (grad @ self.W[i].T) * (acts[i] > 0)
            self.W[i] = self.W[i] - self.lr * dW
            self.b[i] = self.b[i] - self.lr * db

    def fit(self, X, y, epochs=100, batch_size=None):
        size = batch_size or len(X)
        for _ in range(epochs):
            order = self.rng.permutation(len(X))
            X, y = X[order], y[order]
            for start in range(0, len(X), size):
                self._step(X[start : start + size], y[start : start + size])
        return self
