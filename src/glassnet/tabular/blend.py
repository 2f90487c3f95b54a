"""How much of the linear model goes into a prediction: a weight from 0 to 1, chosen on rows that neither trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.probabilities import log_losses

MIN_STANDARD_ERRORS = 2.0


class Blend(NamedTuple):
    """The weight of the linear model; the loss lowered by it, and the standard error of that."""

    weight: float
    gain: float
    noise: float


def choose_blend(networks: Array, linear: Array, y: Array, weights: Array) -> Blend:
    """Choose the weight for predictions (n, outputs) of the networks and of the linear model.

    y are class numbers (n,), and the loss is −log p; or values (n, outputs), and it is the squared error. Both are
    convex in the weight. It is 0 unless the loss is clearly lower, or unless the rows cannot tell that the linear model
    is the worse of the two: an average of two models that look equal is the better guess.
    """
    from scipy.optimize import minimize_scalar

    before = row_losses(networks, y)

    def gains(weight: float) -> Array:
        return before - row_losses((1 - weight) * networks + weight * linear, y)

    def loss(weight: float) -> float:
        return -float(np.average(gains(weight), weights=weights))

    inner = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-4})
    weight = min((0.0, float(inner.x), 1.0), key=loss)
    gain, noise = -loss(weight), standard_error(gains(weight), weights)
    clear = gain > MIN_STANDARD_ERRORS * noise or not _clearly_worse(gains(1.0), weights)
    return Blend(weight if clear else 0.0, gain, noise)


def _clearly_worse(gains: Array, weights: Array) -> bool:
    return bool(-np.average(gains, weights=weights) > MIN_STANDARD_ERRORS * standard_error(gains, weights))


def standard_error(values: Array, weights: Array) -> float:
    """The standard error of the weighted mean of values (n,)."""
    share = weights / weights.sum()
    return float(np.sqrt(np.sum(share**2 * (values - share @ values) ** 2)))


def row_losses(predictions: Array, y: Array) -> Array:
    """−log p of the class of each row (n,), or the squared error."""
    return log_losses(predictions, y) if y.ndim == 1 else np.square(predictions - y).sum(axis=1)
