"""Logistic regression for a few penalties, with its probabilities for rows that it was not fitted to."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.probabilities import log_losses, softmax

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # C of scikit-learn
FIRST_STRENGTH = 1.0
ROWS_PER_FEATURE = 20  # with more, the strength hardly matters
MAX_ITERATIONS = 100
TOLERANCE = 1e-3


class Logits(NamedTuple):
    """A linear model of classes: softmax(x · coefficients + intercept), (features, classes) and (classes,)."""

    coefficients: Array
    intercept: Array

    def probabilities(self, x: Array) -> Array:
        """The probabilities (n, classes)."""
        return softmax(x @ self.coefficients + self.intercept)


def fit_logits(x: Array, labels: Array, weights: Array, classes: int, strength: float) -> Logits:
    """Fit x (n, features) to labels and weights (n,); classes that do not occur get the probability of a rare one."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    present = np.unique(labels)
    coefficients, intercept = np.zeros((x.shape[1], classes)), np.full(classes, -np.log(len(labels) + 1.0))
    if len(present) > 1:
        model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS, tol=TOLERANCE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that is a little short of the best will do
            model.fit(x, labels, weights)
        binary = len(present) == 2
        both = np.vstack([-model.coef_, model.coef_]) / 2 if binary else model.coef_
        coefficients[:, present] = both.T
        offsets = np.append(-model.intercept_, model.intercept_) / 2 if binary else model.intercept_
        intercept[present] = offsets - offsets.max()
    else:
        intercept[present] = 0
    intercept[np.setdiff1d(np.arange(classes), present)] += intercept[present].min()
    return Logits(coefficients, intercept)


def out_of_fold(x: Array, labels: Array, folds: Array, weights: Array, classes: int, strength: float) -> Array:
    """The probabilities (n, classes) of each row by the fit without its fold; NaN for rows of no fold (−1)."""
    result = np.full((len(labels), classes), np.nan)
    for fold in np.unique(folds[folds >= 0]):
        rest, rows = folds != fold, folds == fold
        fit = fit_logits(x[rest], labels[rest], weights[rest], classes, strength)
        result[rows] = fit.probabilities(x[rows])
    return result


class LogisticFit(NamedTuple):
    """The fit to all rows, its C, and what the fits without a fold predict for it (n, classes); NaN without a fold."""

    logits: Logits
    strength: float
    out_of_fold: Array


def fit_logistic(x: Array, labels: Array, folds: Array, weights: Array, classes: int) -> LogisticFit:
    """Fit x (n, features) to labels (n,), with the strength that predicts the rows of the folds (n,) best."""
    scored = folds >= 0
    strengths = STRENGTHS if len(x) < ROWS_PER_FEATURE * x.shape[1] else (FIRST_STRENGTH,)
    predictions = [out_of_fold(x, labels, folds, weights, classes, strength) for strength in strengths]
    losses = [np.average(log_losses(p[scored], labels[scored]), weights=weights[scored]) for p in predictions]
    best = int(np.argmin(losses))
    return LogisticFit(fit_logits(x, labels, weights, classes, strengths[best]), strengths[best], predictions[best])
