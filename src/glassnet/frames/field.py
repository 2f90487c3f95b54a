"""What a network answers over two of its inputs (or one): the pictures of its decision boundary and of its neurons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.execution.inference import loaded_executor, outputs
from glassnet.execution.model import Model
from glassnet.frames.drawn_units import DrawnUnits
from glassnet.frames.encoding import Message, encoded
from glassnet.frames.samples import Samples, spread
from glassnet.program.parameters import Array

SIZE, CURVE_SIZE, NEURON_SIZE = 64, 201, 32  # points per axis: of two axes, of one, of the pictures of neurons
LOOKED_AT = 500  # rows, to choose the first two axes
MARGIN = 0.1  # around the data, as a share of their range


def first_axes(x: Array) -> tuple[int, ...]:
    """The two inputs of (n, inputs) that a picture begins with: numbers before marks, which have two values."""
    inputs = x.shape[1]
    if inputs <= 2:
        return tuple(range(inputs))
    some = x[spread(np.arange(len(x)), LOOKED_AT)]
    numbers = [axis for axis in range(inputs) if len(np.unique(some[:, axis])) > 2][:2]
    return tuple(sorted((numbers + [axis for axis in range(inputs) if axis not in numbers])[:2]))


class FieldMaker:
    """Makes Field messages of a model; its axes can be changed at any time."""

    def __init__(self, model: Model, samples: Samples, drawn: DrawnUnits) -> None:
        self.model, self.samples, self.drawn = model, samples, drawn
        self.axes, self._grids = first_axes(samples.x), dict[int, Array]()
        if samples.slice and samples.slice.axes:
            self.axes = samples.slice.axes
        low, high = samples.x.min(axis=0).astype(np.float64), samples.x.max(axis=0).astype(np.float64)
        margin = np.where(high > low, MARGIN * (high - low), 1.0)
        self.low, self.high, self.fixed = low - margin, high + margin, np.median(samples.x, axis=0)
        self.fixed = samples.slice.fixed if samples.slice else self.fixed

    def choose(self, axes: Sequence[int]) -> None:
        """Let these one or two inputs vary."""
        self.axes = tuple(axes)
        self._grids.clear()

    def message(self) -> Message:
        """The field as the network is now; inputs beside the axes are held at their medians, or as the samples say."""
        axes = list(self.axes)
        size = SIZE if len(axes) == 2 else CURVE_SIZE
        with np.errstate(all="ignore"):
            output = outputs(self.model, self._grid(size))
            neurons = self._neurons() if len(axes) == 2 and self.samples.x.shape[1] == 2 else []
        return {
            "axes": axes,
            "fixed": self._fixed_text(),
            "low": self.low[axes].tolist(),
            "high": self.high[axes].tolist(),
            "size": size,
            "output": encoded(output, "f4"),
            "neurons": [encoded(a, "f4") for a in neurons],
        }

    def _grid(self, size: int) -> Array:
        """The points as rows; the first axis varies fastest."""
        if size not in self._grids:
            self._grids[size] = self._new_grid(size)
        return self._grids[size]

    def _new_grid(self, size: int) -> Array:
        lines = [np.linspace(self.low[axis], self.high[axis], size) for axis in self.axes]
        points = np.broadcast_to(self.fixed, (size ** len(lines), len(self.fixed))).astype(self.model.dtype)
        for axis, line in zip(self.axes, np.meshgrid(*lines, indexing="xy"), strict=True):
            points[:, axis] = line.ravel()
        return points

    def _neurons(self) -> list[Array]:
        """a of the drawn neurons of each dense layer, (shown, points)."""
        executor = loaded_executor(self.model, self._grid(NEURON_SIZE))
        executor.run(0, executor.program.head("forward"))
        layers = range(1, len(self.model.architecture.dense) + 1)
        return [self.drawn.rows(executor.columns(f"a{layer}"), layer) for layer in layers]

    def _fixed_text(self) -> str:
        others = self.samples.x.shape[1] - len(self.axes)
        if not others:
            return ""
        noun = "the other input is" if others == 1 else f"the other {others} inputs are"
        text = f"a slice: {noun} held at {'its median' if others == 1 else 'their medians'}"
        return f"{text}{self.samples.slice.text if self.samples.slice else ''}"
