"""A linear model beside the networks, so that a tabular model never loses to a linear one by more than noise.

It sees the same inputs, leaves out the same rows as the members, and is blended in with one weight that is chosen on
those rows. It is fitted after the members; where it cannot help it costs one fit, and predictions do without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np

from glassnet.tabular.blend import Blend, choose_blend, row_losses
from glassnet.tabular.linear_features import LinearFeatures
from glassnet.tabular.linear_inputs import LinearInputs, sampled_rows
from glassnet.tabular.logistic import FIRST_STRENGTH, fit_logistic, out_of_fold
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.plain_data import matrix, real
from glassnet.tabular.probabilities import inplace_softmax
from glassnet.tabular.ridge import fit_ridge
from glassnet.tabular.training_data import InputKinds

NO_KINDS = InputKinds()
CHEAP = 2_000_000  # rows × features × outputs of a fit that is done without a trial, and for both kinds of numbers


@dataclass(frozen=True)
class LinearPath:
    """A linear model and its weight in the blend, from 0 (not used) to 1 (the networks are not used).

    `classes`: its outputs are probabilities; otherwise values on the scale that the networks learn.
    """

    weight: float
    coefficients: Array
    intercept: Array
    classes: bool
    features: LinearFeatures = field(default_factory=LinearFeatures)

    def outputs(self, x: Array) -> Array:
        """The predictions (n, outputs) for inputs x (n, features), float64."""
        scores: Array = self.features(x) @ self.coefficients
        scores += self.intercept
        if self.classes:
            inplace_softmax(scores)
        return scores

    def blend(self, networks: Array, x: Array) -> Array:
        """The networks' averaged predictions (n, outputs) with those of the linear model."""
        return networks if self.weight == 0 else (1 - self.weight) * networks + self.weight * self.outputs(x)

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data; the coefficients are among the `tensors`."""
        return {"weight": self.weight, "classes": self.classes, "features": self.features.to_json()}

    def tensors(self) -> dict[str, Array]:
        """Arrays that belong to the JSON, by name."""
        return {"coefficients": self.coefficients, "intercept": self.intercept}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], tensors: Mapping[str, Array], features: int, outputs: int) -> Self:
        """Rebuild from `to_json` and `tensors`. Raises ValueError, KeyError or TypeError for anything else."""
        weight, classes = real(document["weight"]), document["classes"]
        if not 0 <= weight <= 1 or type(classes) is not bool:
            raise ValueError("linear path")
        own = LinearFeatures.from_json(document["features"], features)
        coefficients = matrix(tensors["coefficients"], own.width(features), outputs)
        return cls(weight, coefficients, matrix(tensors["intercept"], outputs), classes, own)


class LinearFit(NamedTuple):
    """A linear path, None where its weight is 0; how the weight was chosen; and predictions for rows it did not see.

    `predictions` (m, outputs) are for `rows` (m,) of the fitted ones; `loss` is that of the linear model on them.
    """

    path: LinearPath | None
    blend: Blend
    rows: Array
    predictions: Array
    loss: float


class Sample(NamedTuple):
    """Rows to fit a linear model to.

    Inputs x (n, features); targets y, class numbers (n,) or values (n, outputs); `folds` (n,), the part to which each
    row belongs, −1 for none; weights (n,); and `networks` (n, outputs), the predictions of members that did not train
    on the row, which matter where the fold is not −1.
    """

    x: Array
    y: Array
    folds: Array
    weights: Array
    networks: Array

    @property
    def are_classes(self) -> bool:
        """Whether the targets are classes."""
        return self.y.ndim == 1

    def part(self, rows: Array) -> Sample:
        """Some of the rows."""
        return Sample(*(array[rows] for array in self))


def fit_linear_path(sample: Sample, kinds: InputKinds = NO_KINDS) -> LinearFit:
    """Fit a linear model and choose its weight: to the inputs as they are, or to unbent ones where these are better."""
    features = LinearFeatures.fit(sample.x, kinds.codes)
    labels, outputs = sample.y if sample.are_classes else None, sample.networks.shape[1]
    width = features.width(sample.x.shape[1])
    rows = sampled_rows(sample.folds, labels, width, outputs)
    part = sample.part(rows)
    is_cheap = len(rows) * width * outputs <= CHEAP
    variants = [features, *([features.unbending(kinds.numbers)] if kinds.numbers and is_cheap else [])]
    fits = [_fit(part._replace(x=each(part.x)), rows, is_cheap) for each in variants]
    best = min(range(len(fits)), key=lambda k: fits[k].loss)
    fit = fits[best]
    return fit if fit.path is None else fit._replace(path=replace(fit.path, features=variants[best]))


def _fit(sample: Sample, rows: Array, is_cheap: bool) -> LinearFit:
    if not sample.are_classes:
        return _fit_values(sample, rows)
    return _fit_classes(sample, rows) if is_cheap else _fit_many_classes(sample, rows)


def _fit_values(sample: Sample, rows: Array) -> LinearFit:
    inputs = LinearInputs.fit(sample.x, sample.weights)
    fit = fit_ridge(inputs(sample.x), sample.y, sample.folds, sample.weights)
    path = inputs.unrotated(fit.coefficients, fit.intercept)
    return _blended(sample, rows, path, fit.out_of_fold)


def _fit_classes(sample: Sample, rows: Array) -> LinearFit:
    inputs = LinearInputs.fit(sample.x, sample.weights)
    classes = sample.networks.shape[1]
    fit = fit_logistic(inputs(sample.x), sample.y, sample.folds, sample.weights, classes)
    return _blended(sample, rows, inputs.unrotated(*fit.logits), fit.out_of_fold)


def _fit_many_classes(sample: Sample, rows: Array) -> LinearFit:
    """Fit a logistic regression that takes long: only if one without the last fold helps on its rows."""
    inputs = LinearInputs.fit(sample.x, sample.weights)
    x, (_, y, folds, weights, networks) = inputs(sample.x), sample
    classes = networks.shape[1]
    last = sample._replace(folds=np.where(folds == folds.max(), 0, -1))
    trial = _blended(last, rows, None, out_of_fold(x, y, last.folds, weights, classes, FIRST_STRENGTH))
    if trial.blend.weight == 0:
        return trial
    fit = fit_logistic(x, y, folds, weights, classes)
    return _blended(sample, rows, inputs.unrotated(*fit.logits), fit.out_of_fold)


def _blended(sample: Sample, rows: Array, fit: tuple[Array, Array] | None, predictions: Array) -> LinearFit:
    """Choose the weight; a linear model with the weight 0 is not kept."""
    scored = sample.folds >= 0
    blend = choose_blend(sample.networks[scored], predictions[scored], sample.y[scored], sample.weights[scored])
    path = LinearPath(blend.weight, *fit, classes=sample.are_classes) if fit and blend.weight else None
    losses = row_losses(predictions[scored], sample.y[scored])
    loss = float(np.average(losses, weights=sample.weights[scored]))
    return LinearFit(path, blend, rows[scored], predictions[scored], loss)
