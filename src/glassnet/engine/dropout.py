"""The dropout kernel: whether a number is kept is a hash of its position, so no mask is stored.

mix(mix(counter·0x9E3779B9 + k0) + k1) in uint32, with counter = i·n + j, k0 = mix(step + key0), k1 = mix(k0 + key1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import types

from glassnet.engine.kernel_functions import as_pointer, inlined, load_slot, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import CONTEXT, DROPOUT, ROW, SCHEDULED_DROPOUT
from glassnet.engine.llvm_vectors import I32, LANES, LLVM, broadcast, constant
from glassnet.engine.simd import convert, for_each_block, load_block, store_block

LANE_NUMBERS = ir.Constant(ir.VectorType(I32, LANES), list(range(LANES)))
MIX_ROUNDS = ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1))  # shift right, then multiply


def uint32(kind: ir.Type, value: int) -> ir.Constant:
    """A uint32 constant, in every lane of a vector or as a scalar."""
    return ir.Constant(kind, [value] * kind.count if isinstance(kind, ir.VectorType) else value)


def mix(builder: ir.IRBuilder, h: Value) -> Value:
    """Mix the bits of a uint32: each one affects all others."""
    for right, factor in MIX_ROUNDS:
        h = builder.xor(h, builder.lshr(h, uint32(h.type, right)))
        h = builder.mul(h, uint32(h.type, factor))
    return h


def operands(builder: ir.IRBuilder, row: Value, offset: Value, real: ir.Type) -> list[Value]:
    """Pointers to x and to the result, from `offset` on."""
    addresses = (load_slot(builder, row, slot) for slot in (DROPOUT.x, DROPOUT.result))
    return [builder.gep(builder.inttoptr(address, real.as_pointer()), [offset]) for address in addresses]


def position_hashes(builder: ir.IRBuilder, row: Value, context: Value, offset: Value) -> Callable[[Value], Value]:
    """A function that emits the hashes of the block that begins at a number, counted from `offset`."""
    step = load_slot(builder, context, CONTEXT.step)
    key0, key1 = (builder.trunc(load_slot(builder, row, index), I32) for index in (DROPOUT.key0, DROPOUT.key1))
    scalar0 = mix(builder, builder.add(builder.trunc(step, I32), key0))
    scalar1 = mix(builder, builder.add(scalar0, key1))
    k0, k1 = (broadcast(builder, number, LANES) for number in (scalar0, scalar1))

    def hashes(first: Value) -> Value:
        counter = broadcast(builder, builder.trunc(builder.add(offset, first), I32), LANES)
        counter = builder.mul(builder.add(counter, LANE_NUMBERS), uint32(counter.type, 0x9E3779B9))
        return mix(builder, builder.add(mix(builder, builder.add(counter, k0)), k1))

    return hashes


def dropout(spec: KernelSpec) -> Any:
    """result = x·scale where the hash is at least the threshold, else 0."""
    drop = dropout_loop(getattr(types, spec.dtype))

    def dropout(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        threshold, scale, width = row[DROPOUT.threshold], as_float64(row[DROPOUT.scale]), row[ROW.width]
        drop(row, context, threshold, scale, start * width, (stop - start) * width)

    return dropout


def scheduled_dropout(spec: KernelSpec) -> Any:
    """The same with a rate that is multiplied by a step scalar; its threshold and scale are computed in float64."""
    real = getattr(types, spec.dtype)
    drop = dropout_loop(real)

    def scheduled_dropout(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        width, factor = row[ROW.width], as_pointer(context[CONTEXT.scalars], real)[row[SCHEDULED_DROPOUT.factor]]
        rate = as_float64(row[SCHEDULED_DROPOUT.rate]) * types.float64(factor)
        threshold, scale = types.int64(rate * 4294967296.0), 1.0 / (1.0 - rate)
        drop(row, context, threshold, scale, start * width, (stop - start) * width)

    return scheduled_dropout


@inlined(types.float64)
def as_float64(builder: ir.IRBuilder, bits: Value) -> Value:
    """The float64 of the bits in a slot."""
    return builder.bitcast(bits, ir.DoubleType())


def dropout_loop(dtype: types.Type) -> Any:
    """An inlined drop(row, context, threshold, scale, offset, count) along `count` numbers of the row's operands.

    Operands and keys of both kinds of dropout are in the same slots.
    """
    real = LLVM[dtype]
    kind = ir.VectorType(real, LANES)

    @inlined()
    def drop(
        builder: ir.IRBuilder, row: Value, context: Value, limit: Value, scale: Value, offset: Value, count: Value
    ) -> None:
        x, result = operands(builder, row, offset, real)
        hashes = position_hashes(builder, row, context, offset)
        threshold = broadcast(builder, builder.trunc(limit, I32), LANES)
        factor = broadcast(builder, convert(builder, scale, real), LANES)

        def body(first: Value, mask: Value | None) -> None:
            scaled = builder.fmul(load_block(builder, x, first, mask, real), factor)
            is_kept = builder.icmp_unsigned(">=", hashes(first), threshold)
            store_block(builder, result, first, mask, builder.select(is_kept, scaled, constant(kind, 0.0)))

        for_each_block(builder, count, body)

    return drop
