"""What is fitted after the members, to rows that they left out: calibration, linear path and intervals.

All of it takes the members' predictions for these rows. The report says how good the whole is on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from glassnet.data.copies import copies_among
from glassnet.execution.blas_threads import one_blas_thread
from glassnet.tabular.calibration import Calibration
from glassnet.tabular.intervals import Intervals
from glassnet.tabular.isotonic import Isotonic
from glassnet.tabular.linear_path import LinearFit, Sample, fit_linear_path
from glassnet.tabular.member import Member
from glassnet.tabular.out_of_holdout import Array, OutOfHoldout
from glassnet.tabular.training_data import TrainingData

MIN_ROWS = 20  # that were left out, for a linear path


@dataclass(frozen=True)
class Refinement:
    """The parts, or None; and for `rows` (m,), which members left out, their predictions before and after them.

    `networks` and `predictions` (m, outputs) are probabilities of classes, or values that the networks learn.
    """

    rows: Array
    networks: Array
    predictions: Array
    calibration: Calibration | None = None
    linear: LinearFit | None = None
    intervals: Intervals | None = None

    def soften(self, outputs: Array) -> Array:
        """A member's probabilities at the temperature; values stay as they are."""
        return outputs if self.calibration is None else self.calibration.soften(outputs)

    @classmethod
    def fit(cls, fitted: FittedMembers) -> Refinement:
        """Fit to the rows that members left out.

        BLAS runs in one thread: its sums, and with them the bits of the model, would depend on their number.
        """
        with one_blas_thread():
            return (_classes if fitted.data.are_classes else _values)(fitted)


class FittedMembers(NamedTuple):
    """What is refined: the members with the data that they were fitted to.

    Predicted values are kept within `limits`, the least and the greatest of each output, where there are any. Without
    `linear` there is no linear path.
    """

    members: Sequence[Member]
    data: TrainingData
    limits: tuple[Sequence[float], Sequence[float]] | None = None
    linear: bool = True

    @property
    def outputs(self) -> list[Array]:
        """What each member predicts for its holdout, (rows, outputs)."""
        return [member.holdout_outputs for member in self.members]

    @property
    def holdouts(self) -> OutOfHoldout:
        """Which rows each member left out."""
        return OutOfHoldout(tuple(member.holdout for member in self.members), len(self.data.x))

    @property
    def copies(self) -> Array | None:
        """For each row that was left out the place of the first one with the same cells; None where all rows differ."""
        return copies_among(self.holdouts.rows, self.data.copies)

    @property
    def weights(self) -> Array:
        """The weights (n,) of the fitted rows."""
        return np.ones(len(self.data.x)) if self.data.weights is None else self.data.weights


def _classes(fitted: FittedMembers) -> Refinement:
    y, weights, rows = fitted.data.y, fitted.weights, fitted.holdouts.rows
    parts = fitted.holdouts.members
    calibration = Calibration.fit(fitted.outputs, [y[part] for part in parts], [weights[part] for part in parts])
    networks = fitted.holdouts.average(fitted.outputs)
    calibration = calibration.where_it_helps(networks, y[rows], weights[rows])
    linear, blended = _blended(fitted, calibration.soften(networks))
    isotonic = Isotonic.where_it_pays(blended, y[rows], weights[rows], fitted.copies)
    calibration = Calibration(calibration.temperature, isotonic)
    return Refinement(rows, networks, calibration.finish(blended), calibration, linear)


def _values(fitted: FittedMembers) -> Refinement:
    rows = fitted.holdouts.rows
    networks = fitted.holdouts.average(fitted.outputs)
    clipped = networks if fitted.limits is None else np.clip(networks, *fitted.limits)
    linear, blended = _blended(fitted, clipped)
    intervals = Intervals.fit(fitted.data.x[rows], blended, fitted.data.y[rows], fitted.copies)
    return Refinement(rows, networks, blended, None, linear, intervals)


def _blended(fitted: FittedMembers, networks: Array) -> tuple[LinearFit | None, Array]:
    """The linear path, and the predictions (m, outputs) for the rows left out with it."""
    data, rows, folds = fitted.data, fitted.holdouts.rows, fitted.holdouts.folds
    if len(rows) < MIN_ROWS or not fitted.linear:
        return None, networks
    everywhere = np.full((len(data.x), networks.shape[1]), np.nan)
    everywhere[rows] = networks
    fit = fit_linear_path(Sample(data.x, data.y, folds, fitted.weights, everywhere), data.kinds)
    if fit.path is not None:
        everywhere[fit.rows] *= 1 - fit.path.weight
        everywhere[fit.rows] += fit.path.weight * fit.predictions
        others = np.setdiff1d(rows, fit.rows)  # of a large table, which the linear model was not fitted to
        everywhere[others] = fit.path.blend(everywhere[others], data.x[others])
    return fit, everywhere[rows]
