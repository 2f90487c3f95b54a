"""Kernels of softmax, of its Jacobian product, and of its cross-entropy, for each group of outputs (mostly one).

Behind the addresses a row has the number of its groups and their sizes, which add up to its width. Groups of up to 16
numbers go 16 rows at once, as columns of a tile; in longer ones each row is a line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.curves import CURVES
from glassnet.engine.identity import Identity
from glassnet.engine.simd import (
    I32,
    I64,
    LANES,
    LLVM,
    Builder,
    Stream,
    convert,
    line,
    load,
    pointer,
    share,
    shift,
    store,
)
from glassnet.engine.turning import Tile, below, each_tile
from glassnet.engine.vectors import broadcast, constant
from glassnet.engine.words import evaluate, extreme
from glassnet.tables.formula import trace

COPY = trace(lambda x: x, 1)
SHIFTED = trace(lambda z, top: np.exp(z - top), 2)
QUOTIENT = trace(lambda x, divisor: x / divisor, 2)
PRODUCT = trace(lambda da, a: a * da, 2)
ERROR = trace(lambda da, a, total: a * (da - total), 3)
SURPRISE = trace(lambda z, y, top, log_total: y * (log_total - (z - top)), 4)
DOUBLE = ir.DoubleType()


def softmax(identity: Identity) -> Any:
    """a = exp(z − max z) / Σ exp(z − max z)."""
    real = getattr(types, identity.dtype)
    largest, exponential, divide = line(COPY, real, "largest"), line(SHIFTED, real, "sum"), line(QUOTIENT, real)
    narrow = narrow_softmax(real)

    def softmax(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, z, a, groups, first = row[3], pointer(row[4], real), pointer(row[5], real), shift(row, 6), 0
        narrow(z, a, groups, n, start, stop)
        for group in range(groups[0]):
            size = groups[group + 1]
            if size > LANES:
                for i in range(start, stop):
                    x, into = shift(z, i * n + first), shift(a, i * n + first)
                    total = exponential((x,), (largest((x,), (), (), size),), (into,), size)
                    divide((into,), (total,), (into,), size)
            first += size

    return softmax


def softmax_error(identity: Identity) -> Any:
    """delta = a ⊙ (da − Σ a·da), the products in the dtype, their sum in float64."""
    real = getattr(types, identity.dtype)
    total, error = line(PRODUCT, real, "sum"), line(ERROR, real)

    def softmax_error(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, da, a, delta = row[3], pointer(row[4], real), pointer(row[5], real), pointer(row[6], real)
        first = 0
        for group in range(row[7]):
            size = row[8 + group]
            for i in range(start, stop):
                place = i * n + first
                lines = (shift(da, place), shift(a, place))
                error(lines, (total(lines, (), (), size),), (shift(delta, place),), size)
            first += size

    return softmax_error


def softmax_cost(identity: Identity) -> Any:
    """c[i] = Σ_j y_j·(log Σ exp(z) − z_j), elements in the dtype, sums in float64, added up over the groups."""
    real = getattr(types, identity.dtype)
    largest, exponential = line(COPY, real, "largest"), line(SHIFTED, real, "sum")
    surprise, narrow = line(SURPRISE, real, "sum"), narrow_cost(real)

    def softmax_cost(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, z, y, costs = row[3], pointer(row[4], real), pointer(row[5], real), pointer(row[6], types.float64)
        groups, first = shift(row, 7), 0
        narrow(z, y, costs, groups, n, start, stop)
        for group in range(groups[0]):
            size = groups[group + 1]
            if size > LANES:
                for i in range(start, stop):
                    x = shift(z, i * n + first)
                    top = largest((x,), (), (), size)
                    log_total = logarithm(exponential((x,), (top,), (), size))
                    costs[i] += surprise((x, shift(y, i * n + first)), (top, log_total), (), size)
            first += size

    return softmax_cost


@intrinsic
def logarithm(typing: Any, x: Any) -> Any:
    """The engine's own logarithm of one number in float64."""

    def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
        logarithms = CURVES["log"](builder, broadcast(builder, arguments[0], 2))
        return builder.extract_element(logarithms, ir.Constant(I32, 0))

    return types.float64(types.float64), generate


