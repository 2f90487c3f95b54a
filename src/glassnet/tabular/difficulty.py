"""How uncertain a prediction is: a small model of the size of the errors on rows that the members did not train on.

log(|error|) is predicted by ridge regression from the inputs and from the prediction itself, whose effect may have any
shape. Intervals are made wide where this is large and narrow where it is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from glassnet.tabular.linear_inputs import LinearInputs
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.plain_data import matrix
from glassnet.tabular.ridge import fit_ridge

SMALLEST = 0.05  # of the mean error: log(|error|) of a lucky hit would otherwise be −∞
MAX_BINS, MIN_ROWS_PER_BIN = 20, 25
FOLDS = 4


@dataclass(frozen=True)
class Difficulty:
    """log of the size of an error: linear in the inputs, and in a broken line through the prediction.

    `line` (2, knots) are predictions and the mean of log(|error|) near them; `coefficients` (features + 1,) and
    `intercept` belong to the inputs and the line; `limits` (2,) are the least and the greatest value in the fit.
    """

    line: Array
    coefficients: Array
    intercept: float
    limits: Array

    @classmethod
    def fit(cls, x: Array, predictions: Array, errors: Array) -> Self:
        """Fit to inputs (n, features), predictions (n,) and their errors (n,)."""
        sizes = np.abs(errors)
        logs = np.log(sizes / max(float(sizes.mean()), np.finfo(float).tiny) + SMALLEST)
        line = _broken_line(predictions, logs)
        features = np.column_stack([x, np.interp(predictions, *line)])
        ones = np.ones(len(x))
        inputs = LinearInputs.fit(features, ones)
        folds = np.random.default_rng(0).permutation(len(x)) % FOLDS
        fit = fit_ridge(inputs(features), logs[:, None], folds, ones)
        coefficients, intercept = inputs.unrotated(fit.coefficients, fit.intercept)
        values = features @ coefficients[:, 0] + intercept
        return cls(line, coefficients[:, 0], float(intercept[0]), np.array([values.min(), values.max()]))

    def __call__(self, x: Array, predictions: Array) -> Array:
        """The relative size of the errors to expect, (n,), for inputs (n, features) and predictions (n,)."""
        logs = x @ self.coefficients[:-1] + np.interp(predictions, *self.line) * self.coefficients[-1] + self.intercept
        return np.exp(np.clip(logs, *self.limits))

    def tensors(self) -> dict[str, Array]:
        """The numbers of the model, by name."""
        parts = {"line": self.line, "coefficients": self.coefficients, "limits": self.limits}
        return {**parts, "intercept": np.array([self.intercept])}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Array], prefix: str, features: int) -> Self:
        """Rebuild from `tensors`. Raises ValueError or KeyError for anything that `fit` would not make."""
        line, limits = matrix(tensors[f"{prefix}line"], 2, -1), matrix(tensors[f"{prefix}limits"], 2)
        if not line.shape[1] or (np.diff(line[0]) <= 0).any() or limits[0] > limits[1]:
            raise ValueError("difficulty")
        coefficients = matrix(tensors[f"{prefix}coefficients"], features + 1)
        return cls(line, coefficients, float(matrix(tensors[f"{prefix}intercept"], 1)[0]), limits)


def _broken_line(predictions: Array, logs: Array) -> Array:
    """Means of predictions and logs (2, knots) over bins with equally many rows."""
    count = max(1, min(MAX_BINS, len(logs) // MIN_ROWS_PER_BIN))
    parts = np.array_split(np.argsort(predictions, kind="stable"), count)
    centers = np.array([predictions[part].mean() for part in parts])
    means = np.array([logs[part].mean() for part in parts])
    distinct = np.append(True, np.diff(centers) > 0)
    return np.array([centers[distinct], means[distinct]])
