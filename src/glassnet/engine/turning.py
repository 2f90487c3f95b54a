"""Tiles of 16 rows for narrow rows: turned, so that each column lies in one vector and no lane of a row is empty.

What is a sum or a maximum along a row then is one instruction a column for 16 rows at once, in order of the columns.
A row meets the same instructions in whichever lane it lies; rows and columns beyond the matrix are masked.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba.core import cgutils

from glassnet.engine.simd import I32, I64, LANES, Builder, Stream, load, store
from glassnet.engine.vectors import broadcast

Step = Callable[[ir.Value, ir.Value], ir.Value]


def turned(builder: Builder, rows: list[ir.Value]) -> list[ir.Value]:
    """16 vectors of 16 lanes transposed: four times, each row of the first half is interleaved with its partner."""
    half = LANES // 2
    zips = [[lane // 2 + start + LANES * (lane % 2) for lane in range(LANES)] for start in (0, half)]
    masks = [ir.Constant(ir.VectorType(I32, LANES), lanes) for lanes in zips]
    for _ in range(4):
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [builder.shuffle_vector(one, two, mask) for one, two in pairs for mask in masks]
    return rows


def below(builder: Builder, bound: ir.Value) -> ir.Value:
    """Which lanes have a number smaller than the bound."""
    lanes = ir.Constant(ir.VectorType(I32, LANES), list(range(LANES)))
    return builder.icmp_signed("<", lanes, broadcast(builder, builder.trunc(bound, I32), LANES))


class Tile:
    """Up to 16 rows of up to 16 numbers, held as columns in memory of the kernel's own.

    In the matrix a row begins `apart` numbers behind the one before.
    """

    def __init__(self, builder: Builder, real: ir.Type, width: ir.Value, apart: ir.Value) -> None:
        self.builder, self.real, self.width, self.apart = builder, real, width, apart
        self.kind = ir.VectorType(real, LANES)
        self.columns = cgutils.alloca_once(builder, self.kind, size=ir.Constant(I64, LANES))

    def rows(self, first: ir.Value, rows: ir.Value) -> list[tuple[ir.Value, ir.Value]]:
        """Where each row begins in the matrix, and which lanes of it are there."""
        builder, present = self.builder, below(self.builder, self.width)
        places = [builder.add(first, ir.Constant(I64, number)) for number in range(LANES)]
        there = [builder.icmp_signed(">", rows, ir.Constant(I64, number)) for number in range(LANES)]
        masks = [builder.and_(present, broadcast(builder, bit, LANES)) for bit in there]
        return [(builder.mul(place, self.apart), mask) for place, mask in zip(places, masks, strict=True)]

    def at(self, column: int | ir.Value) -> ir.Value:
        """Where a column is held."""
        place = ir.Constant(I64, column) if isinstance(column, int) else column
        return self.builder.gep(self.columns, [place])

    def read(self, stream: Stream, first: ir.Value, rows: ir.Value) -> None:
        """Take rows of a matrix."""
        lines = [load(self.builder, stream, place, mask, self.real) for place, mask in self.rows(first, rows)]
        for number, column in enumerate(turned(self.builder, lines)):
            self.builder.store(column, self.at(number))

    def write(self, stream: Stream, first: ir.Value, rows: ir.Value) -> None:
        """Put the rows into a matrix."""
        columns = [self.builder.load(self.at(number)) for number in range(LANES)]
        for (place, mask), line in zip(self.rows(first, rows), turned(self.builder, columns), strict=True):
            store(self.builder, stream, place, mask, line)

    def fold(self, start: ir.Value, step: Step) -> ir.Value:
        """Go over the columns in order: result = step(result, number of the column)."""
        result = cgutils.alloca_once(self.builder, start.type)
        self.builder.store(start, result)
        with cgutils.for_range(self.builder, self.width) as loop:
            self.builder.store(step(self.builder.load(result), loop.index), result)
        return self.builder.load(result)


def each_tile(builder: Builder, start: ir.Value, stop: ir.Value, body: Callable[[ir.Value, ir.Value], None]) -> None:
    """Emit body(first row, rows left) for every 16 rows of a share."""
    with cgutils.for_range_slice(builder, start, stop, ir.Constant(I64, LANES), I64) as (first, _):
        body(first, builder.sub(stop, first))
