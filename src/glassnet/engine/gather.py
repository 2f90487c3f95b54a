"""Kernels that fetch a batch: samples in the order of the run, class numbers one-hot, and sample weights."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.kernel_functions import advance, as_pointer, inlined, minimum, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import CONTEXT, GATHER, ONE_HOT, ROW, SAMPLE_WEIGHTS
from glassnet.engine.llvm_vectors import I32, I64, LANES, LLVM, Builder, int64
from glassnet.engine.simd import COPY, ZERO, emit_loop, lane_mask, load_block, store_block, vector_loop

SOURCE_DTYPES: tuple[Any, ...] = (types.float32, types.float64, types.uint8, types.int64)  # by dtype code


def gather(spec: KernelSpec) -> Any:
    """batch[i, :] = source[order[first + i], :], converted from float32, float64, uint8 or int64.

    The next sample is prefetched while one is converted: samples may lie anywhere, so no processor can predict it.
    """
    real = getattr(types, spec.dtype)
    convert, convert_short = sample_conversion(real), short_sample_conversion(real)

    def gather(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, source, stride, code = row[ROW.width], row[GATHER.source], row[GATHER.stride], row[GATHER.dtype]
        order = advance(as_pointer(context[CONTEXT.order], types.int64), context[CONTEXT.first_sample])
        batch = as_pointer(row[GATHER.batch], real)
        if n <= LANES:
            convert_short(source, stride, code, advance(order, start), advance(batch, start * n), n, stop - start)
            return
        for i in range(start, stop):
            following = source + order[minimum(i + 1, stop - 1)] * stride
            convert(source + order[i] * stride, code, following, advance(batch, i * n), n)

    return gather


def sample_conversion(dtype: types.Type) -> Any:
    """An inlined convert(address, code, following, result, count): the sample at `address`, converted to `dtype`.

    `code` is the number of its dtype, `following` the address of the sample that is converted next.
    """

    @inlined()
    def convert(builder: Builder, address: Value, code: Value, following: Value, result: Value, count: Value) -> None:
        for number, source in enumerate(SOURCE_DTYPES):
            with builder.if_then(builder.icmp_signed("==", code, int64(number))):
                prefetch(builder, following, builder.mul(count, int64(source.bitwidth // 8)))
                start = builder.inttoptr(address, LLVM[source].as_pointer())
                emit_loop(builder, COPY, LLVM[dtype], [start], [result], count)

    return convert


def prefetch(builder: Builder, address: Value, size: Value) -> None:
    """Prefetch `size` bytes into the second-level cache."""
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    options = [ir.Constant(I32, number) for number in (0, 2, 1)]  # read; second-level cache; data
    with cgutils.for_range_slice(builder, int64(0), size, int64(64), I64) as (offset, _):
        builder.call(function, [builder.inttoptr(builder.add(address, offset), byte), *options])


def short_sample_conversion(dtype: types.Type) -> Any:
    """An inlined convert(source, stride, code, order, result, n, count): `count` samples of n numbers, at most 16.

    What the samples have in common, their dtype and their mask, is determined once.
    """

    @inlined()
    def convert(
        builder: Builder, source: Value, stride: Value, code: Value, order: Value, result: Value, n: Value, count: Value
    ) -> None:
        mask = lane_mask(builder, n)
        for number, source_dtype in enumerate(SOURCE_DTYPES):
            is_source = builder.if_then(builder.icmp_signed("==", code, int64(number)))
            with is_source, cgutils.for_range(builder, count) as loop:
                sample = builder.load(builder.gep(order, [loop.index]))
                address = builder.add(source, builder.mul(sample, stride))
                pointer = builder.inttoptr(address, LLVM[source_dtype].as_pointer())
                block = load_block(builder, pointer, int64(0), mask, LLVM[dtype])
                store_block(builder, result, builder.mul(loop.index, n), mask, block)

    return convert


def one_hot(spec: KernelSpec) -> Any:
    """targets[i, :] = 1 at the sample's class, else 0; a class number without a column leaves zeros."""
    real = getattr(types, spec.dtype)
    fill_zeros = vector_loop(ZERO, real)

    def one_hot(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, labels = row[ROW.width], as_pointer(row[ONE_HOT.labels], types.int64)
        targets = as_pointer(row[ONE_HOT.targets], real)
        order = advance(as_pointer(context[CONTEXT.order], types.int64), context[CONTEXT.first_sample])
        fill_zeros((), (), (advance(targets, start * n),), (stop - start) * n)
        for i in range(start, stop):
            label = labels[order[i]]
            if label >= 0 and label < n:
                targets[i * n + label] = real(1)

    return one_hot


def sample_weights(spec: KernelSpec) -> Any:
    """weights[i] = the sample's weight times a step scalar, multiplied in float64."""
    real = getattr(types, spec.dtype)

    def sample_weights(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        source = as_pointer(row[SAMPLE_WEIGHTS.source], types.float64)
        weights = as_pointer(row[SAMPLE_WEIGHTS.weights], real)
        order = advance(as_pointer(context[CONTEXT.order], types.int64), context[CONTEXT.first_sample])
        scalar = types.float64(as_pointer(context[CONTEXT.scalars], real)[row[SAMPLE_WEIGHTS.scalar]])
        for i in range(start, stop):
            weights[i] = real(source[order[i]] * scalar)

    return sample_weights
