"""Kernels that fetch a batch: samples in the run's order, class numbers as rows of 0 and 1, and sample weights."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.identity import Identity
from glassnet.engine.simd import (
    I32,
    I64,
    LANES,
    LLVM,
    Stream,
    compute,
    line,
    load,
    pointer,
    share,
    shift,
    smaller,
    store,
)
from glassnet.engine.turning import below
from glassnet.tables.formula import trace

COPY = trace(lambda x: x, 1)
ZERO = trace(lambda: 0.0, 0)
SOURCES: tuple[Any, ...] = (types.float32, types.float64, types.uint8, types.int64)  # by dtype code


def gather(identity: Identity) -> Any:
    """t[i, :] = source[order[first + i], :], turned into the program's dtype from float32, float64, uint8 or int64.

    While one sample is turned, memory already brings the next one: they lie anywhere, so no processor can guess it.
    """
    real = getattr(types, identity.dtype)
    convert, convert_short = converting(real), converting_short(real)

    def gather(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, source, stride, code = row[3], row[4], row[6], row[7]
        order, t = shift(pointer(context[6], types.int64), context[3]), pointer(row[5], real)
        if n <= LANES:
            convert_short(source, stride, code, shift(order, start), shift(t, start * n), n, stop - start)
            return
        for i in range(start, stop):
            following = source + order[smaller(i + 1, stop - 1)] * stride
            convert(source + order[i] * stride, code, following, shift(t, i * n), n)

    return gather


def converting(dtype: types.Type) -> Any:
    """An intrinsic convert(place, code, following, into, count): the line at `place`, of one of the dtypes, as `dtype`.

    `following` is the address of the line that is converted next.
    """

    @intrinsic
    def convert(typing: Any, place: Any, code: Any, following: Any, into: Any, count: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            place, code, following, into, count = arguments
            for number, source in enumerate(SOURCES):
                with builder.if_then(builder.icmp_signed("==", code, ir.Constant(I64, number))):
                    fetch(builder, following, builder.mul(count, ir.Constant(I64, source.bitwidth // 8)))
                    start = builder.inttoptr(place, context.get_value_type(types.CPointer(source)))
                    compute(builder, COPY, LLVM[dtype], [Stream(start, source)], [Stream(into, dtype)], count)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(whole, whole, whole, into, whole), generate

    return convert


def fetch(builder: ir.IRBuilder, place: ir.Value, size: ir.Value) -> None:
    """Ask memory for `size` bytes, to lie in the second cache soon; nothing waits for them."""
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    how = [ir.Constant(I32, word) for word in (0, 2, 1)]  # to be read; into the second cache; data
    with cgutils.for_range_slice(builder, ir.Constant(I64, 0), size, ir.Constant(I64, 64), I64) as (line, _):
        builder.call(prefetch, [builder.inttoptr(builder.add(place, line), byte), *how])


def converting_short(dtype: types.Type) -> Any:
    """An intrinsic convert(source, stride, code, order, into, n, count): `count` lines of `n` numbers, at most 16.

    What the lines have in common, their dtype and their mask, is looked at once.
    """

    @intrinsic
    def convert(typing: Any, source: Any, stride: Any, code: Any, order: Any, into: Any, n: Any, count: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            first, stride, code, order, into, n, count = arguments
            mask = below(builder, n)
            for number, source in enumerate(SOURCES):
                with (
                    builder.if_then(builder.icmp_signed("==", code, ir.Constant(I64, number))),
                    cgutils.for_range(builder, count) as loop,
                ):
                    sample = builder.load(builder.gep(order, [loop.index]))
                    place = builder.add(first, builder.mul(sample, stride))
                    line = Stream(builder.inttoptr(place, context.get_value_type(types.CPointer(source))), source)
                    block = load(builder, line, ir.Constant(I64, 0), mask, LLVM[dtype])
                    store(builder, Stream(into, dtype), builder.mul(loop.index, n), mask, block)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(whole, whole, whole, order, into, whole, whole), generate

    return convert


def one_hot(identity: Identity) -> Any:
    """t[i, :] = 1 at the sample's class, else 0; a class that there is no column for leaves the row 0."""
    real = getattr(types, identity.dtype)
    zero = line(ZERO, real)

    def one_hot(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, labels, t = row[3], pointer(row[4], types.int64), pointer(row[5], real)
        order = shift(pointer(context[6], types.int64), context[3])
        zero((), (), (shift(t, start * n),), (stop - start) * n)
        for i in range(start, stop):
            label = labels[order[i]]
            if label >= 0 and label < n:
                t[i * n + label] = real(1)

    return one_hot


def sample_weights(identity: Identity) -> Any:
    """s[i] = the sample's weight times a step scalar, multiplied in float64."""
    real = getattr(types, identity.dtype)

    def sample_weights(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        source, s = pointer(row[4], types.float64), pointer(row[5], real)
        order = shift(pointer(context[6], types.int64), context[3])
        scalar = types.float64(pointer(context[5], real)[row[6]])
        for i in range(start, stop):
            s[i] = real(source[order[i]] * scalar)

    return sample_weights
