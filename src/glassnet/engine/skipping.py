"""The matrix product that leaves out zeros of a: for images, counts, and columns of 0 and 1.

Two rows of the result are made at a time, from the terms of which one is not 0; a list of them is made first. What is
left out would have added 0, so the bits are those of the other product, where all numbers are finite. Only the sign of
a 0 may differ: where a sum begins with −0, or a term too small for the dtype has made it −0, which +0 would mend.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.identity import Identity
from glassnet.engine.lines import Line, constant_word, first_lanes
from glassnet.engine.panels import turning
from glassnet.engine.products import product
from glassnet.engine.simd import I64, LLVM, Builder, line, local, pointer, shift, smaller
from glassnet.engine.target import Target, target
from glassnet.engine.tiles import stripping
from glassnet.engine.vectors import broadcast, lanes_of, size_of
from glassnet.tables.formula import trace

ZERO = trace(lambda: 0.0, 0)
ROWS, VECTORS = 2, 8  # of the result that are made at once
LISTED = 512  # terms of a list; a longer sum goes on from what c holds
EIGHT = ir.VectorType(I64, 8)


def skipping(identity: Identity) -> Any:
    """c = start + a·b as `products.product` has it; the words are the same, b is read as b[k, j].

    Where the terms of a row of a lie apart, some rows are first turned into a panel.
    """
    real, found = getattr(types, identity.dtype), target()
    if not found.masks:  # the last lines would have to be copied first
        return product(identity)
    lanes, deep = found.lanes(LLVM[real]), LISTED + 16
    strip, turn = stripping(found, dict.fromkeys(range(1, VECTORS + 1), (ROWS,))), turning(real, found)
    zero, zeros, memory = line(ZERO, real), local(real, VECTORS * lanes), local(types.int64, deep)
    terms, panels = listing(real, found), local(real, lanes * deep)

    def skipping(words: Any, context: Any) -> None:
        a, a_row, a_step, b, b_row = pointer(words[0], real), words[1], words[2], pointer(words[3], real), words[4]
        c, c_row, rows, columns, inner = pointer(words[6], real), words[7], words[9], words[10], words[11]
        nothing, listed, panel = zeros(), memory(), panels()
        zero((), (), (nothing,), VECTORS * lanes)
        vectors = (columns + lanes - 1) // lanes
        strips = (vectors + VECTORS - 1) // VECTORS
        vectors = (vectors + strips - 1) // strips
        height, apart = (ROWS, a_row) if a_step == 1 else (lanes, deep)
        top, near = 0, 0
        while top < rows:
            count, depth = smaller(height, rows - top), smaller(LISTED, inner - near)
            lines = shift(a, top * a_row + near * a_step)
            if a_step != 1:
                for k in range(0, depth, lanes):
                    turn(shift(lines, k * a_step), a_step, depth - k, count, shift(panel, k), deep)
                lines = panel
            for row in range(0, count, ROWS):
                above, left = shift(lines, row * apart), 0
                tall = smaller(ROWS, count - row)
                found = terms(above, shift(above, (tall - 1) * apart), depth, listed)
                while left < columns:
                    wide, into = smaller(vectors * lanes, columns - left), shift(c, (top + row) * c_row + left)
                    start, start_row = nothing, 0
                    if near > 0:
                        start, start_row = into, c_row
                    elif words[8] != 0:
                        start = shift(pointer(words[8], real), left)
                    divisor = words[12] if near + depth == inner else 1
                    sizes = (tall, wide, found, divisor, listed, (wide + lanes - 1) // lanes)
                    second = (shift(b, near * b_row + left), b_row)
                    strip((above, apart, 1), second, (into, c_row), (start, start_row), sizes)
                    left += wide
            near += depth
            if near == inner:
                top, near = top + count, 0

    return skipping


def listing(dtype: types.Type, target: Target) -> Any:
    """An intrinsic terms(above, below, depth, into): lists the places where one of two lines is not 0; their number.

    It writes eight at a time, up to seven places beyond the list; an empty list has place 0 in front.
    """
    real = LLVM[dtype]
    lanes = target.lanes(real)
    kind, whole = ir.VectorType(real, lanes), ir.VectorType(ir.IntType(8 * size_of(real)), lanes)

    @intrinsic
    def terms(typing: Any, above: Any, below: Any, depth: Any, into: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            *lines, depth, into = arguments
            count = cgutils.alloca_once_value(builder, constant_word(0))
            with cgutils.for_range_slice(builder, constant_word(0), depth, constant_word(lanes), I64) as (k, _):
                read = Line(builder, kind, 1, first_lanes(builder, builder.sub(depth, k), lanes))
                bits = [builder.bitcast(read.load(builder.gep(start, [k]))[0], whole) for start in lines]
                kept = builder.icmp_unsigned("!=", builder.or_(*bits), ir.Constant(whole, None))
                for first in range(0, lanes, 8):
                    mask = lanes_of(builder, kept, range(first, first + 8))
                    append(builder, into, count, builder.add(k, constant_word(first)), mask)
            return builder.load(count)

        return types.int64(above, below, types.int64, into), generate

    return terms


def append(builder: Builder, into: ir.Value, count: ir.Value, first: ir.Value, mask: ir.Value) -> None:
    """Those of the eight places from `first` on that are in the mask, behind the list: AVX-512's own instruction."""
    places = builder.add(broadcast(builder, first, 8), ir.Constant(EIGHT, list(range(8))))
    signature = ir.FunctionType(EIGHT, [EIGHT, EIGHT, mask.type])
    compress = cgutils.get_or_insert_function(builder.module, signature, "llvm.x86.avx512.mask.compress.v8i64")
    packed, number = builder.call(compress, [places, ir.Constant(EIGHT, None), mask]), builder.load(count)
    builder.store(packed, builder.bitcast(builder.gep(into, [number]), EIGHT.as_pointer()), align=8)
    added = builder.zext(builder.ctpop(builder.bitcast(mask, ir.IntType(8))), I64)
    builder.store(builder.add(number, added), count)
