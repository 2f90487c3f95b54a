"""Where layers stand between the dense layers, and the segments of the vectors that a network needs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from glassnet.program.architecture import Architecture
from glassnet.program.equation_list import EquationList
from glassnet.program.parameters import Segment
from glassnet.program.program import Role, Size, error_name, symbol
from glassnet.tables.layers import Layer


class LayerPosition(NamedTuple):
    """A layer and its position: behind dense layer `layer` (0: on x itself), as the `number`th of all."""

    name: str
    entry: Layer
    width: int
    layer: int
    number: int


def layer_positions(architecture: Architecture) -> list[LayerPosition]:
    """Every layer between dense layers, in the order of the forward pass; names such as dropout1, dropout1_2."""
    layers = [(entry, architecture.inputs, 0) for entry in architecture.input_layers]
    for layer, dense in enumerate(architecture.dense, 1):
        layers += [(entry, dense.fan_out, layer) for entry in dense.before + dense.after]
    positions: list[LayerPosition] = []
    for entry, width, layer in layers:
        stem = f"{entry.name}{layer}"
        alike = sum(other.entry.name == entry.name and other.layer == layer for other in positions)
        name = f"{stem}_{alike + 1}" if alike else stem
        positions.append(LayerPosition(name, entry, width, layer, len(positions)))
    return positions


def segments(architecture: Architecture) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """The segments of the parameter vector, and those of the running statistics."""
    parameters: list[Segment] = []
    statistics: list[Segment] = []
    for layer, dense in enumerate(architecture.dense, 1):
        parameters.append(Segment(f"w{layer}", (dense.fan_in, dense.fan_out), layer, None))
        parameters.append(Segment(f"b{layer}", (dense.fan_out,), layer, 0.0))
    for name, entry, width, layer, _ in layer_positions(architecture):
        for vector, initial in ((parameters, entry.parameters), (statistics, entry.statistics)):
            vector += [Segment(f"{name}_{key}", (width,), layer, value) for key, value in initial.items()]
    return tuple(parameters), tuple(statistics)


class LayerEquations:
    """The LayerBuilder that a layer's `forward` and `backward` are given."""

    def __init__(self, equations: EquationList, position: LayerPosition, training: bool, learning: bool) -> None:
        self.equations, self.position, self.training, self.learning = equations, position, training, learning
        self.name = position.name

    def quantity(self, key: str) -> str:
        """The full name of one of the layer's quantities."""
        return f"{self.name}_{key}"

    def error(self, quantity: str) -> str:
        """The name of ∂c/∂quantity."""
        return error_name(quantity)

    def formula(
        self,
        write: str,
        function: Callable[..., Any],
        *reads: str,
        shape: str = "full",
        text: str = "",
        role: Role = "",
    ) -> str:
        """Add an elementwise equation and return the name of its result."""
        text = f"{symbol(write)} = {text}" if text else ""
        writes = {write: self._shape(shape)}
        self.equations.formula(function, reads, writes, text, role=role, layer=self.position.layer)
        return write

    def row(self, kind: str, reads: tuple[str, ...], writes: Mapping[str, str], text: str = "") -> None:
        """Add an equation of another kind; `writes` maps names to "full", "column" or "unit"."""
        shapes = {name: self._shape(shape) for name, shape in writes.items()}
        self.equations.add(kind, reads, shapes, text, layer=self.position.layer)

    def drop(self, read: str, write: str, rate: float, text: str) -> None:
        """Add a dropout equation; the number of this position enters its hash."""
        scale = struct.unpack("<q", struct.pack("<d", 1 / (1 - rate)))[0]
        settings = (round(rate * 2**32), scale, self.position.number)
        text, writes = f"{symbol(write)} = {text}", {write: self._shape("full")}
        self.equations.add("dropout", (read,), writes, text, settings=settings, layer=self.position.layer)

    def mean(self, parameter: str, *reads: str) -> None:
        """Add the gradient of a parameter: the mean over the batch of the product of `reads`."""
        name, label = self.quantity(parameter), self.equations.label
        text = f"∂C/∂{name} = mean({' ⊙ '.join(map(symbol, reads))})"
        self.equations.label = "BP3"
        self.row("bp3" if len(reads) == 1 else "mean_product", reads, {f"d{name}": "column"}, text)
        self.equations.label = label

    def _shape(self, shape: str) -> tuple[Size, ...]:
        return {"full": ("m", self.position.width), "column": (self.position.width,), "unit": ("m",)}[shape]
