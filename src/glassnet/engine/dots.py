"""Products with one output, as dot products in 16 partial sums, and products of one row, which read w as it lies.

The partial sums of a row are added by halves, in the same order for every row, so that its bits depend on it alone.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.lines import Line, clamped, constant_word, first_lanes, multiply_add, shuffled
from glassnet.engine.simd import I64, LANES, LLVM, Builder, Stream, blocks, load, store
from glassnet.engine.target import Target
from glassnet.engine.vectors import broadcast

LINES, MORE_LINES = 8, 16  # of w that one pass over the result adds; of a w that lies far away
FAR = 1 << 20  # numbers that do not all stay in the nearer caches


def dotting(dtype: types.Type, target: Target) -> Any:
    """An intrinsic dots(a, row, w, bias, c, rows, depth): c[i] = bias + a[i, :]·w, in 16 partial sums."""
    group = target.rows[0]

    @intrinsic
    def dots(typing: Any, a: Any, row: Any, w: Any, bias: Any, c: Any, rows: Any, depth: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            a, apart, w, bias, c, rows, depth = arguments
            with cgutils.for_range_slice(builder, constant_word(0), rows, constant_word(group), I64) as (row, _):
                starts = [builder.gep(a, [builder.mul(place, apart)]) for place in clamped(builder, group, rows, row)]
                sums = folded(builder, partial_sums(builder, starts, w, depth, dtype, target.fused))
                sums = builder.fadd(broadcast(builder, builder.load(bias), group), sums)
                mask = first_lanes(builder, builder.sub(rows, row), group)
                Line(builder, sums.type, 1, mask).store(builder.gep(c, [row]), [sums])
            return context.get_dummy_value()

        whole = types.int64
        return types.void(a, whole, w, bias, c, whole, whole), generate

    return dots


def partial_sums(
    builder: Builder, starts: list[ir.Value], w: ir.Value, depth: ir.Value, dtype: types.Type, fused: bool
) -> list[ir.Value]:
    """For each line, the products of its numbers with w, added in 16 lanes."""
    real = LLVM[dtype]
    kind = ir.VectorType(real, LANES)
    lanes = [cgutils.alloca_once(builder, kind) for _ in starts]
    for lane in lanes:
        builder.store(ir.Constant(kind, None), lane)

    def body(first: ir.Value, mask: ir.Value | None) -> None:
        factor = load(builder, Stream(w, dtype), first, mask, real)
        for start, lane in zip(starts, lanes, strict=True):
            block = load(builder, Stream(start, dtype), first, mask, real)
            builder.store(multiply_add(builder, block, factor, builder.load(lane), fused), lane)

    blocks(builder, depth, body)
    return [builder.load(lane) for lane in lanes]


def folded(builder: Builder, lines: list[ir.Value]) -> ir.Value:
    """The sum of each line's lanes by halves (16, 8, 4, 2, 1), in one vector: lines share the additions."""
    length = LANES
    while length > 1:
        pairs = [lines] if len(lines) == 1 else [lines[i : i + 2] for i in range(0, len(lines), 2)]
        lines, length = [halves_added(builder, pair, length) for pair in pairs], length // 2
    return lines[0]


def halves_added(builder: Builder, lines: list[ir.Value], length: int) -> ir.Value:
    """Runs of `length` lanes made half as long: the first half of each run plus the second."""
    total = sum(line.type.count for line in lines)
    low = [start + i for start in range(0, total, length) for i in range(length // 2)]
    parts = (shuffled(builder, lines[0], lines[-1], order) for order in (low, [i + length // 2 for i in low]))
    return builder.fadd(*parts)


def streaming(dtype: types.Type, target: Target) -> Any:
    """An intrinsic stream(a, step, w, row, c, columns, depth): adds a[k]·w[k, :] to one line c, in order of k.

    The lines of w are read from end to end, several at a time: memory gives them no faster in any other order. The
    farther it is, the more lines must be under way at once.
    """
    real = LLVM[dtype]

    @intrinsic
    def stream(typing: Any, a: Any, step: Any, w: Any, row: Any, c: Any, columns: Any, depth: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            a, step, w, row, c, columns, depth = arguments

            def several(first: ir.Value, count: int) -> None:
                terms = [builder.add(first, constant_word(number)) for number in range(count)]
                numbers = [builder.load(builder.gep(a, [builder.mul(k, step)])) for k in terms]
                factors = [broadcast(builder, number, LANES) for number in numbers]
                lines = [Stream(builder.gep(w, [builder.mul(k, row)]), dtype) for k in terms]

                def body(first: ir.Value, mask: ir.Value | None) -> None:
                    total = load(builder, Stream(c, dtype), first, mask, real)
                    for factor, line in zip(factors, lines, strict=True):
                        block = load(builder, line, first, mask, real)
                        total = multiply_add(builder, factor, block, total, target.fused)
                    store(builder, Stream(c, dtype), first, mask, total)

                blocks(builder, columns, body)

            is_far = builder.icmp_signed(">", builder.mul(row, depth), constant_word(FAR))
            done = constant_word(0)
            for count in (MORE_LINES, LINES, 1):
                stop = builder.and_(depth, constant_word(-count))
                if count == MORE_LINES:
                    stop = builder.select(is_far, stop, done)
                with cgutils.for_range_slice(builder, done, stop, constant_word(count), I64) as (k, _):
                    several(k, count)
                done = stop
            return context.get_dummy_value()

        whole = types.int64
        return types.void(a, whole, w, whole, c, whole, whole), generate

    return stream
