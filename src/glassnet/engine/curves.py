"""exp, expm1, log, log1p and tanh as vector code, in float32 and float64, by polynomials and fused multiply-add.

Every lane meets the same instructions, so a number's result depends on nothing beside it. Largest errors, in units of
the last place: exp and log 1, log1p 1.25, expm1 1.5, tanh 2, subnormal numbers included where the processor does not
flush them. NaN stays NaN, infinities go where IEEE 754 says, and expm1, log1p and tanh keep the sign of zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from llvmlite import ir
from numba.core import cgutils

from glassnet.engine.target import target
from glassnet.engine.vectors import Vector, fma, polynomial

Curve = Callable[[ir.IRBuilder, ir.Value], ir.Value]
LOG2E = 1.4426950408889634
NEAR = 0.55  # below, tanh is a polynomial
INFINITY, NAN = float("inf"), float("nan")


class Format(NamedTuple):
    """What the curves know of a dtype. Polynomials: constant term first.

    They pass through their function's values at the Chebyshev nodes of its interval, solved for with 60 digits and
    rounded once. `exponential` is (exp(r) − 1 − r)/r² for |r| ≤ ½·ln 2. `logarithm` is (2·artanh(s) − 2s)/s³, of s²,
    for |s| ≤ 3 − √8: as f in s = f/(2 + f) goes from √½ − 1 to √2 − 1. `tangent` is (tanh(x)/x − 1)/x², of x², for
    |x| ≤ NEAR.
    """

    mantissa: int  # bits behind the point
    bias: int  # of the exponent
    root_half: int  # the bits of √½
    ln2: tuple[float, float]  # ln 2 rounded, and what is missing
    exp: tuple[float, float]  # below the first exp is 0, above the second it is infinite
    expm1: float  # below, expm1 is −1
    tanh: float  # beyond, tanh(x/2) is 1
    exponential: tuple[float, ...]
    logarithm: tuple[float, ...]
    tangent: tuple[float, ...]

    @property
    def whole(self) -> float:
        """A number whose last bit counts ones: adding it rounds to a whole number, which its last bits then hold."""
        return 1.5 * 2.0**self.mantissa


SINGLE = Format(
    mantissa=23,
    bias=127,
    root_half=0x3F3504F3,
    ln2=(0.6931471824645996, -1.9046542121259336e-09),
    exp=(-104.0, 89.0),
    expm1=-18.0,
    tanh=20.0,
    exponential=(
        *(0.5, 0.16666577756404877, 0.041666556149721146),
        *(0.008363173343241215, 0.0013926175888627768),
    ),
    logarithm=(0.6666668653488159, 0.3998878002166748, 0.29579949378967285),
    tangent=(
        *(-0.3333333134651184, 0.13333113491535187, -0.05390942841768265),
        *(0.021309388801455498, -0.00661022774875164),
    ),
)
DOUBLE = Format(
    mantissa=52,
    bias=1023,
    root_half=0x3FE6A09E667F3BCD,
    ln2=(0.6931471805599453, 2.3190468138462996e-17),
    exp=(-746.0, 710.0),
    expm1=-38.0,
    tanh=44.0,
    exponential=(
        *(0.5000000000000001, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065),
        *(0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05, 2.7557268480310024e-06),
        *(2.7620075879983367e-07, 2.5100375832561234e-08),
    ),
    logarithm=(
        *(0.666666666666667, 0.39999999999899505, 0.28571428625975487, 0.2222221113479508),
        *(0.18182889125261723, 0.15331721600556042, 0.14616449685043406),
    ),
    tangent=(
        *(-0.3333333333333333, 0.13333333333332714, -0.053968253967434016, 0.021869488493666944),
        *(-0.008863234397814355, 0.003592110378689024, -0.001455661830100716, 0.0005889360520074057),
        *(-0.0002346347410887237, 8.511313685577672e-05, -2.060276537636634e-05),
    ),
)


class Reduced(NamedTuple):
    """x = n·ln 2 + r. `exact` is r before it was rounded, but for the last bits of ln 2; `bits` end in n + a shift."""

    n: Vector
    r: Vector
    exact: Vector
    bits: ir.Value


def reduced(x: Vector, shift: int, form: Format) -> Reduced:
    """Take out the nearest multiple of ln 2; x − n·(ln 2 rounded) is exact."""
    counted = fma(x, LOG2E, form.whole + shift)
    n = counted - (form.whole + shift)
    exact = fma(n, -form.ln2[0], x)
    return Reduced(n, fma(n, -form.ln2[1], exact), exact, counted.bits())


def power_of_two(x: Vector, bits: ir.Value, form: Format) -> Vector:
    """2ⁿ, of bits that end in n + the bias."""
    return x.of_bits(x.builder.shl(bits, x.count(form.mantissa)))


def exp(x: Vector, form: Format) -> Vector:
    """exp(r)·2ⁿ, rounded once; as a product, 2ⁿ is two factors, so that neither leaves the dtype before the result."""
    n, r, _, bits = reduced(x.clipped(*form.exp), 2 * form.bias, form)
    grown = polynomial(r, (1.0, 1.0, *form.exponential))
    if target().scales:
        return grown.scaled(n)
    half = fma(n, 0.5, form.whole + form.bias).bits()
    rest = x.builder.sub(bits, half)
    return grown * power_of_two(x, half, form) * power_of_two(x, rest, form)


def expm1(x: Vector, form: Format) -> Vector:
    """2·(h·(exp(r) − 1) + (h − ½)) with h = 2ⁿ⁻¹, which is finite where the result is; x itself where x is small."""
    n, r, exact, bits = reduced(x.clipped(form.expm1, form.exp[1]), form.bias - 1, form)
    small = fma(n, -form.ln2[1], r * r * polynomial(r, form.exponential))
    h = power_of_two(x, bits, form)
    y = fma(h, small, fma(h, exact, h - 0.5))
    return x.where(abs(x).compare("<", 2.0 ** -(form.mantissa + 2)), y + y)


def tanh(x: Vector, form: Format) -> Vector:
    """x + x³·polynomial(x²) near 0, elsewhere 1 − 2/(exp(|2x|) + 1) with the sign of x."""
    size, square = abs(x), x * x
    _, r, _, bits = reduced((size + size).at_most(form.tanh), form.bias, form)
    grown = polynomial(r, (1.0, 1.0, *form.exponential))
    far = x.every(1.0) - x.every(2.0) / fma(grown, power_of_two(x, bits, form), 1.0)
    near = fma(size * square, polynomial(square, form.tangent), size)
    return near.where(size.compare("<", NEAR), far).apply("copysign", x)


class Split(NamedTuple):
    """u = 2ᵏ·m with m between √½ and √2; `exponent` is k plus the dtype's bias, as whole numbers."""

    k: Vector
    m: Vector
    exponent: ir.Value


