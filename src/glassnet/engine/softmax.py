"""Kernels of softmax, of its Jacobian product, and of its cross-entropy, for each group of outputs (usually one).

Training computes softmax and cross-entropy in one kernel, which needs each exponential once. After its operands a row
has the number of its groups and their sizes, which add up to its width. Groups of up to 16 outputs are computed for 16
samples at once, as columns of a transposed tile; longer groups one sample after another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.elementary_functions import ELEMENTARY_FUNCTIONS
from glassnet.engine.formula_ir import evaluate, max_or_min
from glassnet.engine.kernel_functions import advance, as_pointer, inlined, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import ROW, SOFTMAX, SOFTMAX_AND_COST, SOFTMAX_COST, SOFTMAX_ERROR
from glassnet.engine.llvm_vectors import I32, I64, LANES, LLVM, Builder, broadcast, constant, int64
from glassnet.engine.simd import COPY, convert, lane_mask, load_block, store_block, vector_loop
from glassnet.engine.transposed_tile import TransposedTile, each_tile
from glassnet.tables.formula import trace

EXPONENTIAL = trace(lambda z, top: np.exp(z - top), 2)
QUOTIENT = trace(lambda x, divisor: x / divisor, 2)
PRODUCT = trace(lambda da, a: a * da, 2)
ERROR = trace(lambda da, a, total: a * (da - total), 3)
CROSS_ENTROPY = trace(lambda z, y, top, log_total: y * (log_total - (z - top)), 4)
DOUBLE = ir.DoubleType()


def softmax(spec: KernelSpec) -> Any:
    """a = exp(z − max z) / Σ exp(z − max z)."""
    real = getattr(types, spec.dtype)
    largest, exponentials = vector_loop(COPY, real, "max"), vector_loop(EXPONENTIAL, real, "sum")
    divide, short_groups = vector_loop(QUOTIENT, real), short_softmax(real)

    def softmax(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, z, a = row[ROW.width], as_pointer(row[SOFTMAX.z], real), as_pointer(row[SOFTMAX.a], real)
        groups, first = advance(row, SOFTMAX.groups), 0
        short_groups(z, a, groups, n, start, stop)
        for group in range(groups[0]):
            size = groups[group + 1]
            if size > LANES:
                for i in range(start, stop):
                    x, result = advance(z, i * n + first), advance(a, i * n + first)
                    total = exponentials((x,), (largest((x,), (), (), size),), (result,), size)
                    divide((result,), (total,), (result,), size)
            first += size

    return softmax


def softmax_error(spec: KernelSpec) -> Any:
    """delta = a ⊙ (da − Σ a·da), the products in the dtype, their sum in float64."""
    real = getattr(types, spec.dtype)
    total, error = vector_loop(PRODUCT, real, "sum"), vector_loop(ERROR, real)

    def softmax_error(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, da, a = row[ROW.width], as_pointer(row[SOFTMAX_ERROR.da], real), as_pointer(row[SOFTMAX_ERROR.a], real)
        delta, first = as_pointer(row[SOFTMAX_ERROR.delta], real), 0
        for group in range(row[SOFTMAX_ERROR.groups]):
            size = row[SOFTMAX_ERROR.groups + 1 + group]
            for i in range(start, stop):
                offset = i * n + first
                arrays = (advance(da, offset), advance(a, offset))
                error(arrays, (total(arrays, (), (), size),), (advance(delta, offset),), size)
            first += size

    return softmax_error


def softmax_cost(spec: KernelSpec) -> Any:
    """c[i] = Σ_j y_j·(log Σ exp(z) − z_j), elements in the dtype, sums in float64, added up over the groups."""
    real = getattr(types, spec.dtype)
    largest, exponentials = vector_loop(COPY, real, "max"), vector_loop(EXPONENTIAL, real, "sum")
    cross_entropy, short_groups = vector_loop(CROSS_ENTROPY, real, "sum"), short_cross_entropy(real)

    def softmax_cost(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, z, y = row[ROW.width], as_pointer(row[SOFTMAX_COST.z], real), as_pointer(row[SOFTMAX_COST.y], real)
        costs = as_pointer(row[SOFTMAX_COST.cost], types.float64)
        groups, first = advance(row, SOFTMAX_COST.groups), 0
        short_groups(z, y, costs, groups, n, start, stop)
        for group in range(groups[0]):
            size = groups[group + 1]
            if size > LANES:
                for i in range(start, stop):
                    x = advance(z, i * n + first)
                    top = largest((x,), (), (), size)
                    log_total = logarithm(exponentials((x,), (top,), (), size))
                    costs[i] += cross_entropy((x, advance(y, i * n + first)), (top, log_total), (), size)
            first += size

    return softmax_cost


def softmax_and_cost(spec: KernelSpec) -> Any:
    """a and c of `softmax` and `softmax_cost`, with the same bits."""
    real = getattr(types, spec.dtype)
    largest, exponentials = vector_loop(COPY, real, "max"), vector_loop(EXPONENTIAL, real, "sum")
    divide, cross_entropy = vector_loop(QUOTIENT, real), vector_loop(CROSS_ENTROPY, real, "sum")
    short_groups = short_softmax_and_cost(real)

    def softmax_and_cost(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, z, y = row[ROW.width], as_pointer(row[SOFTMAX_AND_COST.z], real), as_pointer(row[SOFTMAX_AND_COST.y], real)
        a, costs = as_pointer(row[SOFTMAX_AND_COST.a], real), as_pointer(row[SOFTMAX_AND_COST.cost], types.float64)
        groups, first = advance(row, SOFTMAX_AND_COST.groups), 0
        short_groups((z, y, a, costs), groups, n, start, stop)
        for group in range(groups[0]):
            size = groups[group + 1]
            if size > LANES:
                for i in range(start, stop):
                    x, result = advance(z, i * n + first), advance(a, i * n + first)
                    top = largest((x,), (), (), size)
                    total = exponentials((x,), (top,), (result,), size)
                    divide((result,), (total,), (result,), size)
                    operands = (x, advance(y, i * n + first))
                    costs[i] += cross_entropy(operands, (top, logarithm(total)), (), size)
            first += size

    return softmax_and_cost


@inlined(types.float64)
def logarithm(builder: Builder, x: Value) -> Value:
    """The engine's own logarithm of one number in float64."""
    logarithms = ELEMENTARY_FUNCTIONS["log"](builder, broadcast(builder, x, 2))
    return builder.extract_element(logarithms, ir.Constant(I32, 0))


