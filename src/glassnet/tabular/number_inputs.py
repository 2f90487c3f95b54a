"""The short way from an array of numbers to the inputs of a network, where every column is a plain number.

Arrow columns take longer to build than a small network to run. Whatever is unusual goes the long way, which gives the
same bits and knows the sentences for what cannot be used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.data.preprocessing import Preparation, TablePreparation
from glassnet.data.readings import NumberReading

Array = np.ndarray[Any, Any]


class NumberInputs:
    """Prepares arrays (n, features) whose columns have the given names."""

    def __init__(self, preparation: TablePreparation, names: Sequence[str]) -> None:
        positions = {name: position for position, name in enumerate(names)}
        self.preparation = preparation
        self.columns, self.features = [positions[column.name] for column in preparation.columns], len(names)
        has_gaps = np.zeros(len(self.columns), bool)
        has_gaps[preparation.number_block.with_indicator] = True
        self.complete = np.flatnonzero(~has_gaps)  # in training; missing cells are worth a warning there

    @classmethod
    def of(cls, preparation: Preparation, names: Sequence[str]) -> NumberInputs | None:
        """None where a column needs more than arithmetic."""
        if not isinstance(preparation, TablePreparation):
            return None
        readings = [column.reading for column in preparation.columns]
        plain = all(isinstance(reading, NumberReading) and not reading.missing for reading in readings)
        is_block = len(preparation.number_block.columns) == len(preparation.columns)
        return cls(preparation, names) if plain and is_block else None

    def __call__(self, X: Any) -> Array | None:
        """The inputs (n, inputs) float32, or None where X has to go the long way."""
        if type(X) is not np.ndarray or X.dtype.kind not in "iuf" or X.dtype.itemsize > 8:
            return None
        if X.ndim != 2 or not len(X) or X.shape[1] != self.features:
            return None
        values = X[:, self.columns].astype(np.float64)
        if np.isinf(values).any() or np.isnan(values[:, self.complete]).any():
            return None
        out = np.empty((len(X), self.preparation.width), np.float32)
        self.preparation.number_block.encode_into(values, out)
        return out
