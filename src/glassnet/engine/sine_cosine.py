"""sin and cos as vector code, in float32 and float64: x minus a multiple of π/2, then one of two polynomials.

Maximum error 1.5 units in the last place. A lane beyond `largest` gets the C library's result, which reduces such an
argument with as many digits of π as it takes; no other lane depends on it. sin keeps the sign of zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils

from glassnet.engine.llvm_vectors import I32, Vector, fma, polynomial

TWO_OVER_PI = 0.6366197723675814


class CircleConstants(NamedTuple):
    """Constants of a dtype. Polynomials: constant term first, interpolated at the Chebyshev nodes of |r| ≤ π/4.

    `sin_polynomial` is (sin(r)/r − 1)/r² and `cos_polynomial` (cos(r) − 1 + r²/2)/r⁴, both in r². `half_pi` is π/2
    rounded, the rounding error rounded, and so on; x − n·half_pi[0] is exact up to `largest`.
    """

    mantissa_bits: int
    largest: float
    half_pi: tuple[float, float, float]
    sin_polynomial: tuple[float, ...]
    cos_polynomial: tuple[float, ...]

    @property
    def round_to_integer(self) -> float:
        """A number whose last bit has the value 1: adding it rounds to an integer, which its low bits then hold."""
        return 1.5 * 2.0**self.mantissa_bits


FLOAT32 = CircleConstants(
    mantissa_bits=23,
    largest=2.0**16,
    half_pi=(1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    sin_polynomial=(-0.1666666716337204, 0.008333331905305386, -0.00019840087043121457, 2.7249925551586784e-06),
    cos_polynomial=(0.0416666679084301, -0.00138888880610466, 2.480059993104078e-05, -2.730095900460583e-07),
)
FLOAT64 = CircleConstants(
    mantissa_bits=52,
    largest=2.0**30,
    half_pi=(1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    sin_polynomial=(
        *(-0.16666666666666666, 0.008333333333333331, -0.00019841269841265065, 2.7557319219339167e-06),
        *(-2.5052106232447578e-08, 1.6058531618986147e-10, -7.586697117706918e-13),
    ),
    cos_polynomial=(
        *(0.041666666666666664, -0.0013888888888888887, 2.4801587301584645e-05, -2.7557319221402824e-07),
        *(2.087675579108042e-09, -1.1470460887609959e-11, 4.7458719020432915e-14),
    ),
)


def _reduced(x: Vector, form: CircleConstants) -> tuple[Vector, Value]:
    """r = x − n·π/2 with |r| ≤ π/4, and bits that end in n."""
    counted = fma(x, TWO_OVER_PI, form.round_to_integer)
    n, r = counted - form.round_to_integer, x
    for part in form.half_pi:
        r = fma(n, -part, r)
    return r, counted.to_bits()


def _of_small(r: Vector, quadrant: Value, form: CircleConstants) -> Vector:
    """sin(r + quadrant·π/2): sin r, cos r, −sin r, −cos r for the quadrants 0 to 3."""
    builder, square = r.builder, r * r
    sine = fma(r * square, polynomial(square, form.sin_polynomial), r)
    half = square * 0.5
    first = r.full(1.0) - half  # its rounding error, (1 − first) − half, is added to the rest
    rest = fma(square * square, polynomial(square, form.cos_polynomial), (r.full(1.0) - first) - half)
    odd = builder.trunc(quadrant, ir.VectorType(ir.IntType(1), r.lanes))
    chosen = (first + rest).where(odd, sine)
    width = quadrant.type.element.width
    sign = builder.shl(builder.lshr(quadrant, r.integers(1)), r.integers(width - 1))
    return r.from_bits(builder.xor(chosen.to_bits(), sign))


def circle_function(name: str, quarter_turns: int) -> Callable[[ir.IRBuilder, Value], Value]:
    """The sine of x + quarter_turns·π/2 as a function of (builder, LLVM vector); `name` is the C library's."""

    def emit(builder: ir.IRBuilder, value: Value) -> Value:
        form = FLOAT32 if isinstance(value.type.element, ir.FloatType) else FLOAT64
        x = Vector(builder, value)
        r, bits = _reduced(x, form)
        quick = _of_small(r, builder.add(bits, x.integers(quarter_turns)), form)
        if quarter_turns == 0:
            quick = x.where(x.compare("==", 0.0), quick)
        return _with_large(x, quick, name, form)

    return emit


def _with_large(x: Vector, quick: Vector, name: str, form: CircleConstants) -> Value:
    """`quick`, with the C library's result in the lanes whose argument is too large for it."""
    builder, large = x.builder, abs(x).compare(">", form.largest)
    before, any_large = builder.block, builder.bitcast(large, ir.IntType(x.lanes))
    with builder.if_then(builder.icmp_unsigned("!=", any_large, any_large.type(0)), likely=False):
        replaced = _replaced(x, quick.value, large, name)
        after = builder.block
    result = builder.phi(x.value.type)
    result.add_incoming(quick.value, before)
    result.add_incoming(replaced, after)
    return result


def _replaced(x: Vector, result: Value, large: Value, name: str) -> Value:
    """`result` with the C library's function of x in the large lanes."""
    builder, element = x.builder, x.value.type.element
    symbol = name + "f" if isinstance(element, ir.FloatType) else name
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(element, [element]), symbol)
    for number in range(x.lanes):
        lane = ir.Constant(I32, number)
        called = builder.call(function, [builder.extract_element(x.value, lane)])
        polynomial = builder.extract_element(result, lane)
        chosen = builder.select(builder.extract_element(large, lane), called, polynomial)
        result = builder.insert_element(result, chosen, lane)
    return result
