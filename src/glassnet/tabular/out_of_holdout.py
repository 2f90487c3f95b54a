"""Which rows each member left out of its training, and what the members predict for rows that they did not see.

Calibration, the linear path, intervals and the report are all fitted to these predictions: they come before this in
the training, and everything here only counts and averages rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class OutOfHoldout:
    """The rows (from 0, of `count` fitted ones) that each member held out; a row may be held out by several members."""

    members: tuple[Array, ...]
    count: int

    @property
    def rows(self) -> Array:
        """The rows that at least one member held out, sorted (m,)."""
        return np.unique(np.concatenate(self.members))

    @property
    def folds(self) -> Array:
        """For each fitted row the first member that held it out, −1 where none did: (count,) int64."""
        folds = np.full(self.count, -1, np.int64)
        for member in reversed(range(len(self.members))):
            folds[self.members[member]] = member
        return folds

    def average(self, predictions: Sequence[Array]) -> Array:
        """Average for each of `rows` what the members that held it out predict: (m, outputs) float64.

        `predictions` holds one array per member, (rows of its holdout, outputs).
        """
        sums = np.zeros((self.count, predictions[0].shape[1]))
        counts = np.zeros(self.count)
        for rows, prediction in zip(self.members, predictions, strict=True):
            sums[rows] += prediction
            counts[rows] += 1
        held_out = counts > 0
        return sums[held_out] / counts[held_out, None]
