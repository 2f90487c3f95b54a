"""Kernels of softmax, of its Jacobian product, and of its cross-entropy.

Rows of up to 16 numbers go 16 rows at once, as columns of a tile; longer ones are a line each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from glassnet.engine.curves import CURVES
from glassnet.engine.identity import Identity
from glassnet.engine.simd import I32, LANES, LLVM, Builder, Stream, convert, line, pointer, share, shift, store
from glassnet.engine.turning import Tile, below, each_tile
from glassnet.engine.vectors import broadcast, constant
from glassnet.engine.words import evaluate, extreme
from glassnet.formula import trace

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
        n, z, a = row[3], pointer(row[4], real), pointer(row[5], real)
        if n <= LANES:
            narrow(z, a, n, start, stop)
            return
        for i in range(start, stop):
            x, into = shift(z, i * n), shift(a, i * n)
            total = exponential((x,), (largest((x,), (), (), n),), (into,), n)
            divide((into,), (total,), (into,), n)

    return softmax


def softmax_error(identity: Identity) -> Any:
    """delta = a ⊙ (da − Σ a·da), the products in the dtype, their sum in float64."""
    real = getattr(types, identity.dtype)
    total, error = line(PRODUCT, real, "sum"), line(ERROR, real)

    def softmax_error(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, da, a, delta = row[3], pointer(row[4], real), pointer(row[5], real), pointer(row[6], real)
        for i in range(start, stop):
            lines = (shift(da, i * n), shift(a, i * n))
            error(lines, (total(lines, (), (), n),), (shift(delta, i * n),), n)

    return softmax_error


def softmax_cost(identity: Identity) -> Any:
    """c[i] = Σ_j y_j·(log Σ exp(z) − z_j), elements in the dtype, sums in float64."""
    real = getattr(types, identity.dtype)
    largest, exponential = line(COPY, real, "largest"), line(SHIFTED, real, "sum")
    surprise, narrow = line(SURPRISE, real, "sum"), narrow_cost(real)

    def softmax_cost(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, z, y, costs = row[3], pointer(row[4], real), pointer(row[5], real), pointer(row[6], types.float64)
        if n <= LANES:
            narrow(z, y, costs, n, start, stop)
            return
        for i in range(start, stop):
            x = shift(z, i * n)
            top = largest((x,), (), (), n)
            log_total = logarithm(exponential((x,), (top,), (), n))
            costs[i] = surprise((x, shift(y, i * n)), (top, log_total), (), n)

    return softmax_cost


@intrinsic
def logarithm(typing: Any, x: Any) -> Any:
    """The engine's own logarithm of one number in float64."""

    def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
        logarithms = CURVES["log"](builder, broadcast(builder, arguments[0], 2))
        return builder.extract_element(logarithms, ir.Constant(I32, 0))

    return types.float64(types.float64), generate


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
    """An intrinsic narrow(z, a, n, start, stop): softmax of rows of up to 16 numbers."""

    @intrinsic
    def narrow(typing: Any, z: Any, a: Any, n: Any, start: Any, stop: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            source, target = (Stream(place, dtype) for place in arguments[:2])
            tile = Tile(builder, LLVM[dtype], arguments[2])

            def body(first: ir.Value, rows: ir.Value) -> None:
                tile.read(source, first, rows)
                _, total = exponentials(tile, keep=True)
                divisor = convert(builder, total, types.float64, tile.kind)

                def divide(last: ir.Value, column: ir.Value) -> ir.Value:
                    (quotient,) = evaluate(builder, QUOTIENT, [builder.load(tile.at(column)), divisor], tile.kind)
                    builder.store(quotient, tile.at(column))
                    return last

                tile.fold(divisor, divide)
                tile.write(target, first, rows)

            each_tile(builder, arguments[3], arguments[4], body)
            return context.get_dummy_value()

        return types.void(z, a, types.int64, types.int64, types.int64), generate

    return narrow


def narrow_cost(dtype: types.Type) -> Any:
    """An intrinsic narrow(z, y, costs, n, start, stop): cross-entropy of rows of up to 16 numbers."""

    @intrinsic
    def narrow(typing: Any, z: Any, y: Any, costs: Any, n: Any, start: Any, stop: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            given, wanted = (Tile(builder, LLVM[dtype], arguments[3]) for _ in range(2))

            def body(first: ir.Value, rows: ir.Value) -> None:
                for tile, place in zip((given, wanted), arguments[:2], strict=True):
                    tile.read(Stream(place, dtype), first, rows)
                top, total = exponentials(given, keep=False)
                log_total = convert(builder, CURVES["log"](builder, total), types.float64, given.kind)

                def add(cost: ir.Value, column: ir.Value) -> ir.Value:
                    numbers = [builder.load(tile.at(column)) for tile in (given, wanted)]
                    (part,) = evaluate(builder, SURPRISE, [*numbers, top, log_total], given.kind)
                    return builder.fadd(cost, convert(builder, part, types.float64, cost.type))

                cost = given.fold(constant(total.type, 0.0), add)
                store(builder, Stream(arguments[2], types.float64), first, below(builder, rows), cost)

            each_tile(builder, arguments[4], arguments[5], body)
            return context.get_dummy_value()

        return types.void(z, y, costs, types.int64, types.int64, types.int64), generate

    return narrow
