"""Vectors as they are written into a kernel: constants, and `Vector`, whose operators write LLVM instructions.

With it a curve reads as its mathematics does. Every operator is one IEEE instruction, rounded once; `fma` is one, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils


def constant(kind: ir.Type, number: float) -> ir.Constant:
    """`number`, rounded once to the dtype, in every lane of a vector, or as a scalar."""
    if not isinstance(kind, ir.VectorType):
        with np.errstate(over="ignore"):
            rounded = np.float32(number) if isinstance(kind, ir.FloatType) else number
        return ir.Constant(kind, float(rounded))
    return ir.Constant(kind, [constant(kind.element, number)] * kind.count)


def broadcast(builder: ir.IRBuilder, number: ir.Value, lanes: int) -> ir.Value:
    """A scalar in every lane of a vector."""
    empty = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), lanes), None))


def size_of(element: ir.Type) -> int:
    """Bytes of one number."""
    return element.width // 8 if isinstance(element, ir.IntType) else 4 if isinstance(element, ir.FloatType) else 8


def lanes_of(builder: ir.IRBuilder, value: ir.Value, lanes: Sequence[int]) -> ir.Value:
    """Some lanes of a vector, by number."""
    return builder.shuffle_vector(value, value, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes)))


def joined(builder: ir.IRBuilder, parts: list[ir.Value], lanes: int) -> ir.Value:
    """The first `lanes` lanes of one vector, or of two side by side."""
    order = ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(lanes)))
    return builder.shuffle_vector(parts[0], parts[-1], order)


def intrinsic(builder: ir.IRBuilder, name: str, *values: ir.Value) -> ir.Value:
    """One of LLVM's own functions of vectors of one kind (llvm.sqrt, llvm.fma)."""
    kind = values[0].type
    element = "f32" if isinstance(kind.element, ir.FloatType) else "f64"
    signature = ir.FunctionType(kind, [kind] * len(values))
    function = cgutils.get_or_insert_function(builder.module, signature, f"{name}.v{kind.count}{element}")
    return builder.call(function, values)


class Vector(NamedTuple):
    """A vector of floating point numbers; a Python number beside it means that number in every lane."""

    builder: ir.IRBuilder
    value: ir.Value

    @property
    def whole(self) -> ir.VectorType:
        """The kind of vector of whole numbers that has as many bits."""
        return ir.VectorType(ir.IntType(32 if isinstance(self.value.type.element, ir.FloatType) else 64), self.lanes)

    @property
    def lanes(self) -> int:
        return self.value.type.count

    def same(self, other: Any) -> ir.Value:
        """The other operand as a vector of this kind."""
        return other.value if isinstance(other, Vector) else constant(self.value.type, other)

    def every(self, number: float) -> Vector:
        """A vector of this kind with one number in every lane."""
        return Vector(self.builder, constant(self.value.type, number))

    def apply(self, name: str, *others: Any) -> Vector:
        """One of LLVM's own functions of this vector and others."""
        values = (self.value, *(self.same(other) for other in others))
        return Vector(self.builder, intrinsic(self.builder, f"llvm.{name}", *values))

    def __add__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fadd(self.value, self.same(other)))

    def __sub__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fsub(self.value, self.same(other)))

    def __mul__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fmul(self.value, self.same(other)))

    def __truediv__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fdiv(self.value, self.same(other)))

    def __neg__(self) -> Vector:
        return Vector(self.builder, self.builder.fneg(self.value))

    def __abs__(self) -> Vector:
        return self.apply("fabs")

    def scaled(self, n: Vector) -> Vector:
        """The vector times 2ⁿ for whole n, rounded once: AVX-512's instruction, on 64 bytes at a time."""
        builder, kind, element = self.builder, self.value.type, self.value.type.element
        count = 64 // size_of(element)
        part, mask = ir.VectorType(element, count), ir.Constant(ir.IntType(count), -1)
        name = f"llvm.x86.avx512.mask.scalef.p{'s' if count == 16 else 'd'}.512"
        now = ir.Constant(ir.IntType(32), 4)  # rounded as the processor is set
        signature = ir.FunctionType(part, [part, part, part, mask.type, now.type])
        function = cgutils.get_or_insert_function(builder.module, signature, name)
        parts = []
        for first in range(0, kind.count, count):
            lanes = [first + lane if first + lane < kind.count else 0 for lane in range(count)]
            base, power = (lanes_of(builder, value, lanes) for value in (self.value, n.value))
            parts.append(builder.call(function, [base, power, base, mask, now]))
        return Vector(builder, joined(builder, parts, kind.count))

    def compare(self, sign: str, other: Any) -> ir.Value:
        """Lane by lane true or false; false beside NaN."""
        return self.builder.fcmp_ordered(sign, self.value, self.same(other))

    def where(self, condition: ir.Value, other: Any) -> Vector:
        """This vector where the condition holds, else the other."""
        return Vector(self.builder, self.builder.select(condition, self.value, self.same(other)))

    def at_most(self, bound: float) -> Vector:
        """The vector with larger numbers lowered to the bound; NaN stays NaN."""
        return self.every(bound).where(self.compare(">", bound), self)

    def clipped(self, low: float, high: float) -> Vector:
        """The vector with its numbers in an interval; NaN stays NaN."""
        return self.every(low).where(self.compare("<", low), self).at_most(high)

    def bits(self) -> ir.Value:
        """The numbers' bits, as whole numbers."""
        return self.builder.bitcast(self.value, self.whole)

    def count(self, number: int) -> ir.Constant:
        """A whole number in every lane."""
        return ir.Constant(self.whole, [number] * self.lanes)

    def of_bits(self, bits: ir.Value) -> Vector:
        """The numbers of this kind that have these bits."""
        return Vector(self.builder, self.builder.bitcast(bits, self.value.type))


def fma(a: Vector, b: Vector | float, c: Vector | float) -> Vector:
    """a·b + c, rounded once."""
    return a.apply("fma", b, c)


def polynomial(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    """Horner's rule; the constant term comes first."""
    result: Vector | float = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = fma(x, result, coefficient)
    assert isinstance(result, Vector)
    return result