def each_narrow(builder: Builder, groups: ir.Value, body: Callable[[ir.Value, ir.Value], None]) -> None:
    """Emit body(first number, size) for every group of up to 16 numbers."""
    first = cgutils.alloca_once(builder, I64)
    builder.store(ir.Constant(I64, 0), first)
    with cgutils.for_range(builder, builder.load(groups)) as loop:
        size = builder.load(builder.gep(groups, [builder.add(loop.index, ir.Constant(I64, 1))]))
        with builder.if_then(builder.icmp_signed("<=", size, ir.Constant(I64, LANES))):
            body(builder.load(first), size)
        builder.store(builder.add(builder.load(first), size), first)


def exponentials(tile: Tile, keep: bool) -> tuple[ir.Value, ir.Value]:
    """The largest number of each row and the sum of exp(z − largest), which take the place of z where they are kept."""
    builder = tile.builder

    def larger(top: ir.Value, column: ir.Value) -> ir.Value:
        return extreme(builder, ">", top, builder.load(tile.at(column)))

    top = tile.fold(constant(tile.kind, float("-inf")), larger)

    def add(total: ir.Value, column: ir.Value) -> ir.Value:
        (grown,) = evaluate(builder, SHIFTED, [builder.load(tile.at(column)), top], tile.kind)
        if keep:
            builder.store(grown, tile.at(column))
        return builder.fadd(total, convert(builder, grown, types.float64, total.type))

    return top, tile.fold(constant(ir.VectorType(DOUBLE, LANES), 0.0), add)


def narrow_softmax(dtype: types.Type) -> Any:
    """An intrinsic narrow(z, a, groups, n, start, stop): softmax of the groups of up to 16 numbers in rows of n."""

    @intrinsic
    def narrow(typing: Any, z: Any, a: Any, groups: Any, n: Any, start: Any, stop: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            z, a, groups, n, start, stop = arguments

            def group(first: ir.Value, size: ir.Value) -> None:
                source, target = (Stream(builder.gep(place, [first]), dtype) for place in (z, a))
                tile = Tile(builder, LLVM[dtype], size, n)

                def body(row: ir.Value, rows: ir.Value) -> None:
                    tile.read(source, row, rows)
                    _, total = exponentials(tile, keep=True)
                    divisor = convert(builder, total, types.float64, tile.kind)

                    def divide(last: ir.Value, column: ir.Value) -> ir.Value:
                        (quotient,) = evaluate(builder, QUOTIENT, [builder.load(tile.at(column)), divisor], tile.kind)
                        builder.store(quotient, tile.at(column))
                        return last

                    tile.fold(divisor, divide)
                    tile.write(target, row, rows)

                each_tile(builder, start, stop, body)

            each_narrow(builder, groups, group)
            return context.get_dummy_value()

        return types.void(z, a, groups, *(types.int64,) * 3), generate

    return narrow


def narrow_cost(dtype: types.Type) -> Any:
    """An intrinsic narrow(z, y, costs, groups, n, start, stop): cross-entropy of all groups of up to 16 numbers.

    It is 0 where there are none; those of the longer groups are added to it.
    """

    @intrinsic
    def narrow(typing: Any, z: Any, y: Any, costs: Any, groups: Any, n: Any, start: Any, stop: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            z, y, costs, groups, n, start, stop = arguments
            costs, zero = Stream(costs, types.float64), constant(ir.VectorType(DOUBLE, LANES), 0.0)

            def group(first: ir.Value, size: ir.Value) -> None:
                given, wanted = (Tile(builder, LLVM[dtype], size, n) for _ in range(2))

                def body(row: ir.Value, rows: ir.Value) -> None:
                    for tile, place in ((given, z), (wanted, y)):
                        tile.read(Stream(builder.gep(place, [first]), dtype), row, rows)
                    top, total = exponentials(given, keep=False)
                    log_total = convert(builder, CURVES["log"](builder, total), types.float64, given.kind)

                    def add(cost: ir.Value, column: ir.Value) -> ir.Value:
                        numbers = [builder.load(tile.at(column)) for tile in (given, wanted)]
                        (part,) = evaluate(builder, SURPRISE, [*numbers, top, log_total], given.kind)
                        return builder.fadd(cost, convert(builder, part, types.float64, cost.type))

                    there = below(builder, rows)
                    before = load(builder, costs, row, there, DOUBLE)
                    store(builder, costs, row, there, given.fold(before, add))

                each_tile(builder, start, stop, body)

            each_tile(builder, start, stop, lambda row, rows: store(builder, costs, row, below(builder, rows), zero))
            each_narrow(builder, groups, group)
            return context.get_dummy_value()

        return types.void(z, y, costs, groups, *(types.int64,) * 3), generate

    return narrow
