"""What a fitted tabular estimator knows, and what a model file of the command line holds.

Raw columns become inputs by the preparation, the members' outputs are averaged, and the target turns them into classes
or into numbers in their own units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.data.preprocessing import Preparation, TablePreparation
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget, NumberTarget, TargetColumn
from glassnet.errors import DataError, counted
from glassnet.tabular.ensemble import mean_outputs
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
    output_range : the least and the greatest standardised target of each output, where predictions are kept between
    linear, calibration, intervals : what is fitted to rows that members left out, or None
    """

    preparation: Preparation
    target: TargetColumn
    members: list[Member]
    training: dict[str, Any] = field(default_factory=dict)
    output_range: tuple[list[float], list[float]] | None = None
    linear: Any = None
    calibration: Any = None
    intervals: Any = None

    def inputs(self, table: Table) -> Array:
        """The inputs (n, features) float32 of raw columns. Raises DataError (a ValueError) for what does not fit."""
        if not isinstance(self.preparation, TablePreparation):
            raise DataError(f"{table.path} is a table, but the model was trained on arrays; give arrays.")
        return self.preparation.transform(table)

    def outputs(self, x: Array) -> Array:
        """The mean of the members' outputs, (n, outputs) float64. Raises DataError where one is not finite."""
        outputs = mean_outputs(self.members, x)
        if not (finite := np.isfinite(outputs).all(axis=1)).all():
            cause = "its values are far outside the training data"
            raise DataError(f"The prediction for row {int(finite.argmin()) + 1} is not finite; {cause}.")
        return outputs

    def probabilities(self, x: Array) -> Array:
        """The probability of each class, (n, classes) float64, for inputs (n, features)."""
        outputs = self.outputs(x)
        if outputs.shape[1] == 1:  # a sigmoid: the probability of the second class
            outputs = np.hstack([1 - outputs, outputs])
        return outputs / outputs.sum(axis=1, keepdims=True)

    def values(self, x: Array) -> Array:
        """The predicted numbers, (n, outputs) float64, in the units of the target, for inputs (n, features)."""
        assert isinstance(self.target, NumberTarget)
        outputs = self.outputs(x)
        if self.output_range is not None:
            outputs = np.clip(outputs, *self.output_range)
        return self.target.decode(outputs)

    def __repr__(self) -> str:
        networks = counted(len(self.members), "network")
        architecture = self.members[0].network.architecture
        widths = "-".join(map(str, [architecture.inputs, *(dense.fan_out for dense in architecture.dense)]))
        of = self.target.summary() if isinstance(self.target, ClassTarget) else f"of {self.target.summary()}"
        return f"TabularModel: {networks} {widths}, {of}, from {self.preparation.summary()}"
