"""Tiles of the matrix product in LLVM IR: a few rows by a few vectors of the result, held in registers.

A tile adds a[i, k]·b[k, j] in order of k, with one accumulator an output and fused multiply-add where the target has
it, so that an output's bits depend on its row and column alone. A tile that reaches beyond the last row repeats that
row; beyond the last column its vectors are masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.lines import Line, clamped, constant_word, first_lanes, multiply_add
from glassnet.engine.simd import I64, Builder
from glassnet.engine.target import Target
from glassnet.engine.vectors import broadcast, constant


class Strip(NamedTuple):
    """What a strip of the result is made of: up to `columns` columns, all rows.

    `a` is read as a[i·a_row + k·a_step], `b` as b[k·b_row + j], the accumulators start at start[i·start_row + j].
    With `terms`, k goes through that list; of an empty one it takes the first place all the same.
    """

    a: ir.Value
    a_row: ir.Value
    a_step: ir.Value
    b: ir.Value
    b_row: ir.Value
    c: ir.Value
    c_row: ir.Value
    start: ir.Value
    start_row: ir.Value
    rows: ir.Value
    columns: ir.Value
    depth: ir.Value
    divisor: ir.Value
    terms: ir.Value | None = None


class Tile:
    """Emits the tiles of a strip that is `vectors` vectors wide."""

    def __init__(self, builder: Builder, strip: Strip, target: Target, vectors: int) -> None:
        self.builder, self.strip, self.target, self.vectors = builder, strip, target, vectors
        real = strip.a.type.pointee
        self.kind = ir.VectorType(real, target.lanes(real))
        self.last = builder.sub(strip.columns, constant_word((vectors - 1) * self.kind.count))
        self.mask = first_lanes(builder, self.last, self.kind.count)
        self.short = Line(builder, self.kind, vectors, self.mask)
        self.whole = Line(builder, self.kind, vectors, None)

    def strips(self, sizes: Sequence[int]) -> None:
        """Tiles of falling numbers of rows; one reaches beyond the last row where the next size would be too small."""
        builder, done = self.builder, constant_word(0)
        for size, following in zip(sizes, (*sizes[1:], 0), strict=True):
            left = builder.sub(self.strip.rows, done)
            count = builder.sdiv(builder.add(left, constant_word(size - following - 1)), constant_word(size))
            stop = builder.add(done, builder.mul(count, constant_word(size)))
            with cgutils.for_range_slice(builder, done, stop, constant_word(size), I64) as (row, _):
                self.tile(row, size)
            done = stop

    def rows(self, start: ir.Value, step: ir.Value, places: Sequence[ir.Value]) -> list[ir.Value]:
        """Where the rows of a matrix begin."""
        return [self.builder.gep(start, [self.builder.mul(place, step)]) for place in places]

    def tile(self, row: ir.Value, size: int) -> None:
        """`size` rows of the strip, from `row` on."""
        builder, strip = self.builder, self.strip
        places = clamped(builder, size, strip.rows, row)
        begin = [self.short.load(start) for start in self.rows(strip.start, strip.start_row, places)]
        sums = self.scaled(self.summed(self.rows(strip.a, strip.a_row, places), begin))
        self.write(self.rows(strip.c, strip.c_row, places), sums)

    def summed(self, rows: list[ir.Value], begin: list[list[ir.Value]]) -> list[list[ir.Value]]:
        """The loop over k."""
        builder, strip = self.builder, self.strip
        before, loop, after = builder.block, builder.append_basic_block("k"), builder.append_basic_block("summed")
        builder.branch(loop)
        builder.position_at_end(loop)
        place = self.joined(constant_word(0), before)
        sums = [[self.joined(value, before) for value in line] for line in begin]
        k = place if strip.terms is None else builder.load(builder.gep(strip.terms, [place]))
        line = (self.short if self.target.masks else self.whole).load(
            builder.gep(strip.b, [builder.mul(k, strip.b_row)])
        )
        step, results = builder.mul(k, strip.a_step), []
        for start, totals in zip(rows, sums, strict=True):
            number = broadcast(builder, builder.load(builder.gep(start, [step])), self.kind.count)
            pairs = zip(line, totals, strict=True)
            results.append([multiply_add(builder, number, b, total, self.target.fused) for b, total in pairs])
        following = builder.add(place, constant_word(1))
        place.add_incoming(following, loop)
        for totals, line in zip(sums, results, strict=True):
            for total, result in zip(totals, line, strict=True):
                total.add_incoming(result, loop)
        builder.cbranch(builder.icmp_signed("<", following, strip.depth), loop, after)
        builder.position_at_end(after)
        return results

    def joined(self, value: ir.Value, block: ir.Block) -> ir.PhiInstr:
        """A value that begins as `value`, coming from `block`."""
        phi = self.builder.phi(value.type)
        phi.add_incoming(value, block)
        return phi

    def scaled(self, sums: list[list[ir.Value]]) -> list[list[ir.Value]]:
        """The sums times 1/divisor, where that is not 1."""
        builder, before = self.builder, self.builder.block
        with builder.if_then(builder.icmp_signed("!=", self.strip.divisor, constant_word(1))):
            whole = builder.sitofp(self.strip.divisor, self.kind.element)
            factor = builder.fdiv(constant(self.kind.element, 1.0), whole)
            factor = broadcast(builder, factor, self.kind.count)
            smaller = [[builder.fmul(total, factor) for total in line] for line in sums]
            inside = builder.block
        results = [[self.joined(total, before) for total in line] for line in sums]
        for phis, line in zip(results, smaller, strict=True):
            for phi, total in zip(phis, line, strict=True):
                phi.add_incoming(total, inside)
        return results

    def write(self, rows: list[ir.Value], sums: list[list[ir.Value]]) -> None:
        """Store the tile; only a short last vector is masked, because masked stores are slow."""
        builder = self.builder

        def stores(line: Line) -> None:
            for start, values in zip(rows, sums, strict=True):
                line.store(start, values)

        full = builder.icmp_signed(">=", self.last, constant_word(self.kind.count))
        with builder.if_else(full) as (yes, no):
            with yes:
                stores(self.whole)
            with no:
                stores(self.short)


WIDE = 8  # vectors of a tile of one row


def stripping(target: Target, shapes: Mapping[int, Sequence[int]]) -> Any:
    """An intrinsic strip((a, row, step), (b, row), (c, row), (start, row), sizes): a Strip, then its vectors.

    `shapes` has the rows of the tiles for every number of vectors. A strip of each width is a function of its own, so
    that a small product does not pay for the registers of a large one.
    """

    @intrinsic
    def strip(typing: Any, a: Any, b: Any, c: Any, start: Any, sizes: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            counts = [len(kinds) for kinds in signature.args]
            values = [builder.extract_value(arguments[i], j) for i, count in enumerate(counts) for j in range(count)]
            *fields, vectors = values
            for number, rows in shapes.items():
                with builder.if_then(builder.icmp_signed("==", vectors, constant_word(number))):
                    kind = ir.FunctionType(ir.VoidType(), [field.type for field in fields])
                    function = ir.Function(builder.module, kind, f"strip{number}")
                    write_strip(function, target, number, rows)
                    builder.call(function, fields)
            return context.get_dummy_value()

        return types.void(a, b, c, start, sizes), generate

    return strip


def write_strip(function: ir.Function, target: Target, vectors: int, rows: Sequence[int]) -> None:
    """Write the function of a strip `vectors` vectors wide."""
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = Builder(function.append_basic_block())
    Tile(builder, Strip(*function.args), target, vectors).strips(rows)
    builder.ret_void()
