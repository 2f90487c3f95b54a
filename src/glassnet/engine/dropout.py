"""The kernel of dropout: which numbers stay is a hash of where they are, so that no mask is kept.

mix(mix(counter·0x9E3779B9 + k0) + k1) in uint32, with counter = i·n + j, k0 = mix(step + key0), k1 = mix(k0 + key1).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from glassnet.engine.identity import Identity
from glassnet.engine.simd import I32, LANES, LLVM, Stream, blocks, convert, load, share, store, word_at
from glassnet.engine.vectors import broadcast, constant

LANE = ir.Constant(ir.VectorType(I32, LANES), list(range(LANES)))
ROUNDS = ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1))


def number(kind: ir.Type, value: int) -> ir.Constant:
    """A uint32, in every lane of a vector or as a scalar."""
    return ir.Constant(kind, [value] * kind.count if isinstance(kind, ir.VectorType) else value)


def mix(builder: ir.IRBuilder, h: ir.Value) -> ir.Value:
    """Spread every bit of a uint32 over all of them."""
    for right, factor in ROUNDS:
        h = builder.xor(h, builder.lshr(h, number(h.type, right)))
        h = builder.mul(h, number(h.type, factor))
    return h


def dropout(identity: Identity) -> Any:
    """t = x·scale where the hash is at least the threshold, else 0."""
    drop = dropping(getattr(types, identity.dtype))

    def dropout(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        drop(row, context, start * row[3], (stop - start) * row[3])

    return dropout


def dropping(dtype: types.Type) -> Any:
    """An intrinsic drop(row, context, offset, count) along one line of the row's numbers."""
    real = LLVM[dtype]
    kind, lanes = ir.VectorType(real, LANES), ir.VectorType(I32, LANES)

    @intrinsic
    def drop(typing: Any, row: Any, context: Any, offset: Any, count: Any) -> Any:
        def generate(target: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            words, state, offset, count = arguments
            x, t = (line_at(builder, words, index, offset, dtype) for index in (4, 5))
            step = word_at(builder, state, 4)
            threshold, key0, key1 = (builder.trunc(word_at(builder, words, index), I32) for index in (6, 7, 8))
            k0 = mix(builder, builder.add(builder.trunc(step, I32), key0))
            keys = [broadcast(builder, key, LANES) for key in (k0, mix(builder, builder.add(k0, key1)), threshold)]
            scale = builder.bitcast(word_at(builder, words, 9), ir.DoubleType())
            factor = broadcast(builder, convert(builder, scale, types.float64, real), LANES)

            def body(first: ir.Value, mask: ir.Value | None) -> None:
                counter = broadcast(builder, builder.trunc(builder.add(offset, first), I32), LANES)
                counter = builder.mul(builder.add(counter, LANE), number(lanes, 0x9E3779B9))
                h = mix(builder, builder.add(mix(builder, builder.add(counter, keys[0])), keys[1]))
                kept = builder.fmul(load(builder, x, first, mask, real), factor)
                stays = builder.icmp_unsigned(">=", h, keys[2])
                store(builder, t, first, mask, builder.select(stays, kept, constant(kind, 0.0)))

            blocks(builder, count, body)
            return target.get_dummy_value()

        return types.void(row, context, types.int64, types.int64), generate

    return drop


def line_at(builder: ir.IRBuilder, words: ir.Value, index: int, offset: ir.Value, dtype: types.Type) -> Stream:
    """The line that begins `offset` numbers into a row's operand."""
    start = builder.inttoptr(word_at(builder, words, index), LLVM[dtype].as_pointer())
    return Stream(builder.gep(start, [offset]), dtype)
