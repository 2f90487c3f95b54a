"""Parameters and gradients are instances of one dataclass; the loss comes first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class Params:
    W1: Array
    b1: Array
    W2: Array
    b2: Array


def logistic(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))


def loss_and_grad(params: Params, x: Array, y: Array) -> tuple[float, Params]:
    batch = x.shape[0]
    z1 = x @ params.W1 + params.b1
    a1 = np.maximum(z1, 0.0)
    p = logistic(a1 @ params.W2 + params.b2)
    loss = -np.mean(np.sum(y * np.log(p) + (1 - y) * np.log(1 - p), axis=1))

    dz2 = (p - y) / batch
    dz1 = (dz2 @ params.W2.T) * (z1 > 0)
    grads = Params(W1=x.T @ dz1, b1=dz1.sum(0), W2=a1.T @ dz2, b2=dz2.sum(0))
    return float(loss), grads
