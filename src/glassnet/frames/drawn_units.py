"""Which units of a large layer are drawn, and a quantity without the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from glassnet.execution.inference import loaded_executor
from glassnet.execution.model import Model
from glassnet.frames.samples import Samples, spread
from glassnet.program.parameters import Array
from glassnet.training.layer_measures import square_sums

MAX_UNITS = 24  # that are drawn of a layer
MAX_PIXELS = 100  # that are all drawn where the inputs are an image
MEASURED = 256  # samples that decide which units those are


class DrawnUnits(NamedTuple):
    """`units` are the numbers of the drawn units per layer, the inputs first; `counts` are the sizes of the layers."""

    units: tuple[Array, ...]
    counts: tuple[int, ...]
    max_units: int = MAX_UNITS

    def of(self, layer: int, size: int) -> Array:
        """The drawn units of a layer; of what other layers made of it, with another size, the first ones."""
        if size == self.counts[layer]:
            return self.units[layer]
        return np.arange(min(size, self.max_units))

    def rows(self, values: Array, layer: int) -> Array:
        """The drawn rows of a quantity whose rows are the units of a layer."""
        return values if self.is_whole(layer) else values[self.of(layer, len(values))]

    def weights(self, values: Array, layer: int) -> Array:
        """W, or what has its shape, (fan_out, fan_in), of a layer: the drawn units of both layers."""
        columns = self.of(layer - 1, values.shape[1])
        rows = self.rows(values, layer)
        return rows if len(columns) == values.shape[1] else rows[:, columns]

    def is_whole(self, layer: int) -> bool:
        """Whether all units of a layer are drawn."""
        return len(self.units[layer]) == self.counts[layer]

    def cut(self, values: Array, axes: Iterable[object]) -> Array:
        """The drawn part of an array; `axes` are the layers that its rows and columns count, or something else."""
        for axis, layer in enumerate(axes):
            if isinstance(layer, int):
                chosen = self.of(layer, values.shape[axis])
                if len(chosen) < values.shape[axis]:
                    values = values.take(chosen, axis)
        return values


def drawn_units(model: Model, samples: Samples, max_units: int = MAX_UNITS) -> DrawnUnits:
    """The units of each layer with the largest errors now (of the inputs: the largest spread), at most so many."""
    chosen = spread(samples.trained, MEASURED)
    executor = loaded_executor(model, *samples.part(chosen)[:2])
    executor.run()
    with np.errstate(all="ignore"):
        sizes = [executor.rows("a0").std(axis=0)]
        sizes += [square_sums(executor.rows(f"delta{n}").T) for n in range(1, len(model.architecture.dense) + 1)]
    limits = [MAX_PIXELS if samples.image is not None else max_units] + [max_units] * (len(sizes) - 1)
    units = tuple(_largest(size, limit) for size, limit in zip(sizes, limits, strict=True))
    return DrawnUnits(units, tuple(map(len, sizes)), max_units)


def _largest(sizes: Array, limit: int) -> Array:
    """The places of the largest numbers, in rising order; of few, all."""
    if len(sizes) <= limit:
        return np.arange(len(sizes))
    return np.sort(np.argsort(-np.nan_to_num(sizes), kind="stable")[:limit])
