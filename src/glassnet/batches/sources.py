"""The data of a run, samples as rows: what it trains on, and what is held out to validate it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.samples import input_rows, target_rows, weight_vector
from glassnet.errors import DataError, ParameterError
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array


class Sources(NamedTuple):
    """Samples as rows: x (n, fan_in), y (n, fan_out) or class numbers (n,), weights (n,) or None."""

    x: Array
    y: Array
    weights: Array | None = None

    def of(self, name: str) -> Array:
        """The array that a gathering equation reads: "x source", "y source" or "s source"."""
        source = {"x source": self.x, "y source": self.y, "s source": self.weights}[name]
        assert source is not None
        return source

    def parts(self, size: int) -> Iterator[Sources]:
        """All samples in order, `size` at a time."""
        for first in range(0, self.x.shape[0], size):
            yield self.part(slice(first, first + size))

    def part(self, indices: Any) -> Sources:
        """Some of the samples; `indices` are their numbers, or a slice."""
        return Sources(self.x[indices], self.y[indices], None if self.weights is None else self.weights[indices])


def checked_sources(architecture: Architecture, dtype: Any, x: Any, y: Any, weights: Any = None) -> Sources:
    """x (fan_in, batch), y and sample weights as the user passes them, checked. Raises DataError."""
    rows = input_rows(x, architecture.inputs, dtype)
    targets = target_rows(y, architecture.cost, architecture.groups, len(rows), dtype)
    return Sources(rows, targets, weight_vector(weights, len(rows)))


def with_validation(
    sources: Sources, architecture: Architecture, dtype: Any, validation: Any, seed: int
) -> tuple[Sources, Sources | None]:
    """The data to train on and to validate with: `validation` is (x, y), a fraction to hold out, or None."""
    if validation is None:
        return sources, None
    if not isinstance(validation, (tuple, list)):
        return _split(sources, validation, seed)
    if len(validation) != 2:
        raise ParameterError(f"validation has {len(validation)} parts; pass (x, y) or a fraction such as 0.1.")
    try:
        return sources, checked_sources(architecture, dtype, *validation)
    except DataError as error:
        raise DataError(f"in validation: {error}") from None


def _split(sources: Sources, fraction: Any, seed: int) -> tuple[Sources, Sources]:
    """Hold out a fraction of the samples, drawn from the seed."""
    fraction = checked_fraction(fraction)
    if len(sources.x) < 2:
        raise ParameterError("validation as a fraction needs 2 samples or more.")
    parts = [sources.part(indices) for indices in split_indices(len(sources.x), fraction, (seed,))]
    for part, purpose in zip(parts, ("train on", "validate on"), strict=True):
        if not (len(part.x) if part.weights is None else part.weights.any()):
            raise ParameterError(f"validation={fraction:g} leaves no sample (of weight above 0) to {purpose}.")
    return parts[0], parts[1]


def checked_fraction(fraction: Any) -> float:
    """The fraction of the samples to hold out. Raises ParameterError."""
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, np.floating)) or not 0 < fraction < 1:
        given = " ".join(repr(fraction).split())
        raise ParameterError(f"validation must be (x, y) or a fraction between 0 and 1, not {given:.60}.")
    return float(fraction)


def split_indices(samples: int, fraction: float, key: tuple[int, ...]) -> tuple[Array, Array]:
    """The sample numbers for training and for validation, the latter drawn from the key; each in rising order."""
    drawn = np.random.default_rng([*key, 2**31]).permutation(samples)[: held_out_count(samples, fraction)]
    is_validation = np.zeros(samples, bool)
    is_validation[drawn] = True
    return np.flatnonzero(~is_validation), np.flatnonzero(is_validation)


def held_out_count(samples: int, fraction: float) -> int:
    """How many of so many samples are held out."""
    return max(1, round(samples * fraction))
