"""The rows of a program in NumPy, one short function each: what a person reads, and the oracle of the engine.

Samples are columns: a (fan_in, batch), w (fan_out, fan_in), b (fan_out, 1). BP1 to BP4 are the four equations of
Nielsen, *Neural Networks and Deep Learning*, chapter 2. Elementwise rows (activations, the gate σ'(z), costs, updates)
are the formulas of the tables and need no function here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.program.parameters import Array
from glassnet.tables.activations import Softmax


def affine(a: Array, w: Array, b: Array) -> Array:
    """z = W·a + b. a (fan_in, batch), w (fan_out, fan_in), b (fan_out, 1) → (fan_out, batch)."""
    return w @ a + b


def propagate(delta: Array, w: Array) -> Array:
    """BP2, first half: the error arrives through the weights, ∂c/∂a = Wᵀ·δ. → (fan_in, batch)."""
    return w.T @ delta


def bp4(delta: Array, a: Array) -> Array:
    """BP4: ∂C/∂W = δ·aᵀ / m. delta (fan_out, batch), a (fan_in, batch) → (fan_out, fan_in)."""
    return delta @ a.T / delta.shape[1]


def bp3(delta: Array) -> Array:
    """BP3: ∂C/∂b = mean of δ over the batch. delta (fan_out, batch) → (fan_out, 1)."""
    return delta.sum(axis=1, keepdims=True) / delta.shape[1]


def mean_product(error: Array, x: Array) -> Array:
    """The gradient of a factor a column, ∂C/∂γ = mean(∂c/∂out ⊙ x). → (width, 1)."""
    return (error * x).sum(axis=1, keepdims=True) / error.shape[1]


def feature_mean(x: Array) -> Array:
    """The mean of each sample over its features. (width, batch) → (1, batch)."""
    return x.sum(axis=0, keepdims=True) / x.shape[0]


def feature_mean_product(p: Array, q: Array) -> Array:
    """The mean over features of p ⊙ q, for each sample. → (1, batch)."""
    return (p * q).sum(axis=0, keepdims=True) / p.shape[0]


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and (biased) variance of each column of features over the batch. → twice (width, 1)."""
    return x.mean(axis=1, keepdims=True, dtype=np.float64), x.var(axis=1, keepdims=True, dtype=np.float64)


def feature_moments(x: Array) -> tuple[Array, Array]:
    """Mean and (biased) variance of each sample over its features. → twice (1, batch)."""
    return x.mean(axis=0, keepdims=True, dtype=np.float64), x.var(axis=0, keepdims=True, dtype=np.float64)


def softmax(z: Array, groups: tuple[int, ...]) -> Array:
    """a = exp(z) / Σ exp(z) for each sample, each sum over a group of outputs; `groups` are their sizes."""
    return Softmax(groups).value(z)


def softmax_error(error: Array, a: Array, groups: tuple[int, ...]) -> Array:
    """BP1 or BP2 through softmax: its Jacobian times ∂c/∂a, a ⊙ (∂c/∂a − Σ a·∂c/∂a) for each sample and group."""
    return Softmax(groups).jacobian_product(a, error)


def softmax_cost(z: Array, y: Array, groups: tuple[int, ...]) -> Array:
    """Categorical cross-entropy from z: Σ y·(log Σ exp(z) − z) for each sample, the groups added up. → (1, batch)."""
    ends = np.cumsum(groups)[:-1]
    return sum(map(surprise, np.split(z, ends), np.split(y, ends)), np.zeros((1, z.shape[1])))


def surprise(z: Array, y: Array) -> Array:
    """Σ y·(log Σ exp(z) − z) of the outputs of one distribution. → (1, batch)."""
    shifted = z - z.max(axis=0, keepdims=True)
    return (y * (np.log(np.exp(shifted).sum(axis=0, keepdims=True)) - shifted)).sum(
        axis=0, keepdims=True, dtype=np.float64
    )


def mean_cost(c: Array, *rest: Array, settings: tuple[int, ...]) -> Array:
    """C: the mean over the batch of s ⊙ c, plus the penalty. `settings` begin with 1 where the first of `rest` is s."""
    weights, penalties = rest[: settings[0]], rest[settings[0] :]
    weighted = c * weights[0] if weights else c
    return np.asarray(weighted.sum() / c.shape[1] + sum(float(penalty.sum()) for penalty in penalties))


def clip_scale(*square_sums: Array, limit: float) -> Array:
    """min(1, limit/‖gradients‖). Pascanu et al. (2013), algorithm 1."""
    norm = np.sqrt(sum(float(sums.sum()) for sums in square_sums))
    return np.asarray(1.0 if norm <= limit else limit / norm)


def gather(source: Array, places: Array) -> Array:
    """The mini-batch: the given places of the source, which has samples as rows. → (width, batch)."""
    return source[places].T


def one_hot(labels: Array, places: Array, classes: int) -> Array:
    """Class numbers as columns with a single 1. → (classes, batch)."""
    return np.equal(np.arange(classes)[:, np.newaxis], labels[places])


def sample_weights(weights: Array, places: Array, factor: float) -> Array:
    """s = w·m/Σw; `factor` is m/Σw of this batch. → (1, batch)."""
    return weights[np.newaxis, places] * factor


def mixed(h: Array) -> Array:
    """A hash of 32-bit numbers in which every bit of h reaches every bit of the result (C. Wellons' lowbias32)."""
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
    return h ^ (h >> np.uint32(16))


def dropout(x: Array, threshold: int, scale: float, keys: tuple[int, int], step: int) -> Array:
    """x times `scale` where the hash of (keys, step, sample, feature) reaches `threshold`, else 0."""
    width, batch = x.shape
    with np.errstate(over="ignore"):
        key0 = mixed(np.array([step & 0xFFFFFFFF], np.uint32) + np.uint32(keys[0]))
        key1 = mixed(key0 + np.uint32(keys[1]))
        counter = np.arange(width * batch, dtype=np.uint32).reshape(batch, width).T
        h = mixed(mixed(counter * np.uint32(0x9E3779B9) + key0) + key1)
    return np.where(h >= np.uint32(threshold), x * x.dtype.type(scale), x.dtype.type(0))


EQUATIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(affine, propagate, bp4, bp3, mean_product, feature_mean, feature_mean_product, moments, feature_moments),
        *(softmax, softmax_error, softmax_cost, mean_cost, clip_scale, gather, one_hot, sample_weights, dropout),
    )
}