def each_short_group(builder: Builder, groups: Value, body: Callable[[Value, Value], None]) -> None:
    """Emit body(first output, size) for every group of up to 16 outputs."""
    first = cgutils.alloca_once(builder, I64)
    builder.store(int64(0), first)
    with cgutils.for_range(builder, builder.load(groups)) as loop:
        size = builder.load(builder.gep(groups, [builder.add(loop.index, int64(1))]))
        with builder.if_then(builder.icmp_signed("<=", size, int64(LANES))):
            body(builder.load(first), size)
        builder.store(builder.add(builder.load(first), size), first)


def max_and_total(tile: TransposedTile, exponentials: TransposedTile | None = None) -> tuple[Value, Value]:
    """max z and Σ exp(z − max z) of each sample; the exponentials are written to a tile, which may be that of z."""
    builder = tile.builder

    def larger(top: Value, column: Value) -> Value:
        return max_or_min(builder, ">", top, builder.load(tile.column_pointer(column)))

    top = tile.fold(constant(tile.kind, float("-inf")), larger)

    def add(total: Value, column: Value) -> Value:
        inputs = [builder.load(tile.column_pointer(column)), top]
        (exponential,) = evaluate(builder, EXPONENTIAL, inputs, tile.kind)
        if exponentials is not None:
            builder.store(exponential, exponentials.column_pointer(column))
        return builder.fadd(total, convert(builder, exponential, total.type))

    return top, tile.fold(constant(ir.VectorType(DOUBLE, LANES), 0.0), add)


def inplace_divide(tile: TransposedTile, total: Value) -> None:
    """Divide the columns of a tile by a vector of float64."""
    builder, divisor = tile.builder, convert(tile.builder, total, tile.kind)

    def divide(unchanged: Value, column: Value) -> Value:
        numbers = [builder.load(tile.column_pointer(column)), divisor]
        (quotient,) = evaluate(builder, QUOTIENT, numbers, tile.kind)
        builder.store(quotient, tile.column_pointer(column))
        return unchanged

    tile.fold(divisor, divide)


