"""What a linear model gets of the inputs of a network: an input per level, and numbers that are not bent.

A network looks up a level by its number and learns better from smoothly clipped numbers; a linear model needs one
input per level, and may predict better from the original numbers. Undoing the clip is tried, not taken for granted:
a few far values can spoil a linear model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Self

import numpy as np

from glassnet.data.robust_number import CLIP
from glassnet.tabular.out_of_holdout import Array

MAX_LEVELS = 100  # per column, the most frequent
MAX_NUMBER = 100.0  # interquartile ranges from the median; float32 does not tell clipped numbers apart far beyond


@dataclass(frozen=True)
class LinearFeatures:
    """The inputs that are numbers of levels, with the levels that become inputs of 0 and 1; and those to unbend."""

    levels: dict[int, list[int]] = field(default_factory=dict)
    clipped: list[int] = field(default_factory=list)

    @classmethod
    def fit(cls, x: Array, codes: Iterable[int]) -> Self:
        """Find the most frequent levels of the inputs with the given numbers; 0 stands for no known level."""
        return cls({code: _most_frequent(x[:, code].astype(np.int64)) for code in codes})

    def unbending(self, clipped: Iterable[int]) -> Self:
        """The same with some inputs as they were before they were clipped."""
        return replace(self, clipped=list(clipped))

    def __call__(self, x: Array) -> Array:
        """The inputs (n, width) of a linear model."""
        if self.clipped:
            x = x.copy()
            x[:, self.clipped] = unclipped(x[:, self.clipped])
        if not self.levels:
            return x
        levels = [x[:, [code]] == np.array(numbers, x.dtype) for code, numbers in self.levels.items()]
        return np.hstack([np.delete(x, list(self.levels), axis=1), *levels]).astype(x.dtype)

    def width(self, features: int) -> int:
        """How many inputs there are of so many features."""
        return features + sum(len(numbers) - 1 for numbers in self.levels.values())

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        return {"levels": [[code, numbers] for code, numbers in self.levels.items()], "clipped": self.clipped}

    @classmethod
    def from_json(cls, document: Any, features: int) -> Self:
        """Rebuild from `to_json`. Raises ValueError, KeyError or TypeError for anything else."""
        pairs, clipped = document["levels"], document["clipped"]
        if not isinstance(pairs, list) or not isinstance(clipped, list):
            raise ValueError("features")
        levels = {code: list(numbers) for code, numbers in pairs}
        inputs = [*levels, *clipped]
        if any(type(number) is not int or number < 0 for number in chain(inputs, *levels.values())):
            raise ValueError("features")
        if len(levels) != len(pairs) or len(set(inputs)) != len(inputs) or max(inputs, default=-1) >= features:
            raise ValueError("features")
        return cls(levels, clipped)


def unclipped(x: Array) -> Array:
    """The numbers (n, k) that x / √(1 + (x/3)²) has bent, up to MAX_NUMBER on either side."""
    most = MAX_NUMBER / np.sqrt(1 + (MAX_NUMBER / CLIP) ** 2)
    bent = np.clip(x, -most, most)
    return np.asarray(bent / np.sqrt(1 - (bent / CLIP) ** 2))


def _most_frequent(codes: Array) -> list[int]:
    counts = np.bincount(codes)
    counts[0] = 0
    order = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
    return [int(code) for code in sorted(order) if counts[code]]
