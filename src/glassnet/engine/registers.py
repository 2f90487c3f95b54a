"""Rows of vector registers for the matrix products: loads, stores, masks, fused multiply-add."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils

from glassnet.engine.cpu_target import CpuTarget
from glassnet.engine.llvm_vectors import I32, BFloat16, Builder, call_intrinsic, int64, size_of
from glassnet.engine.simd import call_masked
from glassnet.tables.bfloat16 import HIGH_BITS


def clamped_indices(builder: Builder, count: int, stop: Value, first: Value | None = None) -> list[Value]:
    """The indices first, first + 1 ..., `count` of them; those from `stop` on are clamped to stop − 1."""
    last = builder.sub(stop, int64(1))
    indices = [int64(index) for index in range(count)]
    indices = [builder.add(first, index) for index in indices] if first is not None else indices
    return [builder.select(builder.icmp_signed("<", index, last), index, last) for index in indices]


def multiply_add(builder: Builder, a: Value, b: Value, total: Value, target: CpuTarget) -> Value:
    """a·b + total, rounded once where the target can; for words of two bfloat16 numbers, of both terms."""
    if target.pairs:
        return add_pairs(builder, a, b, total, target)
    if not target.fma:
        return builder.fadd(builder.fmul(a, b), total)
    return call_intrinsic(builder, "llvm.fma", a, b, total)


def add_pairs(builder: Builder, a: Value, b: Value, total: Value, target: CpuTarget) -> Value:
    """total + a₁·b₁ + a₀·b₀ for words of two bfloat16 numbers, a₀ in the low half: a₁·b₁ first, as VDPBF16PS does."""
    if target.dots_pairs:
        kind = ir.VectorType(BFloat16(), 2 * a.type.count)
        signature = ir.FunctionType(total.type, [total.type, kind, kind])
        name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * a.type.count}"
        function = cgutils.get_or_insert_function(builder.module, signature, name)
        return builder.call(function, [total, builder.bitcast(a, kind), builder.bitcast(b, kind)])
    numbers = target._replace(pairs=False)
    (a0, a1), (b0, b1) = (halves(builder, words) for words in (a, b))
    return multiply_add(builder, a0, b0, multiply_add(builder, a1, b1, total, numbers), numbers)


def halves(builder: Builder, words: Value) -> tuple[Value, Value]:
    """The two bfloat16 numbers of each word, as float32."""
    kind = ir.VectorType(I32, words.type.count)
    shift, upper = (ir.Constant(kind, [number] * kind.count) for number in (16, HIGH_BITS))
    bits = builder.bitcast(words, kind)
    first, second = builder.shl(bits, shift), builder.and_(bits, upper)
    return builder.bitcast(first, words.type), builder.bitcast(second, words.type)


class RegisterRow:
    """Vectors that are contiguous in memory, as long as those before them.

    With a mask, the last one is loaded and stored in part; with `last`, it begins at that number of the row, so that
    it may overlap the one before it: both hold the same numbers there.
    """

    def __init__(
        self, builder: Builder, kinds: Sequence[ir.VectorType], mask: Value | None, last: Value | None = None
    ) -> None:
        self.builder, self.kinds, self.mask, self.last = builder, kinds, mask, last
        self.size = ir.Constant(I32, size_of(kinds[0].element))

    def vector_pointer(self, start: Value, index: int) -> Value:
        """Pointer to a vector of the row."""
        is_last = self.last is not None and index == len(self.kinds) - 1
        pointer = self.builder.gep(start, [self.last if is_last else int64(index * self.kinds[0].count)])
        return self.builder.bitcast(pointer, self.kinds[index].as_pointer())

    def is_masked(self, index: int) -> bool:
        """Whether only some lanes of a vector belong to the row."""
        return self.mask is not None and index == len(self.kinds) - 1

    def load(self, start: Value) -> list[Value]:
        """The vectors of the row that begins at `start`."""
        return [self.load_vector(start, index) for index in range(len(self.kinds))]

    def load_vector(self, start: Value, index: int) -> Value:
        """One vector; 0 outside the mask."""
        pointer, kind = self.vector_pointer(start, index), self.kinds[index]
        if not self.is_masked(index):
            return self.builder.load(pointer, align=self.size.constant)
        zero = ir.Constant(kind, None)
        return call_masked(self.builder, "load", kind, kind, pointer, self.size, self.mask, zero)

    def prefetch(self, start: Value) -> None:
        """Fetch the row that begins at `start` to the first-level cache, to be written, while other work is done."""
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        for index in range(len(self.kinds)):
            pointer = self.builder.bitcast(self.vector_pointer(start, index), byte)
            self.builder.call(function, [pointer, I32(1), I32(3), I32(1)])  # to write, nearest, data

    def store(self, start: Value, values: Sequence[Value]) -> None:
        """Store the row."""
        for index, value in enumerate(values):
            pointer = self.vector_pointer(start, index)
            if self.is_masked(index):
                call_masked(self.builder, "store", value.type, ir.VoidType(), value, pointer, self.size, self.mask)
            else:
                self.builder.store(value, pointer, align=self.size.constant)
