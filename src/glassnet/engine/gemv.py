"""Matrix-vector products: outputs of one column as dot products in 16 partial sums, and a single row times a matrix.

The partial sums of a row are added by halves, in the same order for every row, so that its bits depend on it alone.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.cpu_target import CpuTarget
from glassnet.engine.kernel_functions import inlined
from glassnet.engine.llvm_vectors import I64, LANES, LLVM, Builder, broadcast, int64, shuffle
from glassnet.engine.registers import RegisterRow, clamped_indices, multiply_add
from glassnet.engine.simd import for_each_block, lane_mask, load_block, store_block

ROWS_PER_PASS, ROWS_PER_PASS_FAR = 8, 16  # rows of w that one pass over the result adds; the latter where w is large
FAR_SIZE = 1 << 20  # numbers of a w that does not fit in the nearer caches


def dot_products(dtype: types.Type, target: CpuTarget) -> Any:
    """An inlined dots(a, a_row, w, bias, c, rows, terms): c[i] = bias + a[i, :]·w, in 16 partial sums."""
    group = target.tile_rows

    @inlined()
    def dots(
        builder: Builder, a: Value, a_row: Value, w: Value, bias: Value, c: Value, rows: Value, terms: Value
    ) -> None:
        with cgutils.for_range_slice(builder, int64(0), rows, int64(group), I64) as (row, _):
            indices = clamped_indices(builder, group, rows, row)
            starts = [builder.gep(a, [builder.mul(index, a_row)]) for index in indices]
            sums = sum_lanes(builder, partial_sums(builder, starts, w, terms, LLVM[dtype], target))
            sums = builder.fadd(broadcast(builder, builder.load(bias), group), sums)
            mask = lane_mask(builder, builder.sub(rows, row), group)
            RegisterRow(builder, [sums.type], mask).store(builder.gep(c, [row]), [sums])

    return dots


def partial_sums(
    builder: Builder, starts: list[Value], w: Value, terms: Value, real: ir.Type, target: CpuTarget
) -> list[Value]:
    """For each row, the products of its numbers with w, added in 16 lanes."""
    kind = ir.VectorType(real, LANES)
    totals = [cgutils.alloca_once(builder, kind) for _ in starts]
    for total in totals:
        builder.store(ir.Constant(kind, None), total)

    def body(first: Value, mask: Value | None) -> None:
        factor = load_block(builder, w, first, mask, real)
        for start, total in zip(starts, totals, strict=True):
            block = load_block(builder, start, first, mask, real)
            builder.store(multiply_add(builder, block, factor, builder.load(total), target), total)

    for_each_block(builder, terms, body)
    return [builder.load(total) for total in totals]


def sum_lanes(builder: Builder, vectors: list[Value]) -> Value:
    """The sum of each vector's lanes by halves (16, 8, 4, 2, 1), in one vector: the vectors share the additions."""
    length = LANES
    while length > 1:
        pairs = [vectors] if len(vectors) == 1 else [vectors[i : i + 2] for i in range(0, len(vectors), 2)]
        vectors, length = [add_halves(builder, pair, length) for pair in pairs], length // 2
    return vectors[0]


def add_halves(builder: Builder, vectors: list[Value], length: int) -> Value:
    """Halve runs of `length` lanes: the first half of each run plus the second."""
    total = sum(vector.type.count for vector in vectors)
    low = [start + i for start in range(0, total, length) for i in range(length // 2)]
    high = [i + length // 2 for i in low]
    return builder.fadd(*(shuffle(builder, vectors[0], vectors[-1], order) for order in (low, high)))


def row_times_matrix(dtype: types.Type, target: CpuTarget) -> Any:
    """An inlined product(a, a_term, w, w_row, c, columns, terms): c += Σ_k a[k]·w[k, :], in order of k.

    The rows of w are read from end to end, several at a time: no other order gets them from memory faster. The farther
    away w is, the more rows must be in flight at once.
    """
    real = LLVM[dtype]

    @inlined()
    def product(
        builder: Builder, a: Value, a_term: Value, w: Value, w_row: Value, c: Value, columns: Value, terms: Value
    ) -> None:
        def add_rows(first: Value, count: int) -> None:
            indices = [builder.add(first, int64(number)) for number in range(count)]
            numbers = [builder.load(builder.gep(a, [builder.mul(k, a_term)])) for k in indices]
            factors = [broadcast(builder, number, LANES) for number in numbers]
            rows = [builder.gep(w, [builder.mul(k, w_row)]) for k in indices]

            def body(first: Value, mask: Value | None) -> None:
                total = load_block(builder, c, first, mask, real)
                for factor, row in zip(factors, rows, strict=True):
                    block = load_block(builder, row, first, mask, real)
                    total = multiply_add(builder, factor, block, total, target)
                store_block(builder, c, first, mask, total)

            for_each_block(builder, columns, body)

        is_far = builder.icmp_signed(">", builder.mul(w_row, terms), int64(FAR_SIZE))
        done = int64(0)
        for count in (ROWS_PER_PASS_FAR, ROWS_PER_PASS, 1):
            stop = builder.and_(terms, int64(-count))
            if count == ROWS_PER_PASS_FAR:
                stop = builder.select(is_far, stop, done)
            with cgutils.for_range_slice(builder, done, stop, int64(count), I64) as (k, _):
                add_rows(k, count)
            done = stop

    return product
