"""Vectors as wide as the processor's, side by side in memory, for the products: loads, stores, masks, multiply-add."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir
from numba.core import cgutils

from glassnet.engine.simd import I32, I64, SUFFIX, Builder, masked
from glassnet.engine.vectors import broadcast, size_of


def constant_word(number: int) -> ir.Constant:
    """A whole number of a kernel."""
    return ir.Constant(I64, number)


def first_lanes(builder: Builder, count: ir.Value, lanes: int) -> ir.Value:
    """A mask of the first `count` lanes; none where `count` is below 1."""
    numbers = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes)))
    return builder.icmp_signed("<", numbers, broadcast(builder, builder.trunc(count, I32), lanes))


def clamped(builder: Builder, count: int, stop: ir.Value, first: ir.Value | None = None) -> list[ir.Value]:
    """The places first, first + 1 ..., `count` of them; those from `stop` on are the last one before it."""
    end = builder.sub(stop, constant_word(1))
    places = [constant_word(index) for index in range(count)]
    places = [builder.add(first, place) for place in places] if first is not None else places
    return [builder.select(builder.icmp_signed("<", place, end), place, end) for place in places]


def multiply_add(builder: Builder, a: ir.Value, b: ir.Value, total: ir.Value, fused: bool) -> ir.Value:
    """a·b + total, rounded once where the target can."""
    if not fused:
        return builder.fadd(builder.fmul(a, b), total)
    kind = total.type
    signature = ir.FunctionType(kind, [kind] * 3)
    name = f"llvm.fma.v{kind.count}{SUFFIX[kind.element]}"
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), [a, b, total])


def shuffled(builder: Builder, one: ir.Value, two: ir.Value, order: Sequence[int]) -> ir.Value:
    """Lanes of two vectors, by number."""
    return builder.shuffle_vector(one, two, ir.Constant(ir.VectorType(I32, len(order)), list(order)))


class Line:
    """`vectors` vectors side by side in memory; with a mask, the last one's lanes beyond it are left alone."""

    def __init__(self, builder: Builder, kind: ir.VectorType, vectors: int, mask: ir.Value | None) -> None:
        self.builder, self.kind, self.vectors, self.mask = builder, kind, vectors, mask
        self.size = ir.Constant(I32, size_of(kind.element))

    def place(self, start: ir.Value, index: int) -> ir.Value:
        """Where a vector of the line begins."""
        moved = self.builder.gep(start, [constant_word(index * self.kind.count)])
        return self.builder.bitcast(moved, self.kind.as_pointer())

    def is_masked(self, index: int) -> bool:
        """Whether only some lanes of a vector count."""
        return self.mask is not None and index == self.vectors - 1

    def load(self, start: ir.Value) -> list[ir.Value]:
        """The vectors of the line that begins at `start`."""
        return [self.load_one(self.place(start, index), self.is_masked(index)) for index in range(self.vectors)]

    def load_one(self, place: ir.Value, short: bool) -> ir.Value:
        """One vector; 0 where the mask ends."""
        if not short:
            return self.builder.load(place, align=self.size.constant)
        empty = ir.Constant(self.kind, None)
        return masked(self.builder, "load", self.kind, self.kind, place, self.size, self.mask, empty)

    def store(self, start: ir.Value, values: Sequence[ir.Value]) -> None:
        """Write the line."""
        for index, value in enumerate(values):
            place = self.place(start, index)
            if self.is_masked(index):
                masked(self.builder, "store", self.kind, ir.VoidType(), value, place, self.size, self.mask)
            else:
                self.builder.store(value, place, align=self.size.constant)
