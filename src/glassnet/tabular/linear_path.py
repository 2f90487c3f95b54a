"""A linear model beside the networks, so that a tabular model never loses to a linear one by more than noise.

It sees the same inputs, leaves out the same rows as the members, and is blended in with one weight that is chosen on
those rows. It is fitted after the members; where it cannot help it costs one fit, and predictions do without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np

from glassnet.tabular.blend import Blend, choose_blend
from glassnet.tabular.calibration import softmax
from glassnet.tabular.level_inputs import LevelInputs
from glassnet.tabular.linear_inputs import LinearInputs, sampled_rows
from glassnet.tabular.logistic import FIRST_STRENGTH, fit_logistic, out_of_fold
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.plain_data import matrix, real
from glassnet.tabular.ridge import fit_ridge

CHEAP = 2_000_000  # rows × features × classes of a logistic regression that needs no trial


@dataclass(frozen=True)
class LinearPath:
    """A linear model and its weight in the blend, from 0 (not used) to 1 (the networks are not used).

    `classes`: its outputs are probabilities; otherwise values on the scale that the networks learn.
    """

    weight: float
    coefficients: Array
    intercept: Array
    classes: bool
    levels: LevelInputs = field(default_factory=LevelInputs)

    def outputs(self, x: Array) -> Array:
        """The predictions (n, outputs) for inputs x (n, features), float64."""
        scores = self.levels(x) @ self.coefficients + self.intercept
        return softmax(scores) if self.classes else scores

    def blend(self, networks: Array, x: Array) -> Array:
        """The networks' averaged predictions (n, outputs) with those of the linear model."""
        return networks if self.weight == 0 else (1 - self.weight) * networks + self.weight * self.outputs(x)

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data; the coefficients are among the `tensors`."""
        return {"weight": self.weight, "classes": self.classes, "levels": self.levels.to_json()}

    def tensors(self) -> dict[str, Array]:
        """Arrays that belong to the JSON, by name."""
        return {"coefficients": self.coefficients, "intercept": self.intercept}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], tensors: Mapping[str, Array], features: int, outputs: int) -> Self:
        """Rebuild from `to_json` and `tensors`. Raises ValueError, KeyError or TypeError for anything else."""
        weight, classes = real(document["weight"]), document["classes"]
        if not 0 <= weight <= 1 or type(classes) is not bool:
            raise ValueError("linear path")
        levels = LevelInputs.from_json(document["levels"], features)
        coefficients = matrix(tensors["coefficients"], levels.width(features), outputs)
        return cls(weight, coefficients, matrix(tensors["intercept"], outputs), classes, levels)


class LinearFit(NamedTuple):
    """A linear path, None where its weight is 0; how the weight was chosen; and predictions for rows it did not see.

    `predictions` (m, outputs) are for `rows` (m,) of the fitted ones.
    """

    path: LinearPath | None
    blend: Blend
    rows: Array
    predictions: Array


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


def fit_linear_path(sample: Sample, codes: Iterable[int] = ()) -> LinearFit:
    """Fit a linear model and choose its weight; `codes` are the numbers of the inputs that are numbers of levels."""
    levels = LevelInputs.fit(sample.x, codes)
    labels = sample.y if sample.are_classes else None
    rows = sampled_rows(sample.folds, labels, levels.width(sample.x.shape[1]), sample.networks.shape[1])
    part = sample.part(rows)
    fit = (_fit_classes if sample.are_classes else _fit_values)(part._replace(x=levels(part.x)), rows)
    return fit if fit.path is None else fit._replace(path=replace(fit.path, levels=levels))


def _fit_values(sample: Sample, rows: Array) -> LinearFit:
    inputs = LinearInputs.fit(sample.x, sample.weights)
    fit = fit_ridge(inputs(sample.x), sample.y, sample.folds, sample.weights)
    path = inputs.unrotated(fit.coefficients, fit.intercept)
    return _blended(sample, rows, path, fit.out_of_fold)


def _fit_classes(sample: Sample, rows: Array) -> LinearFit:
    """Fit a logistic regression; where that takes long, only if a fit without the last fold helps on its rows."""
    inputs = LinearInputs.fit(sample.x, sample.weights)
    x, (_, y, folds, weights, networks) = inputs(sample.x), sample
    classes = networks.shape[1]
    if x.size * classes <= CHEAP:
        fit = fit_logistic(x, y, folds, weights, classes)
        return _blended(sample, rows, inputs.unrotated(*fit.logits), fit.out_of_fold)
    last = sample._replace(folds=np.where(folds == folds.max(), 0, -1))
    trial = _blended(last, rows, None, out_of_fold(x, y, last.folds, weights, classes, FIRST_STRENGTH))
    if trial.blend.weight == 0:
        return trial
    fit = fit_logistic(x, y, folds, weights, classes, (FIRST_STRENGTH,))
    return _blended(sample, rows, inputs.unrotated(*fit.logits), fit.out_of_fold)


def _blended(sample: Sample, rows: Array, fit: tuple[Array, Array] | None, predictions: Array) -> LinearFit:
    """Choose the weight; a linear model with the weight 0 is not kept."""
    scored = sample.folds >= 0
    blend = choose_blend(sample.networks[scored], predictions[scored], sample.y[scored], sample.weights[scored])
    path = LinearPath(blend.weight, *fit, classes=sample.are_classes) if fit and blend.weight else None
    return LinearFit(path, blend, rows[scored], predictions[scored])
