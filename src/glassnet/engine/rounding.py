"""The kernel that rounds a matrix to bfloat16 and writes it as words of two numbers, as products read them.

`program/bfloat16_pairs.py` says how they lie in memory and `tables/bfloat16.py` how a number is rounded.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.cpu_target import CpuTarget, cpu_target
from glassnet.engine.kernel_functions import advance, as_pointer, inlined, minimum, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import BFLOAT16, ROW
from glassnet.engine.llvm_vectors import I32, LANES, BFloat16, Builder, broadcast
from glassnet.engine.simd import for_each_block, load_block, store_block
from glassnet.tables.bfloat16 import EXPONENT, HALF, QUIET, SIGN

I16 = ir.IntType(16)


def bfloat16(spec: KernelSpec) -> Any:
    """Each pair of rows as words of one column, and each row as words of two columns, where the program needs them."""
    target = cpu_target(pairs=True)
    pair_rows, pair_columns = paired_rows(target), paired_columns(target)

    def bfloat16(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)  # start is even
        width, x = row[ROW.width], as_pointer(row[BFLOAT16.x], types.float32)
        by_columns = as_pointer(row[BFLOAT16.by_columns], types.int16)
        by_rows = as_pointer(row[BFLOAT16.by_rows], types.int32)
        for first in range(start, stop, 2):
            last = minimum(first + 1, stop - 1)
            if row[BFLOAT16.by_rows] != 0:
                words = advance(by_rows, (first >> 1) * width)
                pair_rows(advance(x, first * width), advance(x, last * width), words, width, last - first)
            if row[BFLOAT16.by_columns] != 0:
                for number in range(first, last + 1):
                    pair_columns(advance(x, number * width), advance(by_columns, number * ((width + 1) & -2)), width)

    return bfloat16


def paired_rows(target: CpuTarget) -> Any:
    """An inlined pair(first, second, words, count, exists): two rows as words; 0 for the second if `exists` is 0."""

    @inlined()
    def pair(builder: Builder, first: Value, second: Value, words: Value, count: Value, exists: Value) -> None:
        exists = broadcast(builder, builder.neg(builder.trunc(exists, I32)), LANES)  # all bits or none

        def body(offset: Value, mask: Value | None) -> None:
            low, high = (rounded_block(builder, row, offset, mask, target) for row in (first, second))
            high = builder.and_(builder.shl(high, bits(16)), exists)
            store_block(builder, words, offset, mask, builder.or_(low, high))

        for_each_block(builder, count, body)

    return pair


def paired_columns(target: CpuTarget) -> Any:
    """An inlined pair(row, halves, count): a row as halves of words, in order."""

    @inlined()
    def pair(builder: Builder, row: Value, halves: Value, count: Value) -> None:
        def body(offset: Value, mask: Value | None) -> None:
            block = rounded_block(builder, row, offset, mask, target)
            store_block(builder, halves, offset, mask, builder.trunc(block, ir.VectorType(I16, LANES)))

        for_each_block(builder, count, body)

    return pair


def rounded_block(builder: Builder, row: Value, offset: Value, mask: Value | None, target: CpuTarget) -> Value:
    """A block of float32 numbers rounded to bfloat16, each in the low half of an integer."""
    block = load_block(builder, row, offset, mask, ir.FloatType())
    if not target.dots_pairs:
        return rounded_by_integers(builder, block)
    kind = ir.FunctionType(ir.VectorType(BFloat16(), LANES), [block.type])
    convert = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512bf16.cvtneps2bf16.512")
    halves = builder.bitcast(builder.call(convert, [block]), ir.VectorType(I16, LANES))
    return builder.zext(halves, ir.VectorType(I32, LANES))


def rounded_by_integers(builder: Builder, block: Value) -> Value:
    """The same with instructions that every processor has."""
    number = builder.bitcast(block, ir.VectorType(I32, LANES))
    odd = builder.and_(builder.lshr(number, bits(16)), bits(1))
    nearest = builder.add(builder.add(number, bits(HALF)), odd)
    is_nan = builder.fcmp_unordered("uno", block, block)
    normal = builder.select(is_nan, builder.or_(number, bits(QUIET)), nearest)
    is_normal = builder.icmp_unsigned("!=", builder.and_(number, bits(EXPONENT)), bits(0))
    return builder.lshr(builder.select(is_normal, normal, builder.and_(number, bits(SIGN))), bits(16))


def bits(number: int) -> ir.Constant:
    """An integer in every lane of a block."""
    return ir.Constant(ir.VectorType(I32, LANES), [number] * LANES)