def inplace_add_costs(
    tiles: tuple[TransposedTile, TransposedTile], top: Value, total: Value, costs: Value, row: Value, rows: Value
) -> None:
    """Add the cross-entropy of tiles of z and y to the costs of up to 16 samples from `row` on."""
    builder, kind = tiles[0].builder, tiles[0].kind
    log_total = convert(builder, ELEMENTARY_FUNCTIONS["log"](builder, total), kind)

    def add(cost: Value, column: Value) -> Value:
        numbers = [builder.load(tile.column_pointer(column)) for tile in tiles]
        (part,) = evaluate(builder, CROSS_ENTROPY, [*numbers, top, log_total], kind)
        return builder.fadd(cost, convert(builder, part, cost.type))

    mask = lane_mask(builder, rows)
    before = load_block(builder, costs, row, mask, DOUBLE)
    store_block(builder, costs, row, mask, tiles[0].fold(before, add))


def inplace_zero(builder: Builder, costs: Value, start: Value, stop: Value) -> None:
    """Set the costs of samples start .. stop−1 to 0; those of all groups are added to it."""
    zero = constant(ir.VectorType(DOUBLE, LANES), 0.0)
    each_tile(builder, start, stop, lambda row, rows: store_block(builder, costs, row, lane_mask(builder, rows), zero))


def short_softmax(dtype: types.Type) -> Any:
    """An inlined softmax(z, a, groups, n, start, stop) of the groups of up to 16 outputs, in rows of n."""

    @inlined()
    def short_groups(builder: Builder, z: Value, a: Value, groups: Value, n: Value, start: Value, stop: Value) -> None:
        def group(first: Value, size: Value) -> None:
            source, target = (builder.gep(matrix, [first]) for matrix in (z, a))
            tile = TransposedTile(builder, LLVM[dtype], size, n)

            def body(row: Value, rows: Value) -> None:
                tile.read(source, row, rows)
                _, total = max_and_total(tile, exponentials=tile)
                inplace_divide(tile, total)
                tile.write(target, row, rows)

            each_tile(builder, start, stop, body)

        each_short_group(builder, groups, group)

    return short_groups


def short_cross_entropy(dtype: types.Type) -> Any:
    """An inlined cost(z, y, costs, groups, n, start, stop): cross-entropy of all groups of up to 16 outputs.

    It is 0 where there are none; the cost of longer groups is added later.
    """

    @inlined()
    def short_groups(
        builder: Builder, z: Value, y: Value, costs: Value, groups: Value, n: Value, start: Value, stop: Value
    ) -> None:
        def group(first: Value, size: Value) -> None:
            tiles = TransposedTile(builder, LLVM[dtype], size, n), TransposedTile(builder, LLVM[dtype], size, n)

            def body(row: Value, rows: Value) -> None:
                for tile, matrix in zip(tiles, (z, y), strict=True):
                    tile.read(builder.gep(matrix, [first]), row, rows)
                inplace_add_costs(tiles, *max_and_total(tiles[0]), costs, row, rows)

            each_tile(builder, start, stop, body)

        inplace_zero(builder, costs, start, stop)
        each_short_group(builder, groups, group)

    return short_groups


def short_softmax_and_cost(dtype: types.Type) -> Any:
    """Both in one: an inlined function of ((z, y, a, costs), groups, n, start, stop)."""

    @inlined()
    def short_groups(builder: Builder, arrays: Value, groups: Value, n: Value, start: Value, stop: Value) -> None:
        z, y, a, costs = cgutils.unpack_tuple(builder, arrays)

        def group(first: Value, size: Value) -> None:
            tiles = TransposedTile(builder, LLVM[dtype], size, n), TransposedTile(builder, LLVM[dtype], size, n)
            result = TransposedTile(builder, LLVM[dtype], size, n)

            def body(row: Value, rows: Value) -> None:
                for tile, matrix in zip(tiles, (z, y), strict=True):
                    tile.read(builder.gep(matrix, [first]), row, rows)
                top, total = max_and_total(tiles[0], exponentials=result)
                inplace_divide(result, total)
                result.write(builder.gep(a, [first]), row, rows)
                inplace_add_costs(tiles, top, total, costs, row, rows)

            each_tile(builder, start, stop, body)

        inplace_zero(builder, costs, start, stop)
        each_short_group(builder, groups, group)

    return short_groups
