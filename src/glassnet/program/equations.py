"""The equations of a program in NumPy, one short function each: what a person reads, and the oracle of the engine.

Samples are columns: a (fan_in, batch), w (fan_out, fan_in), b (fan_out, 1). `bp1` to `bp4` are the four equations of
Nielsen, *Neural Networks and Deep Learning*, chapter 2; the builder makes the program from them. All other elementwise
equations (activations, costs, updates) are formulas of the tables and need no function here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.program.embedding_equations import (
    add_selected,
    concatenate,
    grouped_affine,
    grouped_bp4,
    grouped_propagate,
    look_up,
    look_up_gradient,
    select,
    split,
)
from glassnet.program.parameters import Array
from glassnet.tables.activations import Softmax
from glassnet.tables.bfloat16 import bfloat16

SECOND_HASH = 0x68E31DA4  # is added to a hash, for a second one


def affine(a: Array, w: Array, b: Array) -> Array:
    """z = W·a + b. a (fan_in, batch), w (fan_out, fan_in), b (fan_out, 1) → (fan_out, batch)."""
    return w @ a + b


def bp1(cost_gradient: Any, slope: Any) -> Any:
    """BP1, the error at the output: δ = ∂c/∂a ⊙ σ'(z). Both arguments and the result are (fan_out, batch).

    Source: Nielsen, chapter 2, equation (BP1a). δ is each sample's own and has no 1/m.
    """
    return cost_gradient * slope


def propagate(delta: Array, w: Array) -> Array:
    """The first half of BP2: ∂c/∂a = Wᵀ·δ. delta (fan_out, batch), w (fan_out, fan_in) → (fan_in, batch)."""
    return w.T @ delta


def bp2(delta: Array, w: Array, slope: Array) -> Array:
    """BP2, the error one layer below: δ ← Wᵀ·δ ⊙ σ'(z).

    delta (fan_out, batch) and w (fan_out, fan_in) are those of the layer above, slope (fan_in, batch) and the result
    (fan_in, batch) those of the layer itself. Source: Nielsen, chapter 2, equation (BP2).
    """
    return bp1(propagate(delta, w), slope)


def bp3(delta: Array) -> Array:
    """BP3, the gradient of the biases: ∂C/∂b = mean of δ over the batch. delta (fan_out, batch) → (fan_out, 1).

    Source: Nielsen, chapter 2, equation (BP3), as the mean over the batch.
    """
    return delta.sum(axis=1, keepdims=True) / delta.shape[1]


def bp4(delta: Array, a: Array) -> Array:
    """BP4, the gradient of the weights: ∂C/∂W = δ·aᵀ / m. delta (fan_out, m), a (fan_in, m) → (fan_out, fan_in).

    a is what the layer reads. Source: Nielsen, chapter 2, equation (BP4), as the mean over the m samples of the batch.
    """
    return delta @ a.T / delta.shape[1]


def mean_product(error: Array, x: Array) -> Array:
    """The gradient of one factor per column, ∂C/∂γ = mean(∂c/∂out ⊙ x). → (width, 1)."""
    return bp3(error * x)


def feature_mean(x: Array) -> Array:
    """The mean of each sample over its features. (width, batch) → (1, batch)."""
    return x.sum(axis=0, keepdims=True) / x.shape[0]


def feature_mean_product(p: Array, q: Array) -> Array:
    """The mean over features of p ⊙ q, for each sample. → (1, batch)."""
    return feature_mean(p * q)


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
    """Categorical cross-entropy from z: Σ y·(log Σ exp(z) − z) per sample, summed over the groups. → (1, batch)."""
    ends = np.cumsum(groups)[:-1]
    return sum(map(cross_entropy, np.split(z, ends), np.split(y, ends)), np.zeros((1, z.shape[1])))


def softmax_and_cost(z: Array, y: Array, groups: tuple[int, ...]) -> tuple[Array, Array]:
    """softmax(z) and its cross-entropy with y, as the fused lowering joins them."""
    return softmax(z, groups), softmax_cost(z, y, groups)


def cross_entropy(z: Array, y: Array) -> Array:
    """Σ y·(log Σ exp(z) − z) of the outputs of one distribution. → (1, batch)."""
    shifted = z - z.max(axis=0, keepdims=True)
    costs = y * (np.log(np.exp(shifted).sum(axis=0, keepdims=True)) - shifted)
    return costs.sum(axis=0, keepdims=True, dtype=np.float64)


def mean_cost(c: Array, *rest: Array, settings: tuple[int, ...]) -> Array:
    """C: the mean over the batch of s ⊙ c, plus the penalty. `settings` begin with 1 where the first of `rest` is s."""
    weights, penalties = rest[: settings[0]], rest[settings[0] :]
    weighted = c * weights[0] if weights else c
    return np.asarray(weighted.sum() / c.shape[1] + sum(float(penalty.sum()) for penalty in penalties))


def clip_scale(*square_sums: Array, limit: float) -> Array:
    """min(1, limit/‖gradients‖). Pascanu et al. (2013), algorithm 1."""
    norm = np.sqrt(sum(float(sums.sum()) for sums in square_sums))
    return np.asarray(1.0 if norm <= limit else limit / norm)


def square_means(w: Array) -> Array:
    """The mean of the squares of each neuron's weights. w (fan_out, fan_in) → (fan_out, 1)."""
    return (w * w).sum(axis=1, keepdims=True) / w.shape[1]


