"""An object made from a list of sizes: forward remembers, backward returns the gradients as lists."""

import numpy as np


class NN:
    def __init__(self, sizes):
        self.L = len(sizes) - 1
        self.weights = []
        self.biases = []
        for i in range(self.L):
            self.weights.append(np.random.randn(sizes[i + 1], sizes[i]) * np.sqrt(2 / sizes[i]))
            self.biases.append(np.zeros((sizes[i + 1], 1)))

    def forward(self, X):
        self.A = [X]
        self.Z = []
        for i in range(self.L):
            self.Z.append(self.weights[i] @ self.A[i] + self.biases[i])
            self.A.append(np.tanh(self.Z[i]))
        return self.A[-1]

    def backward(self, Y):
        m = Y.shape[1]
        dW = [0] * self.L
        db = [0] * self.L
        dA = self.A[-1] - Y
        for i in range(self.L - 1, -1, -1):
            dZ = dA * (1 - np.tanh(self.Z[i]) ** 2)
            dW[i] = dZ @ self.A[i].T / m
            db[i] = np.mean(dZ, axis=1, keepdims=True)
            dA = self.weights[i].T @ dZ
        return dW, db
