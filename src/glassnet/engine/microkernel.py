"""The micro-kernel of the matrix product in LLVM IR: tiles of a few rows by a few vectors, held in registers.

A tile adds a[i, k]·b[k, j] in order of k, with one accumulator per output and fused multiply-add where the target has
it, so an output's bits depend on its row and column alone. A tile that reaches beyond the last row repeats that row.
Beyond the last column its vectors are masked; where masks are slow, the last vector overlaps the one before it instead.
A term of a product of mixed precision is a word of two bfloat16 numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils

from glassnet.engine.cpu_target import CpuTarget
from glassnet.engine.kernel_functions import inlined
from glassnet.engine.llvm_vectors import I64, Builder, broadcast, constant, int64, shuffle
from glassnet.engine.registers import RegisterRow, clamped_indices, multiply_add
from glassnet.engine.simd import lane_mask

WIDE_VECTORS = 8  # vectors of a tile of one row


class Strip(NamedTuple):
    """The operands of a strip of the result: all rows, up to `columns` columns.

    `a` is read as a[i·a_row + k·a_term], `b` as b[k·b_row + j]; the accumulators start at start[i·start_row + j].
    With `indices`, k takes the values of that list; of an empty list the first entry is used all the same.
    """

    a: Value
    a_row: Value
    a_term: Value
    b: Value
    b_row: Value
    c: Value
    c_row: Value
    start: Value
    start_row: Value
    rows: Value
    columns: Value
    terms: Value
    divisor: Value
    indices: Value | None = None


class MicroKernel:
    """Emits the tiles of a strip that is `vectors` vectors wide, the last of which may be half as long."""

    def __init__(self, builder: Builder, strip: Strip, target: CpuTarget, vectors: int, half: bool = False) -> None:
        self.builder, self.strip, self.target, self.vectors = builder, strip, target, vectors
        real = strip.a.type.pointee
        self.kind = ir.VectorType(real, target.lanes(real))
        self.last_kind = ir.VectorType(real, self.kind.count // 2) if half else self.kind
        kinds = [*[self.kind] * (vectors - 1), self.last_kind]
        self.last_columns = last_columns(builder, strip, self.kind.count, vectors)
        mask = lane_mask(builder, self.last_columns, self.last_kind.count)
        self.row = self.whole_row = RegisterRow(builder, kinds, None)
        if target.free_masks or vectors == 1:
            self.row = RegisterRow(builder, kinds, mask)
        else:
            last = builder.sub(strip.columns, int64(self.kind.count))
            self.row = RegisterRow(builder, kinds, None, last)

    def emit(self, heights: Sequence[int]) -> None:
        """Emit tiles of decreasing heights; one reaches beyond the last row where the next height would not do.

        Where heights follow each other, the rows are shared evenly among the tiles, so that none does.
        """
        builder, done = self.builder, int64(0)
        for height, following in zip(heights, (*heights[1:], 0), strict=True):
            rest = builder.sub(self.strip.rows, done)
            count = builder.sdiv(builder.add(rest, int64(height - following - 1)), int64(height))
            if following == height - 1 > 0:
                count = self.even_count(heights[0], height)
            stop = builder.add(done, builder.mul(count, int64(height)))
            with cgutils.for_range_slice(builder, done, stop, int64(height), I64) as (row, _):
                self.tile(row, height)
            done = stop

    def even_count(self, top: int, height: int) -> Value:
        """How many tiles are `height` rows high if as few as possible, of at most `top` rows, share them evenly."""
        builder, rows = self.builder, self.strip.rows
        tiles = builder.udiv(builder.add(rows, int64(top - 1)), int64(top))
        low = builder.udiv(rows, tiles)
        high_count = builder.sub(rows, builder.mul(low, tiles))
        is_low, is_high = (builder.icmp_signed("==", low, int64(number)) for number in (height, height - 1))
        high_count, low_count = builder.select(is_high, high_count, int64(0)), builder.sub(tiles, high_count)
        return builder.select(is_low, low_count, high_count)

    def row_pointers(self, start: Value, stride: Value, indices: Sequence[Value]) -> list[Value]:
        """Pointers to rows of a matrix."""
        return [self.builder.gep(start, [self.builder.mul(index, stride)]) for index in indices]

    def tile(self, row: Value, height: int) -> None:
        """Emit a tile of `height` rows, beginning at `row`."""
        builder, strip = self.builder, self.strip
        indices = clamped_indices(builder, height, strip.rows, row)
        for start in self.row_pointers(strip.c, strip.c_row, indices):
            self.row.prefetch(start)  # the stores would wait for each line
        begin = [self.row.load(start) for start in self.row_pointers(strip.start, strip.start_row, indices)]
        sums = self.divided(self.accumulated(self.row_pointers(strip.a, strip.a_row, indices), begin))
        self.write(self.row_pointers(strip.c, strip.c_row, indices), sums)

    def accumulated(self, rows: list[Value], begin: list[list[Value]]) -> list[list[Value]]:
        """Emit the loop over k."""
        builder, strip = self.builder, self.strip
        before, loop, after = builder.block, builder.append_basic_block("k"), builder.append_basic_block("summed")
        builder.branch(loop)
        builder.position_at_end(loop)
        counter = self.phi(int64(0), before)
        sums = [[self.phi(value, before) for value in vectors] for vectors in begin]
        k = counter if strip.indices is None else builder.load(builder.gep(strip.indices, [counter]))
        results = self.with_term(k, rows, sums)
        following = builder.add(counter, int64(1))
        counter.add_incoming(following, loop)
        self.add_incoming(sums, results, loop)
        builder.cbranch(builder.icmp_signed("<", following, strip.terms), loop, after)
        builder.position_at_end(after)
        return results

    def b_row(self, k: Value) -> list[Value]:
        """The vectors of row k of b."""
        row = self.whole_row if self.vectors == 1 and not self.target.free_masks else self.row
        return row.load(self.builder.gep(self.strip.b, [self.builder.mul(k, self.strip.b_row)]))

    def with_term(self, k: Value, rows: list[Value], sums: list[list[Any]]) -> list[list[Value]]:
        """The sums after the term k."""
        builder, b_row = self.builder, self.b_row(k)
        offset, results = builder.mul(k, self.strip.a_term), []
        for start, totals in zip(rows, sums, strict=True):
            number = builder.load(builder.gep(start, [offset]))
            products = zip(self.broadcast(number), b_row, totals, strict=True)
            results.append([multiply_add(builder, *operands, self.target) for operands in products])
        return results

    def broadcast(self, number: Value) -> list[Value]:
        """A number in every lane of each vector of a row."""
        whole = broadcast(self.builder, number, self.kind.count)
        last = shuffle(self.builder, whole, whole, range(self.last_kind.count))
        return [*[whole] * (self.vectors - 1), last]

    def phi(self, value: Value, block: ir.Block) -> ir.PhiInstr:
        """A phi node that is `value` on the way from `block`."""
        phi = self.builder.phi(value.type)
        phi.add_incoming(value, block)
        return phi

    @staticmethod
    def add_incoming(phis: list[list[Any]], values: list[list[Value]], block: ir.Block) -> None:
        """Let phi nodes take these values on the way from `block`."""
        for row, incoming in zip(phis, values, strict=True):
            for phi, value in zip(row, incoming, strict=True):
                phi.add_incoming(value, block)

    def divided(self, sums: list[list[Value]]) -> list[list[Value]]:
        """The sums times 1/divisor, where that is not 1."""
        builder, before = self.builder, self.builder.block
        with builder.if_then(builder.icmp_signed("!=", self.strip.divisor, int64(1))):
            divisor = builder.sitofp(self.strip.divisor, self.kind.element)
            factor = builder.fdiv(constant(self.kind.element, 1.0), divisor)
            factors = self.broadcast(factor)
            products = [[builder.fmul(*pair) for pair in zip(row, factors, strict=True)] for row in sums]
            inside = builder.block
        results = [[self.phi(total, before) for total in row] for row in sums]
        self.add_incoming(results, products, inside)
        return results

    def write(self, rows: list[Value], sums: list[list[Value]]) -> None:
        """Store the tile; only a short last vector is masked, because masked stores are slow."""
        builder = self.builder
        if self.row.mask is None:
            for start, values in zip(rows, sums, strict=True):
                self.row.store(start, values)
            return

        def store(row: RegisterRow) -> None:
            for start, values in zip(rows, sums, strict=True):
                row.store(start, values)

        is_full = builder.icmp_signed(">=", self.last_columns, int64(self.last_kind.count))
        with builder.if_else(is_full) as (yes, no):
            with yes:
                store(self.whole_row)
            with no:
                store(self.row)


def strip_kernel(target: CpuTarget, heights: Mapping[int, Sequence[int]]) -> Any:
    """An inlined strip((a, a_row, a_term), (b, b_row), (c, c_row), (start, start_row), sizes).

    `sizes` are the other fields of a Strip, then its width in vectors; `heights` has the heights of the tiles for every
    width. A strip of each width is a function of its own, so that a small product does not pay for the registers of a
    large one.
    """

    @inlined()
    def strip(builder: Builder, a: Value, b: Value, c: Value, start: Value, sizes: Value) -> None:
        *operands, vectors = chain(*(cgutils.unpack_tuple(builder, values) for values in (a, b, c, start, sizes)))
        for number, rows in heights.items():
            with builder.if_then(builder.icmp_signed("==", vectors, int64(number))):
                kind = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
                function = ir.Function(builder.module, kind, f"strip{number}")
                emit_strip(function, target, number, rows)
                builder.call(function, operands)

    return strip


def emit_strip(function: ir.Function, target: CpuTarget, vectors: int, heights: Sequence[int]) -> None:
    """Emit the function of a strip `vectors` vectors wide, the last of which is half as long where that is enough."""
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder, strip = Builder(function.append_basic_block()), Strip(*function.args)
    *high, _ = heights
    if target.half_vectors and high:
        lanes = target.lanes(strip.a.type.pointee)
        is_half = builder.icmp_signed("<=", last_columns(builder, strip, lanes, vectors), int64(lanes // 2))
        is_high = builder.icmp_signed(">=", strip.rows, int64(high[-1]))
        with builder.if_then(builder.and_(is_half, is_high)):
            MicroKernel(builder, strip, target, vectors, half=True).emit(high)
            builder.ret_void()
    MicroKernel(builder, strip, target, vectors).emit(heights)
    builder.ret_void()


def last_columns(builder: Builder, strip: Strip, lanes: int, vectors: int) -> Value:
    """How many columns of a strip are left for its last vector."""
    return builder.sub(strip.columns, int64((vectors - 1) * lanes))