def gather(source: Array, indices: Array) -> Array:
    """The samples of the mini-batch, from a source with samples as rows. → (width, batch)."""
    return source[indices].T


def one_hot(labels: Array, indices: Array, classes: int) -> Array:
    """The class numbers of the mini-batch as columns with a single 1. → (classes, batch)."""
    return one_hot_columns(labels[indices], classes)


def one_hot_columns(labels: Array, classes: int) -> Array:
    """Class numbers (batch,) as columns with a single True. → (classes, batch)."""
    return np.equal(np.arange(classes)[:, np.newaxis], labels)


def sample_weights(weights: Array, indices: Array, factor: float) -> Array:
    """s = w·m/Σw; `factor` is m/Σw of this batch. → (1, batch)."""
    return weights[np.newaxis, indices] * factor


def mixed(h: Array) -> Array:
    """A hash of 32-bit numbers in which every bit of h reaches every bit of the result (C. Wellons' lowbias32)."""
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
    return h ^ (h >> np.uint32(16))


def position_hashes(x: Array, keys: tuple[int, int], step: int) -> Array:
    """A hash of (keys, step, sample, feature) for each number of x."""
    width, batch = x.shape
    with np.errstate(over="ignore"):
        key0 = mixed(np.array([step & 0xFFFFFFFF], np.uint32) + np.uint32(keys[0]))
        key1 = mixed(key0 + np.uint32(keys[1]))
        counter = np.arange(width * batch, dtype=np.uint32).reshape(batch, width).T
        return mixed(mixed(counter * np.uint32(0x9E3779B9) + key0) + key1)


def dropout(x: Array, threshold: int, scale: float, keys: tuple[int, int], step: int) -> Array:
    """x times `scale` where the hash of (keys, step, sample, feature) reaches `threshold`, else 0."""
    h = position_hashes(x, keys, step)
    return np.where(h >= np.uint32(threshold), x * x.dtype.type(scale), x.dtype.type(0))


def scheduled_dropout(x: Array, rate: float, factor: Any, keys: tuple[int, int], step: int) -> Array:
    """Dropout with the rate `rate` times `factor`, a step scalar between 0 and 1."""
    scheduled = rate * float(factor)
    return dropout(x, int(scheduled * 2**32), 1 / (1 - scheduled), keys, step)


def noise(x: Array, scale: float, keys: tuple[int, int], step: int) -> Array:
    """x plus `scale` times a normal number of variance 1, from two hashes of (keys, step, sample, feature)."""
    h = position_hashes(x, keys, step)
    with np.errstate(over="ignore"):
        second = mixed(h + np.uint32(SECOND_HASH))
    shares = ((h >> np.uint32(8)) + np.uint32(1), second >> np.uint32(8))
    first_share, second_share = (share.astype(x.dtype) * x.dtype.type(2.0**-24) for share in shares)
    return np.asarray(with_noise(x, first_share, second_share, x.dtype.type(scale)))


def with_noise(x: Any, first: Any, second: Any, scale: Any) -> Any:
    """x + scale·n; n is normal where `first` and `second` are uniform between 0 and 1. Box & Muller (1958)."""
    return x + scale * (np.sqrt(-2.0 * np.log(first)) * np.cos((2 * np.pi) * second))


def dropout_keys(seed: int, layer: int) -> tuple[int, int]:
    """Two 32-bit keys of a dropout layer, from the seed of the run and the number of the layer."""
    keys = np.random.SeedSequence([seed, layer]).generate_state(2, np.uint32)
    return int(keys[0]), int(keys[1])


EQUATIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(affine, propagate, bp3, bp4, mean_product, feature_mean, feature_mean_product, moments, feature_moments),
        *(softmax, softmax_error, softmax_cost, softmax_and_cost, mean_cost, clip_scale),
        *(gather, one_hot, sample_weights, dropout),
        *(scheduled_dropout, noise, square_means),
        *(select, add_selected, concatenate, split, grouped_affine, grouped_propagate, grouped_bp4),
        *(look_up, look_up_gradient, bfloat16),
    )
}
