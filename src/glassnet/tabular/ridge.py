"""Ridge regression for a grid of penalties at once, with its predictions for rows that it was not fitted to.

Each fold needs one eigendecomposition of a matrix (features, features); every penalty is then a few products.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.tabular.out_of_holdout import Array

PENALTIES = tuple(np.logspace(-6, 2, 17))  # per row, for features with variance 1


class Moments(NamedTuple):
    """Weighted sums over some rows, which add up: Σw, Σwx, Σwy, Σwxxᵀ, Σwxyᵀ."""

    weight: float
    x: Array
    y: Array
    xx: Array
    xy: Array

    @classmethod
    def of(cls, x: Array, y: Array, weights: Array) -> Moments:
        """The sums over x (n, features), y (n, outputs), weights (n,)."""
        weighted = x * weights[:, None]
        return cls(float(weights.sum()), weighted.sum(axis=0), weights @ y, weighted.T @ x, weighted.T @ y)

    def minus(self, other: Moments) -> Moments:
        """The sums over the rows of this that the other does not have."""
        weight, x, y = self.weight - other.weight, self.x - other.x, self.y - other.y
        return Moments(weight, x, y, self.xx - other.xx, self.xy - other.xy)


class Decomposition(NamedTuple):
    """The centred normal equations in their eigenvectors: a solution for a penalty is one product away."""

    mean_x: Array
    mean_y: Array
    values: Array
    vectors: Array
    xy: Array

    @classmethod
    def of(cls, moments: Moments) -> Decomposition:
        """Decompose the covariance of x."""
        mean_x, mean_y = moments.x / moments.weight, moments.y / moments.weight
        values, vectors = np.linalg.eigh(moments.xx / moments.weight - np.outer(mean_x, mean_x))
        xy = moments.xy / moments.weight - np.outer(mean_x, mean_y)
        return cls(mean_x, mean_y, np.maximum(values, 0), vectors, vectors.T @ xy)

    def coefficients(self, penalty: float) -> tuple[Array, Array]:
        """Coefficients (features, outputs) and intercept (outputs,)."""
        coefficients = self.vectors @ (self.xy / (self.values + penalty)[:, None])
        return coefficients, self.mean_y - self.mean_x @ coefficients


class RidgeFit(NamedTuple):
    """The fit to all rows, its penalty per row, and what the fits without a fold predict for it (n, outputs).

    Rows of no fold (−1) belong to every fit, and their predictions are NaN.
    """

    coefficients: Array
    intercept: Array
    penalty: float
    out_of_fold: Array


def fit_ridge(x: Array, y: Array, folds: Array, weights: Array) -> RidgeFit:
    """Fit x (n, features) to y (n, outputs), with the penalty that predicts the rows (n,) of the folds best."""
    total = Moments.of(x, y, weights)
    predictions = np.full((len(PENALTIES), *y.shape), np.nan)
    for fold in np.unique(folds[folds >= 0]):
        rows = folds == fold
        fit = Decomposition.of(total.minus(Moments.of(x[rows], y[rows], weights[rows])))
        for k, penalty in enumerate(PENALTIES):
            coefficients, intercept = fit.coefficients(penalty)
            predictions[k, rows] = x[rows] @ coefficients + intercept
    scored = folds >= 0
    losses = [np.average(((p[scored] - y[scored]) ** 2).sum(axis=1), weights=weights[scored]) for p in predictions]
    best = int(np.argmin(losses))
    return RidgeFit(*Decomposition.of(total).coefficients(PENALTIES[best]), PENALTIES[best], predictions[best])
