"""Tiles of 16 short matrix rows, transposed: each column of the matrix lies in one vector, and no lane is wasted.

A sum or a maximum along the rows then takes one instruction per column for 16 rows at once, in order of the columns.
A row goes through the same instructions in whichever lane it lies; rows and columns beyond the matrix are masked.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils

from glassnet.engine.cpu_target import cpu_target
from glassnet.engine.llvm_vectors import I32, I64, LANES, Builder, broadcast, int64
from glassnet.engine.simd import lane_mask, load_block, store_block
from glassnet.engine.transpose import transposed

FoldStep = Callable[[Value, Value], Value]


def transposed_tile(builder: Builder, rows: list[Value]) -> list[Value]:
    """16 vectors of 16 lanes transposed, in as few instructions as registers of that size take."""
    has_wide_shuffles = cpu_target().vector_bytes == 64  # of any lanes of two registers; others move halves at a time
    return transposed_by_interleaving(builder, rows) if has_wide_shuffles else transposed(builder, rows)


def transposed_by_interleaving(builder: Builder, rows: list[Value]) -> list[Value]:
    """16 vectors of 16 lanes transposed: four times, each row of the first half is interleaved with its partner."""
    half = LANES // 2
    zips = [[lane // 2 + start + LANES * (lane % 2) for lane in range(LANES)] for start in (0, half)]
    masks = [ir.Constant(ir.VectorType(I32, LANES), lanes) for lanes in zips]
    for _ in range(4):
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [builder.shuffle_vector(one, two, mask) for one, two in pairs for mask in masks]
    return rows


class TransposedTile:
    """Up to 16 matrix rows of up to 16 numbers, stored as columns on the kernel's stack.

    `row_stride` is the distance between rows of the matrix, in numbers.
    """

    def __init__(self, builder: Builder, real: ir.Type, width: Value, row_stride: Value) -> None:
        self.builder, self.real, self.width, self.row_stride = builder, real, width, row_stride
        self.kind = ir.VectorType(real, LANES)
        self.columns = cgutils.alloca_once(builder, self.kind, size=int64(LANES))

    def row_offsets(self, first: Value, rows: Value) -> list[tuple[Value, Value]]:
        """Where each row begins in the matrix, and the mask of its numbers."""
        builder, in_row = self.builder, lane_mask(self.builder, self.width)
        indices = [builder.add(first, int64(number)) for number in range(LANES)]
        exists = [builder.icmp_signed(">", rows, int64(number)) for number in range(LANES)]
        masks = [builder.and_(in_row, broadcast(builder, bit, LANES)) for bit in exists]
        return [(builder.mul(index, self.row_stride), mask) for index, mask in zip(indices, masks, strict=True)]

    def column_pointer(self, column: int | Value) -> Value:
        """Pointer to a column of the tile."""
        return self.builder.gep(self.columns, [int64(column) if isinstance(column, int) else column])

    def read(self, matrix: Value, first: Value, rows: Value) -> None:
        """Load rows of a matrix."""
        offsets = self.row_offsets(first, rows)
        vectors = [load_block(self.builder, matrix, offset, mask, self.real) for offset, mask in offsets]
        for number, column in enumerate(transposed_tile(self.builder, vectors)):
            self.builder.store(column, self.column_pointer(number))

    def write(self, matrix: Value, first: Value, rows: Value) -> None:
        """Store the rows in a matrix."""
        columns = [self.builder.load(self.column_pointer(number)) for number in range(LANES)]
        offsets, vectors = self.row_offsets(first, rows), transposed_tile(self.builder, columns)
        for (offset, mask), vector in zip(offsets, vectors, strict=True):
            store_block(self.builder, matrix, offset, mask, vector)

    def fold(self, start: Value, step: FoldStep) -> Value:
        """Fold over the columns in order: result = step(result, number of the column)."""
        result = cgutils.alloca_once(self.builder, start.type)
        self.builder.store(start, result)
        with cgutils.for_range(self.builder, self.width) as loop:
            self.builder.store(step(self.builder.load(result), loop.index), result)
        return self.builder.load(result)


def each_tile(builder: Builder, start: Value, stop: Value, body: Callable[[Value, Value], None]) -> None:
    """Emit body(first row, rows left) for every 16 rows from `start` to `stop` − 1."""
    with cgutils.for_range_slice(builder, start, stop, int64(LANES), I64) as (first, _):
        body(first, builder.sub(stop, first))
