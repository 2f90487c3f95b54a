"""Where layers stand between the dense layers, and the segments of the vectors that a network needs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from glassnet.program.architecture import Architecture
from glassnet.program.equation_list import EquationList
from glassnet.program.parameters import Segment
from glassnet.program.program import Role, Size, error_name, symbol
from glassnet.tables.layer import Layer, Shape


class LayerPosition(NamedTuple):
    """A layer and its position: behind dense layer `layer` (0: on x itself), as the `number`th of all.

    `width` is that of its input.
    """

    name: str
    entry: Layer
    width: int
    layer: int
    number: int


def layer_positions(architecture: Architecture) -> list[LayerPosition]:
    """Every layer between dense layers, in the order of the forward pass; names such as dropout1, dropout1_2."""
    widths = architecture.input_widths[:-1]
    layers = [(entry, width, 0) for entry, width in zip(architecture.input_layers, widths, strict=True)]
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
        shapes = entry.parameters_of(width).items()
        parameters += [Segment(f"{name}_{key}", shape, layer, initial) for key, (shape, initial) in shapes]
        statistics += [Segment(f"{name}_{key}", (width,), layer, value) for key, value in entry.statistics.items()]
    return tuple(parameters), tuple(statistics)


def float_bits(number: float) -> int:
    """The bits of a float64 as an integer, for the settings of an equation."""
    return int(struct.unpack("<q", struct.pack("<d", number))[0])


class LayerEquations:
    """The LayerBuilder that a layer's `forward` and `backward` are given."""

    def __init__(self, equations: EquationList, position: LayerPosition, training: bool, step: Any = None) -> None:
        self.equations, self.position, self.training = equations, position, training
        self.learning, self.dropout_schedule = step is not None, step is not None and step.dropout_schedule
        self.name, self.width = position.name, position.width

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
        shape: Shape = "full",
        text: str = "",
        role: Role = "",
    ) -> str:
        """Add an elementwise equation and return the name of its result."""
        text = f"{symbol(write)} = {text}" if text else ""
        writes = {write: self._shape(shape)}
        self.equations.formula(function, reads, writes, text, role=role, layer=self.position.layer)
        return write

    def row(
        self,
        kind: str,
        reads: tuple[str, ...],
        writes: Mapping[str, Shape],
        text: str = "",
        settings: tuple[int, ...] = (),
    ) -> None:
        """Add an equation of another kind; `writes` maps names to shapes."""
        shapes = {name: self._shape(shape) for name, shape in writes.items()}
        self.equations.add(kind, reads, shapes, text, settings=settings, layer=self.position.layer)

    def drop(self, read: str, write: str, rate: float, text: str) -> None:
        """Add a dropout equation; the number of this position enters its hash."""
        text, writes = f"{symbol(write)} = {text}", {write: self._shape("full")}
        fields: dict[str, Any] = {"settings": (round(rate * 2**32), float_bits(1 / (1 - rate)), self.position.number)}
        if self.dropout_schedule:
            fields = {"settings": (float_bits(rate), self.position.number), "scalars": ("dropout factor",)}
            text = text[:-1] + "·dropout schedule)"
        kind = "scheduled_dropout" if self.dropout_schedule else "dropout"
        self.equations.add(kind, (read,), writes, text, layer=self.position.layer, **fields)

    def noise(self, read: str, write: str, scale: float, text: str) -> None:
        """Add an equation of noise; the number of this position enters its hash."""
        settings, text = (float_bits(scale), self.position.number), f"{symbol(write)} = {text}"
        writes = {write: self._shape("full")}
        self.equations.add("noise", (read,), writes, text, settings=settings, layer=self.position.layer)

    def mean(self, parameter: str, *reads: str) -> None:
        """Add the gradient of a parameter: the mean over the batch of the product of `reads`."""
        kind = "bp3" if len(reads) == 1 else "mean_product"
        self._gradient("BP3", kind, parameter, reads, f"mean({' ⊙ '.join(map(symbol, reads))})")

    def gradient(self, kind: str, parameter: str, reads: tuple[str, ...], text: str, settings: tuple[int, ...]) -> None:
        """Add the gradient of a parameter by an equation of another kind."""
        self._gradient("BP4", kind, parameter, reads, text, settings)

    def _gradient(
        self,
        label: str,
        kind: str,
        parameter: str,
        reads: tuple[str, ...],
        text: str,
        settings: tuple[int, ...] = (),
    ) -> None:
        """Add the gradient of a parameter under a label of its own; its shape is the parameter's."""
        name, before = self.quantity(parameter), self.equations.label
        self.equations.label = label
        writes = {f"d{name}": self.equations.buffers[f"d{name}"].shape}
        self.equations.add(kind, reads, writes, f"∂C/∂{name} = {text}", settings=settings, layer=self.position.layer)
        self.equations.label = before

    def _shape(self, shape: Shape) -> tuple[Size, ...]:
        if isinstance(shape, int):
            return ("m", shape)
        return {"full": ("m", self.width), "column": (self.width,), "unit": ("m",)}[shape]
