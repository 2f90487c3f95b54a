"""What is fitted after the members, to rows that they left out: calibration, linear path and intervals.

All of it takes the members' predictions for these rows. The report says how good the whole is on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassnet.tabular.calibration import Calibration
from glassnet.tabular.intervals import Intervals
from glassnet.tabular.isotonic import Isotonic
from glassnet.tabular.linear_path import LinearFit, fit_linear_path
from glassnet.tabular.member import Member
from glassnet.tabular.out_of_holdout import Array, OutOfHoldout
from glassnet.tabular.training_data import TrainingData

Limits = tuple[Sequence[float], Sequence[float]] | None

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
    def fit(cls, members: Sequence[Member], data: TrainingData, limits: Limits) -> Refinement:
        """Fit to the fitted rows; predicted values are kept between the limits (outputs,) where there are any.

        BLAS runs in one thread: its sums, and with them the bits of the model, would depend on their number.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            holdouts = OutOfHoldout(tuple(member.holdout for member in members), len(data.x))
            networks = holdouts.average([member.holdout_outputs for member in members])
            return (_classes if data.are_classes else _values)(members, data, holdouts, networks, limits)


def _classes(
    members: Sequence[Member], data: TrainingData, holdouts: OutOfHoldout, networks: Array, _: Limits
) -> Refinement:
    weights, rows = _weights(data), holdouts.rows
    parts = [member.holdout for member in members]
    outputs = [member.holdout_outputs for member in members]
    calibration = Calibration.fit(outputs, [data.y[part] for part in parts], [weights[part] for part in parts])
    softened = calibration.soften(networks)
    linear, blended = _blended(data, holdouts, softened, weights)
    isotonic = Isotonic.where_it_pays(blended, data.y[rows], weights[rows])
    calibration = Calibration(calibration.temperature, isotonic)
    return Refinement(rows, networks, calibration.finish(blended), calibration, linear)


def _values(
    members: Sequence[Member], data: TrainingData, holdouts: OutOfHoldout, networks: Array, limits: Limits
) -> Refinement:
    rows = holdouts.rows
    clipped = networks if limits is None else np.clip(networks, *limits)
    linear, blended = _blended(data, holdouts, clipped, _weights(data))
    intervals = Intervals.fit(data.x[rows], blended, data.y[rows])
    return Refinement(rows, networks, blended, None, linear, intervals)


def _weights(data: TrainingData) -> Array:
    return np.ones(len(data.x)) if data.weights is None else data.weights


def _blended(
    data: TrainingData, holdouts: OutOfHoldout, networks: Array, weights: Array
) -> tuple[LinearFit | None, Array]:
    """The linear path, and the predictions (m, outputs) for the rows left out with it."""
    rows = holdouts.rows
    if len(rows) < MIN_ROWS:
        return None, networks
    everywhere = np.full((len(data.x), networks.shape[1]), np.nan)
    everywhere[rows] = networks
    fit = fit_linear_path(data.x, data.y, holdouts.folds, weights, everywhere)
    if fit.path is not None:
        everywhere[fit.rows] *= 1 - fit.path.weight
        everywhere[fit.rows] += fit.path.weight * fit.predictions
        others = np.setdiff1d(rows, fit.rows)  # of a large table, which the linear model was not fitted to
        everywhere[others] = fit.path.blend(everywhere[others], data.x[others])
    return fit, everywhere[rows]
