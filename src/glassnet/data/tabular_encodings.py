"""The encodings of the tabular estimators, by what a column is: see docs/tables.md.

Two levels become one sign, several become one-hot inputs or, where an embedding follows, the number of the level. All
inputs but these numbers lie within ±3, whatever a later file holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from glassnet.data.encodings import (
    DateParts,
    Encoding,
    Locate,
    OneHot,
    Serializable,
    most_frequent,
    positions_of,
)
from glassnet.data.reading import Array
from glassnet.data.robust_number import FULL, RobustNumber, robust_scaled, robust_scaling
from glassnet.data.statistics import NumberStatistics

MAX_CODES = 2_000  # levels that have codes of their own


@dataclass(frozen=True)
class SignedLevels(Serializable):
    """One input for two levels: −1 for the first, +1 for the second, 0 for missing and unseen values."""

    kind: ClassVar[str] = "signed"
    summary_name: ClassVar[str] = "category"
    treatment: ClassVar[str] = "as −1 and +1"
    codes: list[int]
    levels: list[str]

    @property
    def input_kinds(self) -> list[str]:
        """What each input is."""
        return ["binary"]

    def features(self, name: str) -> list[str]:
        """The names of the network's inputs that come from this column."""
        return [f"{name} = {self.levels[1]}"]

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, 1), float32."""
        out[:, 0] = values == self.codes[1]
        out[:, 0] -= values == self.codes[0]


@dataclass(frozen=True)
class LevelCodes(Serializable):
    """One input that an embedding looks up: 1, 2, ... for the levels, 0 for missing, rare and unseen values."""

    kind: ClassVar[str] = "level_codes"
    summary_name: ClassVar[str] = "category"
    treatment: ClassVar[str] = "embedded"
    max_levels: ClassVar[int] = MAX_CODES
    codes: list[int]
    levels: list[str]

    @property
    def input_kinds(self) -> list[str]:
        """What each input is."""
        return ["code"]

    def features(self, name: str) -> list[str]:
        """The names of the network's inputs that come from this column."""
        return [name]

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, 1), float32."""
        out[:, 0] = self._positions[np.minimum(values, len(self._positions) - 3)] + 1

    @cached_property
    def _positions(self) -> Array:
        return positions_of(self.codes)


@dataclass(frozen=True)
class RobustDateParts(DateParts):
    """The parts of a date, with days and year scaled and clipped as other numbers are."""

    kind: ClassVar[str] = "robust_date_parts"

    @classmethod
    def _scaling(cls, statistics: NumberStatistics) -> tuple[float, float]:
        return robust_scaling(statistics)

    @classmethod
    def _scaled(cls, values: Array, scaling: list[float]) -> Array:
        return robust_scaled(values, *scaling)


class EncodingRule(NamedTuple):
    """What is fitted to the columns of one reading: `fit(statistics, reading)` chooses and fits an encoding."""

    fit: Callable[[Any, Any], Encoding]


def tabular_encodings(max_one_hot: int | None = None) -> Mapping[str, EncodingRule]:
    """The encodings of columns by their reading, for `TablePreparation.fit`.

    Parameters
    ----------
    max_one_hot : categories with more levels become codes for an embedding; None: the 100 most frequent are one-hot.
    """
    category = EncodingRule(partial(fit_levels, max_one_hot=max_one_hot))
    rules = {"number": EncodingRule(RobustNumber.fit), "date": EncodingRule(RobustDateParts.fit)}
    return rules | {"category": category, "boolean": category}


def fit_levels(counts: Array, reading: Any, *, max_one_hot: int | None) -> Encoding:
    """The encoding of a category whose levels occur `counts` times in the training rows."""
    present = int(np.count_nonzero(counts))
    if present == 2:
        return SignedLevels(*most_frequent(counts, reading, 2))
    if max_one_hot is not None and present > max_one_hot:
        return LevelCodes(*most_frequent(counts, reading, LevelCodes.max_levels))
    return OneHot(*most_frequent(counts, reading, OneHot.max_levels), FULL)