def split(u: Vector, form: Format) -> Split:
    """Exponent and mantissa of normal, positive numbers, cut at √½."""
    builder, mantissa = u.builder, (1 << form.mantissa) - 1
    moved = builder.add(u.bits(), u.count((form.bias << form.mantissa) - form.root_half))
    exponent = builder.lshr(moved, u.count(form.mantissa))
    m = u.of_bits(builder.add(builder.and_(moved, u.count(mantissa)), u.count(form.root_half)))
    unit = 2.0**form.mantissa  # the exponent as its last bits is unit + exponent
    counted = u.of_bits(builder.or_(exponent, u.count((form.bias + form.mantissa) << form.mantissa)))
    return Split(counted - (unit + form.bias), m, exponent)


def logarithm(k: Vector, f: Vector, missing: Vector | float, form: Format) -> Vector:
    """k·ln 2 + ln(1 + f) + missing, with ln(1 + f) = f − (f²/2 − s·(f²/2 + s²·polynomial(s²))) and s = f/(2 + f)."""
    s, half_square = f / (f + 2.0), f * f * 0.5
    z = s * s
    inner = fma(z, polynomial(z, form.logarithm), half_square)
    rest = fma(s, inner, fma(k, form.ln2[1], missing))
    return fma(k, form.ln2[0], f - (half_square - rest))


def ends(x: Vector, lowest: float, y: Vector) -> Vector:
    """A logarithm y(x) and what lies beside its domain: −inf at `lowest`, NaN below; infinity and NaN as they are."""
    below = x.every(NAN).where(x.compare("<", lowest), x)
    beyond = x.every(-INFINITY).where(x.compare("==", lowest), below)
    inside = x.builder.and_(x.compare(">", lowest), x.compare("<", INFINITY))
    return y.where(inside, beyond)


def log(x: Vector, form: Format) -> Vector:
    """ln x; subnormal numbers are first made normal."""
    grow = form.mantissa + 2
    tiny = x.compare("<", 2.0 ** (1 - form.bias))
    k, m, _ = split((x * 2.0**grow).where(tiny, x), form)
    k = (k - float(grow)).where(tiny, k)
    return ends(x, 0.0, logarithm(k, m - 1.0, 0.0, form))


def log1p(x: Vector, form: Format) -> Vector:
    """ln(1 + x): where u = 1 + x is rounded, what it has lost is added to its logarithm, divided by u."""
    u = x + 1.0
    k, m, exponent = split(u, form)
    added = u - 1.0
    lost = (x - added) - ((u - added) - 1.0)
    inverse = x.of_bits(x.builder.shl(x.builder.sub(x.count(2 * form.bias), exponent), x.count(form.mantissa)))
    near = k.compare("==", 0.0)
    f = x.where(near, m - 1.0)
    missing = lost * inverse
    none = x.builder.or_(near, x.compare(">", 2.0 ** (form.mantissa + 2)))
    y = logarithm(k, f, x.every(0.0).where(none, missing - missing * f), form)
    return x.where(x.compare("==", 0.0), ends(x, -1.0, y))


def curve(function: Callable[[Vector, Format], Vector]) -> Curve:
    """One of the functions above, for a vector of either dtype."""

    def write(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
        form = SINGLE if isinstance(value.type.element, ir.FloatType) else DOUBLE
        return function(Vector(builder, value), form).value

    return write


def library(name: str) -> Curve:
    """The C library's function of that name, called once a lane."""

    def call(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
        element = value.type.element
        symbol = name + "f" if isinstance(element, ir.FloatType) else name
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(element, [element]), symbol)
        result = ir.Constant(value.type, ir.Undefined)
        for lane in range(value.type.count):
            place = ir.Constant(ir.IntType(32), lane)
            number = builder.call(function, [builder.extract_element(value, place)])
            result = builder.insert_element(result, number, place)
        return result

    return call


CURVES: dict[str, Curve] = {
    **{function.__name__: curve(function) for function in (exp, expm1, log, log1p, tanh)},
    **{name: library(name) for name in ("sin", "cos")},
}
