"""The second network of that family: the cost is a class with fn and delta, and weights decay in the update."""

import numpy as np


class CrossEntropyCost:
    @staticmethod
    def fn(a, y):
        return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))

    @staticmethod
    def delta(z, a, y):
        return a - y


class Network:
    def __init__(self, sizes, cost=CrossEntropyCost):
        self.sizes = sizes
        self.cost = cost
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) / np.sqrt(x) for x, y in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(w @ a + b)
        return a

    def update_mini_batch(self, batch, eta, lmbda=0.0, n=1):
        gw = [np.zeros_like(w) for w in self.weights]
        gb = [np.zeros_like(b) for b in self.biases]
        for x, y in batch:
            db, dw = self.backprop(x, y)
            for layer in range(len(gw)):
                gw[layer] += dw[layer]
                gb[layer] += db[layer]
        m = len(batch)
        self.weights = [(1 - eta * lmbda / n) * w - eta / m * g for w, g in zip(self.weights, gw)]
        self.biases = [b - eta / m * g for b, g in zip(self.biases, gb)]

    def backprop(self, x, y):
        zs, acts = [], [x]
        for b, w in zip(self.biases, self.weights):
            zs.append(w @ acts[-1] + b)
            acts.append(sigmoid(zs[-1]))
        delta = self.cost.delta(zs[-1], acts[-1], y)
        db, dw = [delta], [delta @ acts[-2].T]
        for layer in range(len(self.weights) - 2, -1, -1):
            s = sigmoid(zs[layer])
            delta = (self.weights[layer + 1].T @ delta) * s * (1 - s)
            db.insert(0, delta)
            dw.insert(0, delta @ acts[layer].T)
        return db, dw

    def total_cost(self, data):
        return sum(self.cost.fn(self.feedforward(x), y) for x, y in data) / len(data)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))
