"""No NumPy: lists of lists, loops and math.exp; one sample at a time."""

import math


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


def forward(weights, biases, x):
    activations = [list(x)]
    for w, b in zip(weights, biases):
        previous = activations[-1]
        layer = []
        for j in range(len(w)):
            total = b[j]
            for k in range(len(previous)):
                total += w[j][k] * previous[k]
            layer.append(sigmoid(total))
        activations.append(layer)
    return activations


def error(weights, biases, x, y):
    output = forward(weights, biases, x)[-1]
    return sum((o - t) ** 2 for o, t in zip(output, y)) / 2


def backprop(weights, biases, x, y):
    activations = forward(weights, biases, x)
    output = activations[-1]
    deltas = [(o - t) * o * (1 - o) for o, t in zip(output, y)]
    grad_w, grad_b = [], []
    for layer in range(len(weights) - 1, -1, -1):
        previous = activations[layer]
        grad_w.insert(0, [[d * p for p in previous] for d in deltas])
        grad_b.insert(0, list(deltas))
        below = []
        for k in range(len(previous)):
            s = sum(weights[layer][j][k] * deltas[j] for j in range(len(deltas)))
            below.append(s * previous[k] * (1 - previous[k]))
        deltas = below
    return grad_w, grad_b
