"""A closure made from the names of the activations; rows, and the mean is taken at the very end."""

import numpy as np

ACTIVATIONS = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: z.clip(min=0), lambda z: (z > 0) * 1.0),
    "linear": (lambda z: z, np.ones_like),
}


def make_backprop(names):
    funcs = [ACTIVATIONS[name] for name in names]

    def forward(weights, biases, x):
        zs, outs = [], [x]
        for (f, _), w, b in zip(funcs, weights, biases):
            zs.append(outs[-1] @ w + b)
            outs.append(f(zs[-1]))
        return zs, outs

    def cost(weights, biases, x, y):
        return np.mean(np.sum((forward(weights, biases, x)[1][-1] - y) ** 2, axis=1)) / 2

    def backprop(weights, biases, x, y):
        zs, outs = forward(weights, biases, x)
        error = outs[-1] - y
        grads_w, grads_b = [], []
        for layer in reversed(range(len(weights))):
            delta = error * funcs[layer][1](zs[layer])
            grads_w.append(np.tensordot(outs[layer], delta, axes=(0, 0)))
            grads_b.append(delta.sum(0))
            error = delta @ weights[layer].T
        grads_w.reverse()
        grads_b.reverse()
        return [g / len(x) for g in grads_w], [g / len(x) for g in grads_b]

    return backprop, cost
