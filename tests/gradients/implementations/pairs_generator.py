"""Gradients as (dW, db) pairs from a generator, the first layer first."""

from collections import deque
from functools import reduce

import numpy as np

act = np.tanh


def act_slope(z):
    return 1 / np.cosh(z) ** 2


def run(layers, x):
    return reduce(lambda a, wb: act(wb[0] @ a + wb[1]), layers, x)


def gradients(layers, x, y):
    zs, activations = deque(), deque([x])
    for w, b in layers:
        zs.append(w @ activations[-1] + b)
        activations.append(act(zs[-1]))
    found = deque()
    upstream = activations.pop() - y
    for w, _ in reversed(layers):
        local = upstream * act_slope(zs.pop())
        below = activations.pop()
        found.appendleft((local @ below.T, local.sum(axis=1, keepdims=True)))
        upstream = w.T @ local
    yield from found
