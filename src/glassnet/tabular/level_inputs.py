"""Categories for a linear model: a network looks a level up by its number, a linear model needs an input for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from glassnet.tabular.out_of_holdout import Array

MAX_LEVELS = 100  # per column, the most frequent


@dataclass(frozen=True)
class LevelInputs:
    """The inputs that are numbers of levels, each with the levels that become inputs of 0 and 1."""

    levels: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def fit(cls, x: Array, codes: Iterable[int]) -> Self:
        """Find the most frequent levels of the inputs with the given numbers; 0 stands for no known level."""
        return cls({code: _most_frequent(x[:, code].astype(np.int64)) for code in codes})

    def __call__(self, x: Array) -> Array:
        """The inputs (n, width) with the levels instead of their numbers."""
        if not self.levels:
            return x
        levels = [x[:, [code]] == np.array(numbers, x.dtype) for code, numbers in self.levels.items()]
        return np.hstack([np.delete(x, list(self.levels), axis=1), *levels]).astype(x.dtype)

    def width(self, features: int) -> int:
        """How many inputs there are of so many features."""
        return features + sum(len(numbers) - 1 for numbers in self.levels.values())

    def to_json(self) -> list[Any]:
        """Convert to plain JSON data."""
        return [[code, numbers] for code, numbers in self.levels.items()]

    @classmethod
    def from_json(cls, document: Any, features: int) -> Self:
        """Rebuild from `to_json`. Raises ValueError or TypeError for anything else."""
        if not isinstance(document, list):
            raise ValueError("levels")
        levels = dict(document)
        numbers = [number for each in levels.values() for number in each]
        if any(type(number) is not int or number < 0 for number in (*numbers, *levels)):
            raise ValueError("levels")
        if len(levels) != len(document) or max(levels, default=-1) >= features:
            raise ValueError("levels")
        return cls({code: list(each) for code, each in levels.items()})


def _most_frequent(codes: Array) -> list[int]:
    counts = np.bincount(codes)
    counts[0] = 0
    order = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
    return [int(code) for code in sorted(order) if counts[code]]


def code_positions(preparation: Any) -> list[int]:
    """The numbers of the inputs that a preparation makes numbers of levels."""
    counts: Mapping[int, int] = getattr(preparation, "code_counts", {})
    return list(counts)
