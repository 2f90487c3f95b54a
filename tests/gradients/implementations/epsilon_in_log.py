"""Binary cross-entropy with 1e-8 in the logarithm and in the derivative that belongs to it."""

import numpy as np

EPS = 1e-8


class Model:
    """Two layers; gradients are kept in self.grads."""

    def __init__(self, n_in, n_hidden, n_out):
        self.w1 = np.random.normal(size=(n_in, n_hidden))
        self.b1 = np.zeros((1, n_hidden))
        self.w2 = np.random.normal(size=(n_hidden, n_out))
        self.b2 = np.zeros((1, n_out))

    @staticmethod
    def act(z):
        return 1 / (1 + np.exp(-z))

    def forward(self, x):
        self.x = x
        self.z1 = x @ self.w1 + self.b1
        self.a1 = self.act(self.z1)
        self.z2 = self.a1 @ self.w2 + self.b2
        self.a2 = self.act(self.z2)
        return self.a2

    def loss(self, y):
        p = self.a2
        return -np.mean(y * np.log(p + EPS) + (1 - y) * np.log(1 - p + EPS))

    def backward(self, y):
        p = self.a2
        dp = -(y / (p + EPS) - (1 - y) / (1 - p + EPS)) / y.size
        dz2 = dp * p * (1 - p)
        self.dw2 = self.a1.T @ dz2
        self.db2 = np.sum(dz2, axis=0, keepdims=True)
        dz1 = dz2 @ self.w2.T * self.a1 * (1 - self.a1)
        self.dw1 = self.x.T @ dz1
        self.db1 = np.sum(dz1, axis=0, keepdims=True)
