"""LLVM vectors as kernels use them: constants, shuffles, and `Vector`, whose operators emit LLVM instructions.

With `Vector`, an elementary function reads as its formula does. Every operator and `fma` is one IEEE instruction,
rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

Builder = ir.IRBuilder
LANES = 16  # of a block
I32, I64 = ir.IntType(32), ir.IntType(64)
LLVM = {types.float32: ir.FloatType(), types.float64: ir.DoubleType(), types.uint8: ir.IntType(8), types.int64: I64}
SUFFIX = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}


class BFloat16(ir.types.Type):
    """LLVM's type of bfloat16 numbers, which llvmlite has no class for."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BFloat16)

    def __hash__(self) -> int:
        return hash(BFloat16)


def int64(number: int) -> ir.Constant:
    """An int64 constant."""
    return ir.Constant(I64, number)


def constant(kind: ir.Type, number: float) -> ir.Constant:
    """`number`, rounded once to the dtype, in every lane of a vector, or as a scalar."""
    if not isinstance(kind, ir.VectorType):
        with np.errstate(over="ignore"):
            rounded = np.float32(number) if isinstance(kind, ir.FloatType) else number
        return ir.Constant(kind, float(rounded))
    return ir.Constant(kind, [constant(kind.element, number)] * kind.count)


def broadcast(builder: Builder, number: Value, lanes: int) -> Value:
    """A vector with a scalar in every lane."""
    empty = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), lanes), None))


def size_of(element: ir.Type) -> int:
    """Size of one number in bytes."""
    return element.width // 8 if isinstance(element, ir.IntType) else 4 if isinstance(element, ir.FloatType) else 8


def shuffle(builder: Builder, first: Value, second: Value, lanes: Sequence[int]) -> Value:
    """The given lanes of two vectors; the second vector's lanes are numbered after the first one's."""
    indices = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
    return builder.shuffle_vector(first, second, indices)


def call_intrinsic(builder: Builder, name: str, *values: Value) -> Value:
    """Call an LLVM intrinsic on vectors of one type (llvm.sqrt, llvm.fma)."""
    kind = values[0].type
    signature = ir.FunctionType(kind, [kind] * len(values))
    function = cgutils.get_or_insert_function(builder.module, signature, f"{name}.v{kind.count}{SUFFIX[kind.element]}")
    return builder.call(function, values)


class Vector(NamedTuple):
    """A vector of floating point numbers; a Python number as the other operand stands for that number in every lane."""

    builder: Builder
    value: Value

    @property
    def integer_type(self) -> ir.VectorType:
        """The type of a vector of integers of the same width."""
        return ir.VectorType(ir.IntType(32 if isinstance(self.value.type.element, ir.FloatType) else 64), self.lanes)

    @property
    def lanes(self) -> int:
        return self.value.type.count

    def operand(self, other: Any) -> Value:
        """The other operand as a vector of this type."""
        return other.value if isinstance(other, Vector) else constant(self.value.type, other)

    def full(self, number: float) -> Vector:
        """A vector of this type with one number in every lane."""
        return Vector(self.builder, constant(self.value.type, number))

    def apply(self, name: str, *others: Any) -> Vector:
        """Call an LLVM intrinsic on this vector and others."""
        values = (self.value, *(self.operand(other) for other in others))
        return Vector(self.builder, call_intrinsic(self.builder, f"llvm.{name}", *values))

    def __add__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fadd(self.value, self.operand(other)))

    def __sub__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fsub(self.value, self.operand(other)))

    def __mul__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fmul(self.value, self.operand(other)))

    def __truediv__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fdiv(self.value, self.operand(other)))

    def __neg__(self) -> Vector:
        return Vector(self.builder, self.builder.fneg(self.value))

    def __abs__(self) -> Vector:
        return self.apply("fabs")

    def ldexp(self, n: Vector) -> Vector:
        """The vector times 2ⁿ for integral n, rounded once: AVX-512's VSCALEF, on 64 bytes at a time."""
        builder, kind, element = self.builder, self.value.type, self.value.type.element
        count = 64 // size_of(element)
        part, mask = ir.VectorType(element, count), ir.Constant(ir.IntType(count), -1)
        name = f"llvm.x86.avx512.mask.scalef.p{'s' if count == 16 else 'd'}.512"
        rounding = ir.Constant(ir.IntType(32), 4)  # the current rounding mode
        signature = ir.FunctionType(part, [part, part, part, mask.type, rounding.type])
        function = cgutils.get_or_insert_function(builder.module, signature, name)
        parts = []
        for first in range(0, kind.count, count):
            lanes = [first + lane if first + lane < kind.count else 0 for lane in range(count)]
            base, power = (shuffle(builder, value, value, lanes) for value in (self.value, n.value))
            parts.append(builder.call(function, [base, power, base, mask, rounding]))
        return Vector(builder, shuffle(builder, parts[0], parts[-1], range(kind.count)))

    def compare(self, sign: str, other: Any) -> Value:
        """Compare lane by lane; false where either is NaN."""
        return self.builder.fcmp_ordered(sign, self.value, self.operand(other))

    def where(self, condition: Value, other: Any) -> Vector:
        """This vector where the condition holds, else the other."""
        return Vector(self.builder, self.builder.select(condition, self.value, self.operand(other)))

    def clip_above(self, bound: float) -> Vector:
        """The vector with larger numbers lowered to the bound; NaN stays NaN."""
        return self.full(bound).where(self.compare(">", bound), self)

    def clip(self, low: float, high: float) -> Vector:
        """The vector with its numbers clipped to an interval; NaN stays NaN."""
        return self.full(low).where(self.compare("<", low), self).clip_above(high)

    def to_bits(self) -> Value:
        """The numbers' bits as integers."""
        return self.builder.bitcast(self.value, self.integer_type)

    def integers(self, number: int) -> ir.Constant:
        """An integer in every lane."""
        return ir.Constant(self.integer_type, [number] * self.lanes)

    def from_bits(self, bits: Value) -> Vector:
        """The numbers of this type that have these bits."""
        return Vector(self.builder, self.builder.bitcast(bits, self.value.type))


def fma(a: Vector, b: Vector | float, c: Vector | float) -> Vector:
    """a·b + c, rounded once."""
    return a.apply("fma", b, c)


def polynomial(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    """Evaluate a polynomial by Horner's rule; the constant term comes first."""
    result: Vector | float = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = fma(x, result, coefficient)
    assert isinstance(result, Vector)
    return result
