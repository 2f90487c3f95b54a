"""The inputs of a linear model: standardised, of bounded size, and rotated to fewer where there are very many.

A rotation changes nothing for a model with an L2 penalty, so that a table with more columns than rows is fitted in as
many dimensions as it has rows; beyond MAX_COMPONENTS the directions of the least variance are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from glassnet.tabular.out_of_holdout import Array

MAX_ROWS = 20_000
MAX_VALUES = 20_000_000  # rows × features × outputs
MIN_ROWS = 2_000
MAX_FEATURES, MAX_COMPONENTS = 1_000, 500


@dataclass(frozen=True)
class LinearInputs:
    """x → (x − mean) · directions: standardised features, rotated into d directions where there are very many."""

    mean: Array
    directions: Array

    @classmethod
    def fit(cls, x: Array, weights: Array) -> Self:
        """Fit to x (n, features) and weights (n,); constant features count nothing."""
        mean, scale = _moments(x, weights)
        if x.shape[1] <= MAX_FEATURES:
            return cls(mean, np.diag(scale))
        return cls(mean, scale[:, None] * _principal_directions((x - mean) * scale))

    def __call__(self, x: Array) -> Array:
        """The inputs (n, d), float64."""
        if self.directions.shape[0] == self.directions.shape[1]:
            return (x - self.mean) * self.directions.diagonal()
        return np.asarray((x - self.mean) @ self.directions)

    def unrotated(self, coefficients: Array, intercept: Array) -> tuple[Array, Array]:
        """Coefficients (d, outputs) and intercept (outputs,) in terms of x itself: (features, outputs), (outputs,)."""
        original = self.directions @ coefficients
        return original, intercept - self.mean @ original


def sampled_rows(folds: Array, labels: Array | None, features: int, outputs: int) -> Array:
    """The rows to fit a linear model to, sorted: all of them, or a random part that bounds the cost.

    With `labels`, a class with few rows keeps all of them.
    """
    most = min(MAX_ROWS, max(MIN_ROWS, MAX_VALUES // (features * outputs)))
    if features > MAX_FEATURES:
        most = MIN_ROWS
    count = len(folds)
    if count <= most:
        return np.arange(count)
    order = np.random.default_rng(0).permutation(count)
    if labels is None:
        return np.sort(order[:most])
    rank = _rank_within_class(labels[order])  # the first rows of each class come first
    always = rank < max(1, min(20, most // (2 * (int(labels.max()) + 1))))
    return np.sort(np.concatenate([order[always], order[~always]])[:most])


def _rank_within_class(labels: Array) -> Array:
    """How many rows of the same class come before each row (n,)."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order], side="left")
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - starts
    return rank


def _moments(x: Array, weights: Array) -> tuple[Array, Array]:
    """Mean and 1 / standard deviation of each feature, 0 where it is constant; float64."""
    share = weights / weights.sum()
    mean = share @ x
    deviation = np.sqrt(share @ np.square(x - mean))
    return mean, np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 1e-7)


def _principal_directions(x: Array) -> Array:
    """The directions (features, d) of the greatest variance, by the eigenvectors of the smaller Gram matrix."""
    values, vectors = np.linalg.eigh(x @ x.T)
    is_large = values > values[-1] * 1e-10
    is_large[:-MAX_COMPONENTS] = False
    return np.asarray(x.T @ (vectors[:, is_large] / np.sqrt(values[is_large])))
