"""What a fitted tabular estimator knows, and what a model file of the command line holds.

Raw columns become inputs by the preparation, the members' outputs are averaged, and the target turns them into classes
or into numbers in their own units.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.data.preprocessing import Preparation, Prepared, TablePreparation
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget, NumberTarget, TargetColumn
from glassnet.errors import DataError, counted
from glassnet.result_html import paragraph_html
from glassnet.tabular.calibration import Calibration
from glassnet.tabular.ensemble import mean_outputs
from glassnet.tabular.intervals import Intervals
from glassnet.tabular.linear_path import LinearPath
from glassnet.tabular.member import Member

Array = np.ndarray[Any, Any]


@dataclass
class TabularModel:
    """Networks with the preparation of their inputs and the target that their averaged outputs mean.

    Parameters
    ----------
    preparation : raw columns -> inputs (n, features) float32
    target : the classes, or the units of the numbers
    members : their outputs are averaged: probabilities of classes, standardised numbers
    training : a summary as plain data
    output_range : the least and the greatest standardised target of each output, where those of the networks are kept
    linear, calibration, intervals : what is fitted to rows that members left out, or None
    """

    preparation: Preparation
    target: TargetColumn
    members: list[Member]
    training: dict[str, Any] = field(default_factory=dict)
    output_range: tuple[list[float], list[float]] | None = None
    linear: LinearPath | None = None
    calibration: Calibration | None = None
    intervals: Intervals | None = None

    def inputs(self, table: Table) -> Array:
        """The inputs (n, features) float32 of raw columns. Raises DataError (a ValueError) for what does not fit."""
        return self.prepare(table).x

    def prepare(self, table: Table) -> Prepared:
        """The inputs with notes on cells that the fitted rows did not have; raises as `inputs` does."""
        if not isinstance(self.preparation, TablePreparation):
            raise DataError(f"{table.path} is a table, but the model was trained on arrays; give arrays.")
        return self.preparation.prepare(table)

    def outputs(self, x: Array) -> Array:
        """The mean of the members' outputs, (n, outputs) float64. Raises DataError where one is not finite."""
        outputs = mean_outputs(self.members, x)
        if not (finite := np.isfinite(outputs)).all():
            row, cause = int(finite.all(axis=1).argmin()) + 1, "its values are far outside the training data"
            raise DataError(f"The prediction for row {row} is not finite; {cause}.")
        return outputs

    def probabilities(self, x: Array) -> Array:
        """The probability of each class, (n, classes) float64, for inputs (n, features)."""
        outputs = self.outputs(x)
        if outputs.shape[1] == 1:  # a sigmoid: the probability of the second class
            outputs = np.hstack([1 - outputs, outputs])
        outputs /= outputs.sum(axis=1, keepdims=True)
        if self.calibration is None:
            return self._blended(outputs, x)
        return self.calibration.finish(self._blended(self.calibration.soften(outputs), x))

    def values(self, x: Array) -> Array:
        """The predicted numbers, (n, outputs) float64, in the units of the target, for inputs (n, features)."""
        assert isinstance(self.target, NumberTarget)
        return self.target.decode(self._encoded_values(x))

    def interval(self, x: Array, coverage: float) -> Array:
        """Lower and upper bounds (n, outputs, 2) that contain the target of a share `coverage` of new rows.

        Raises ParameterError (a ValueError) for a coverage that the fitted rows cannot give.
        """
        values = self._encoded_values(x)
        return self._decoded(self._fitted_intervals().interval(x, values, coverage))

    def quantiles(self, x: Array, quantiles: Iterable[float]) -> Array:
        """Quantiles (n, outputs, levels) of the target, for levels between 0 and 1; raises as `interval` does."""
        values = self._encoded_values(x)
        return self._decoded(self._fitted_intervals().quantiles(x, values, quantiles))

    def _encoded_values(self, x: Array) -> Array:
        """The predicted numbers on the scale that the networks learn."""
        outputs = self.outputs(x)
        if self.output_range is not None:  # the linear path may go beyond it; its inputs are bounded
            outputs = np.clip(outputs, *self.output_range)
        return self._blended(outputs, x)

    def _blended(self, outputs: Array, x: Array) -> Array:
        return outputs if self.linear is None else self.linear.blend(outputs, x)

    def _fitted_intervals(self) -> Intervals:
        if self.intervals is None:
            raise DataError("The model has no prediction intervals; train it with TabularRegressor.")
        return self.intervals

    def _decoded(self, bounds: Array) -> Array:
        """Bounds (n, outputs, k) in the units of the target."""
        assert isinstance(self.target, NumberTarget)
        return np.swapaxes(self.target.true_values(np.swapaxes(bounds, 1, 2)), 1, 2)

    def __repr__(self) -> str:
        networks = counted(len(self.members), "network")
        architecture = self.members[0].network.architecture
        widths = "-".join(map(str, [architecture.inputs, *(dense.fan_out for dense in architecture.dense)]))
        of = self.target.summary() if isinstance(self.target, ClassTarget) else f"of {self.target.summary()}"
        return f"TabularModel: {networks} {widths}, {of}, from {self.preparation.summary()}"

    def _repr_html_(self) -> str:
        return paragraph_html(repr(self))
