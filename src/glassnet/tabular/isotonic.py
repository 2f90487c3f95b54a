"""Isotonic calibration: for each class a rising step function of its probability, renormalised over the classes.

It bends probabilities more freely than a temperature and needs many rows for it, so that it is used only where
cross-validation on rows that the members did not train on says that it lowers the log-loss clearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from glassnet.data.copies import units
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.probabilities import log_losses

MIN_ROWS_PER_CLASS = 500
MIN_STANDARD_ERRORS = 2.0
MIN_GAIN = 0.005  # of the log-loss
FOLDS = 5


class Steps(NamedTuple):
    """A function that rises from knot to knot: probability and calibrated probability, (knots,) each."""

    x: Array
    y: Array


@dataclass(frozen=True)
class Isotonic:
    """One rising function per class."""

    steps: tuple[Steps, ...]

    @classmethod
    def fit(cls, probabilities: Array, labels: Array, weights: Array) -> Self:
        """Fit to probabilities (n, classes), labels and weights (n,) of rows that the members did not train on."""
        return cls(tuple(_steps(column, labels == k, weights) for k, column in enumerate(probabilities.T)))

    @classmethod
    def where_it_pays(
        cls, probabilities: Array, labels: Array, weights: Array, copies: Array | None = None
    ) -> Self | None:
        """The fit; None where a class has fewer than MIN_ROWS_PER_CLASS rows or the log-loss is not clearly lower.

        `copies` (n,) are the first of these rows with the same cells, or None where all rows differ.
        """
        counts = np.bincount(labels, minlength=probabilities.shape[1])
        if counts.min() < MIN_ROWS_PER_CLASS:
            return None
        gains = log_losses(probabilities, labels) - cls._cross_validated_losses(probabilities, labels, weights, copies)
        gain = np.average(gains, weights=weights)
        loss = np.average(log_losses(probabilities, labels), weights=weights)
        noise = np.std(gains * weights / weights.mean()) / np.sqrt(len(gains))
        if gain < max(MIN_STANDARD_ERRORS * noise, MIN_GAIN * loss):
            return None
        return cls.fit(probabilities, labels, weights)

    @classmethod
    def _cross_validated_losses(
        cls, probabilities: Array, labels: Array, weights: Array, copies: Array | None
    ) -> Array:
        from sklearn.model_selection import GroupKFold, StratifiedKFold

        folds, groups = StratifiedKFold(FOLDS, shuffle=True, random_state=0), None
        if copies is not None:
            folds, groups = GroupKFold(FOLDS, shuffle=True, random_state=0), units(copies, FOLDS)
        losses = np.empty(len(labels))
        for train, test in folds.split(probabilities, labels, groups):
            fit = cls.fit(probabilities[train], labels[train], weights[train])
            losses[test] = log_losses(fit.apply(probabilities[test]), labels[test])
        return losses

    def apply(self, probabilities: Array) -> Array:
        """Calibrated probabilities (n, classes); each row sums to 1."""
        columns = [np.interp(column, *steps) for column, steps in zip(probabilities.T, self.steps, strict=True)]
        result = np.array(columns).T
        return result / result.sum(axis=1, keepdims=True)

    def tensors(self) -> dict[str, Array]:
        """The knots by name: `isotonic0` (2, knots) for class 0."""
        return {f"isotonic{k}": np.array(steps) for k, steps in enumerate(self.steps)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Array], classes: int) -> Self:
        """Rebuild from `tensors`. Raises ValueError or KeyError for anything that `fit` would not make."""
        return cls(tuple(_checked(tensors[f"isotonic{k}"]) for k in range(classes)))


def _checked(knots: Array) -> Steps:
    if knots.ndim != 2 or len(knots) != 2 or not knots.shape[1] or (np.diff(knots, axis=1) < 0).any():
        raise ValueError("isotonic")
    if knots[1].min() <= 0 or knots[1].max() >= 1:
        raise ValueError("isotonic")
    return Steps(*np.asarray(knots, np.float64))


def _steps(column: Array, is_class: Array, weights: Array) -> Steps:
    """The rising fit; its values keep away from 0 and 1 by what one more row could change."""
    from sklearn.isotonic import IsotonicRegression

    margin = 1 / (len(column) + 2)
    fit = IsotonicRegression(y_min=margin, y_max=1 - margin).fit(column, is_class.astype(np.float64), weights)
    return Steps(np.asarray(fit.X_thresholds_, np.float64), np.asarray(fit.y_thresholds_, np.float64))
