"""Collects the equations and quantities of a program while it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from glassnet.program.parameters import Segment
from glassnet.program.precision import rounded_name
from glassnet.program.program import Buffer, Program, Row, Size, symbol
from glassnet.tables.formula import Formula, trace


class EquationList:
    """Equations in order, each under the label that is set when it is added, and a buffer for every quantity."""

    def __init__(self, segments: tuple[Segment, ...], statistics: tuple[Segment, ...]) -> None:
        self.segments, self.statistics = segments, statistics
        self.rows: list[Row] = []
        self.scalars: list[str] = []
        self.label = ""
        self.buffers: dict[str, Buffer] = {}
        self.declare_segments("parameters", "", segments)
        self.declare_segments("statistics", "", statistics)
        self.declare_segments("gradients", "d", segments)

    def declare(self, shapes: Mapping[str, tuple[Size, ...]], home: str = "work", layer: int | None = None) -> None:
        """Add quantities that no equation of the program writes."""
        self.buffers |= {name: Buffer(shape, home, layer=layer) for name, shape in shapes.items()}

    def declare_segments(self, home: str, prefix: str, segments: tuple[Segment, ...]) -> None:
        """Add the quantities of a vector, each under its segment's name behind a prefix."""
        for segment in segments:
            self.buffers[prefix + segment.name] = Buffer(segment.shape, home, segment=segment.name, layer=segment.layer)

    def add(
        self,
        kind: str,
        reads: tuple[str, ...],
        writes: Mapping[str, tuple[Size, ...]],
        text: str = "",
        *,
        float64: bool = False,
        layer: int | None = None,
        **fields: Any,
    ) -> None:
        """Add an equation; a new quantity gets a buffer of the given shape. `fields` are other fields of Row."""
        for name, shape in writes.items():
            self.buffers.setdefault(name, Buffer(shape, float64=float64, layer=layer))
        row = Row(kind, self.label, reads, tuple(writes), text, layer=layer or 0, **fields)
        self.scalars += [name for name in row.scalars if name not in self.scalars]
        self.rows.append(row)

    def formula(
        self,
        function: Callable[..., Any],
        reads: tuple[str, ...],
        writes: Mapping[str, tuple[Size, ...]],
        text: str = "",
        *,
        scalars: tuple[str, ...] = (),
        kind: str = "formula",
        **fields: Any,
    ) -> None:
        """Add the elementwise equation `function(*reads, *scalars)`; operands that the formula ignores are left out."""
        names = reads + scalars
        formula, used = pruned(trace(function, len(names)))
        arrays = tuple(names[index] for index in used if index < len(reads))
        numbers = tuple(names[index] for index in used if index >= len(reads))
        self.add(kind, arrays, writes, text, formula=formula, scalars=numbers, **fields)

    def rounded(self, name: str) -> str:
        """The name of a quantity's copy that is rounded to bfloat16; its equation is added where it is first needed."""
        copy, (shape, *_) = rounded_name(name), self.buffers[name]
        if copy not in self.buffers:
            text = f"{symbol(copy)} = {symbol(name)} rounded to bfloat16"
            layer = self.buffers[name].layer
            self.add("bfloat16", (name,), {copy: shape}, text, role="rounding", detail=True, layer=layer)
        return copy

    def sums(
        self, function: Callable[..., Any], reads: tuple[str, ...], write: str, units: Size, **options: Any
    ) -> None:
        """Add a formula's sum over the width, in float64: one number per sample or unit."""
        self.formula(function, reads, {write: (units,)}, options.pop("text", ""), kind="sums", float64=True, **options)

    def program(self, **fields: Any) -> Program:
        """The program of all that was added; `fields` are other fields of Program."""
        return Program(tuple(self.rows), self.buffers, self.segments, self.statistics, tuple(self.scalars), **fields)


def pruned(formula: Formula) -> tuple[Formula, tuple[int, ...]]:
    """The formula without the inputs that it does not read, and the indices of those that it does."""
    used = tuple(sorted(formula.reads))

    def of_used(*values: Any) -> Any:
        by_index = dict(zip(used, values, strict=True))
        return formula(*(by_index.get(index, 0.0) for index in range(formula.inputs)))

    return trace(of_used, len(used)), used
