"""Rows that an exported model is checked with: inputs by name, and what glassnet computes for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Examples(NamedTuple):
    """Inputs by name, numbers (n, width) or texts (n, 1) with None where missing; and the outputs by name."""

    inputs: dict[str, Array]
    outputs: dict[str, Array]

    def first(self, rows: int) -> Examples:
        """The first rows."""
        return Examples(*({name: array[:rows] for name, array in part.items()} for part in self))

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def largest_difference(result: Array, expected: Array) -> float:
    """The largest difference of numbers (n, width), relative to the largest expected one; infinite for NaN."""
    size = float(np.abs(expected).max()) or 1.0
    difference = float(np.abs(np.asarray(result, np.float64) - expected).max()) / size
    return difference if np.isfinite(difference) else np.inf
