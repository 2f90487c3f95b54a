"""Where layers stand between the dense layers, and the segments of the vector that a network needs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Segment
from glassnet.program.program import Size, error_name, symbol
from glassnet.program.row_list import RowList
from glassnet.tables.layers import Layer


class Place(NamedTuple):
    """A layer row and where it stands: behind dense layer `layer` (0: x itself), as the `number`th of all."""

    name: str
    row: Layer
    width: int
    layer: int
    number: int


def places(architecture: Architecture) -> list[Place]:
    """Every layer between dense layers, in the order of the forward pass; names such as dropout1, dropout1_2."""
    found: list[Place] = []
    for row, width, layer in _standing(architecture):
        stem = f"{row.name}{layer}"
        before = sum(place.row.name == row.name and place.layer == layer for place in found)
        found.append(Place(f"{stem}_{before + 1}" if before else stem, row, width, layer, len(found)))
    return found


def _standing(architecture: Architecture) -> Iterator[tuple[Layer, int, int]]:
    for row in architecture.entry:
        yield row, architecture.inputs, 0
    for layer, dense in enumerate(architecture.dense, 1):
        for row in dense.before + dense.after:
            yield row, dense.fan_out, layer


def segments(architecture: Architecture) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """The segments of the parameter vector, and those of the running statistics."""
    parameters: list[Segment] = []
    statistics: list[Segment] = []
    for layer, dense in enumerate(architecture.dense, 1):
        parameters.append(Segment(f"w{layer}", (dense.fan_in, dense.fan_out), layer, None))
        parameters.append(Segment(f"b{layer}", (dense.fan_out,), layer, 0.0))
    for place in places(architecture):
        for found, wanted in ((parameters, place.row.parameters), (statistics, place.row.statistics)):
            found += [
                Segment(f"{place.name}_{key}", (place.width,), place.layer, value) for key, value in wanted.items()
            ]
    return tuple(parameters), tuple(statistics)


class PlacedRows:
    """What a layer's `forward` and `backward` are given: it names the layer's quantities and adds its rows."""

    def __init__(self, rows: RowList, place: Place, training: bool, learning: bool) -> None:
        self.rows, self.place, self.training, self.learning = rows, place, training, learning
        self.name, self.width = place.name, place.width

    def own(self, quantity: str) -> str:
        """The full name of one of the layer's quantities."""
        return f"{self.name}_{quantity}"

    def error(self, quantity: str) -> str:
        """The name of ∂c/∂quantity."""
        return error_name(quantity)

    def formula(
        self, write: str, function: Callable[..., Any], *reads: str, shape: str = "full", text: str = ""
    ) -> str:
        """Add an elementwise row and return the name of its result."""
        text = f"{symbol(write)} = {text}" if text else ""
        self.rows.formula(function, reads, {write: self._shape(shape)}, text)
        return write

    def row(self, kind: str, reads: tuple[str, ...], writes: Mapping[str, str], text: str = "") -> None:
        """Add a row of another kind; `writes` maps names to "full", "column" or "unit"."""
        self.rows.add(kind, reads, {name: self._shape(word) for name, word in writes.items()}, text)

    def drop(self, read: str, write: str, rate: float, text: str) -> None:
        """Add a dropout row: its hash has the number of this place in it."""
        scale = struct.unpack("<q", struct.pack("<d", 1 / (1 - rate)))[0]
        settings = (round(rate * 2**32), scale, self.place.number)
        text = f"{symbol(write)} = {text}"
        self.rows.add("dropout", (read,), {write: self._shape("full")}, text, settings=settings)

    def mean(self, parameter: str, *reads: str) -> None:
        """Add the gradient of a parameter: the mean over the batch of the product of `reads`."""
        name, label = self.own(parameter), self.rows.label
        text = f"∂C/∂{name} = mean({' ⊙ '.join(map(symbol, reads))})"
        self.rows.label = "BP3"
        self.rows.add("bp3" if len(reads) == 1 else "mean_product", reads, {f"d{name}": (self.width,)}, text)
        self.rows.label = label

    def _shape(self, word: str) -> tuple[Size, ...]:
        return {"full": ("m", self.width), "column": (self.width,), "unit": ("m",)}[word]
