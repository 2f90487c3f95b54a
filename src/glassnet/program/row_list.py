"""Collects the rows and quantities of a program while it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from glassnet.program.parameters import Segment
from glassnet.program.program import Buffer, Program, Row, Size
from glassnet.tables.formula import Formula, trace


class RowList:
    """Rows in order, each under the label that holds when it is added, and a buffer for every quantity."""

    def __init__(self, segments: tuple[Segment, ...], statistics: tuple[Segment, ...]) -> None:
        self.segments, self.statistics = segments, statistics
        self.rows: list[Row] = []
        self.scalars: list[str] = []
        self.label = ""
        self.buffers = {segment.name: Buffer(segment.shape, "parameters") for segment in segments}
        self.buffers |= {segment.name: Buffer(segment.shape, "statistics") for segment in statistics}
        self.buffers |= {f"d{segment.name}": Buffer(segment.shape, "gradients") for segment in segments}

    def given(self, shapes: Mapping[str, tuple[Size, ...]], home: str = "work") -> None:
        """Quantities that no row of the program writes."""
        self.buffers |= {name: Buffer(shape, home) for name, shape in shapes.items()}

    def add(
        self,
        kind: str,
        reads: tuple[str, ...],
        writes: Mapping[str, tuple[Size, ...]],
        text: str = "",
        *,
        float64: bool = False,
        **rest: Any,
    ) -> None:
        """Add a row; a new quantity gets a buffer of the given shape. `rest` are other fields of Row."""
        for name, shape in writes.items():
            self.buffers.setdefault(name, Buffer(shape, float64=float64))
        row = Row(kind, self.label, reads, tuple(writes), text, **rest)
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
        **rest: Any,
    ) -> None:
        """Add an elementwise row of `function(*reads, *scalars)`; what the formula does not read is left out."""
        names = reads + scalars
        formula, kept = pruned(trace(function, len(names)))
        read = tuple(names[i] for i in kept if i < len(reads))
        used = tuple(names[i] for i in kept if i >= len(reads))
        self.add(kind, read, writes, text, formula=formula, scalars=used, **rest)

    def sums(self, function: Callable[..., Any], reads: tuple[str, ...], write: str, units: Size, **rest: Any) -> None:
        """Add a formula's sum over the width, in float64, one number a sample or a unit."""
        self.formula(function, reads, {write: (units,)}, rest.pop("text", ""), kind="sums", float64=True, **rest)

    def program(self, **rest: Any) -> Program:
        """What was collected; `rest` are other fields of Program."""
        return Program(tuple(self.rows), self.buffers, self.segments, self.statistics, tuple(self.scalars), **rest)


def pruned(formula: Formula) -> tuple[Formula, tuple[int, ...]]:
    """The formula without the inputs that it does not read, and the numbers of those it keeps."""
    kept = tuple(sorted(formula.reads))

    def only(*values: Any) -> Any:
        given = dict(zip(kept, values, strict=True))
        return formula(*(given.get(index, 0.0) for index in range(formula.inputs)))

    return trace(only, len(kept)), kept
