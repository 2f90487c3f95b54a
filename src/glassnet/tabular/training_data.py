"""The rows that the members are trained on, as numbers, and what each of the inputs is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassnet.data.preprocessing import TablePreparation

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class InputKinds:
    """Which inputs an embedding may take: the positions of numbers, and of codes with the number of their levels."""

    numbers: tuple[int, ...] = ()
    codes: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, preparation: TablePreparation) -> InputKinds:
        """Those of a preparation."""
        numbers = tuple(index for index, kind in enumerate(preparation.input_kinds) if kind == "number")
        return cls(numbers, {index: count - 1 for index, count in preparation.code_counts.items()})


@dataclass(frozen=True)
class TrainingData:
    """Inputs (n, features) float32, encoded targets (n,) class numbers or (n, outputs), and weights (n,) or None.

    `copies` (n,) are the first rows with the same raw cells, or None where all rows differ.
    """

    x: Array
    y: Array
    weights: Array | None
    outputs: int
    kinds: InputKinds = InputKinds()
    copies: Array | None = None

    @property
    def are_classes(self) -> bool:
        """Whether the targets are classes."""
        return self.y.ndim == 1

    def part(self, rows: Array) -> TrainingData:
        """Some of the rows, without their copies."""
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, x=self.x[rows], y=self.y[rows], weights=weights, copies=None)
