"""exp, expm1, log, log1p and tanh as vector code, in float32 and float64, by polynomials and fused multiply-add.

Every lane goes through the same instructions, so a result depends on its own argument alone. Maximum errors in units in
the last place: exp and log 1, log1p 1.25, expm1 1.5, tanh 2, for subnormal numbers too where the processor does not
flush them. NaN stays NaN, infinities are treated as in IEEE 754, and expm1, log1p and tanh keep the sign of zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from llvmlite import ir
from llvmlite.ir import Value

from glassnet.engine.cpu_target import cpu_target
from glassnet.engine.llvm_vectors import Vector, fma, polynomial
from glassnet.engine.sine_cosine import circle_function

Emitter = Callable[[ir.IRBuilder, Value], Value]
LOG2E = 1.4426950408889634
TANH_POLYNOMIAL_LIMIT = 0.55  # below, tanh is a polynomial
INFINITY, NAN = float("inf"), float("nan")


class FormatConstants(NamedTuple):
    """Constants of a dtype. Polynomials: constant term first.

    The polynomials interpolate their functions at the Chebyshev nodes of an interval; the coefficients were solved for
    with 60 digits and rounded once. `exp_polynomial` is (exp(r) − 1 − r)/r² for |r| ≤ ½·ln 2. `log_polynomial` is
    (2·artanh(s) − 2s)/s³ in s², for |s| ≤ 3 − √8, because s = f/(2 + f) with f from √½ − 1 to √2 − 1.
    `tanh_polynomial` is (tanh(x)/x − 1)/x² in x², for |x| ≤ TANH_POLYNOMIAL_LIMIT.
    """

    mantissa_bits: int  # after the point
    exponent_bias: int
    sqrt_half_bits: int  # the bits of √½
    ln2: tuple[float, float]  # ln 2 rounded, and the rounding error
    exp_range: tuple[float, float]  # below the first exp is 0, above the second it is infinite
    expm1_lowest: float  # below, expm1 is −1
    tanh_highest: float  # above, tanh(x/2) is 1
    exp_polynomial: tuple[float, ...]
    log_polynomial: tuple[float, ...]
    tanh_polynomial: tuple[float, ...]

    @property
    def round_to_integer(self) -> float:
        """A number whose last bit has the value 1: adding it rounds to an integer, which its low bits then hold."""
        return 1.5 * 2.0**self.mantissa_bits


FLOAT32 = FormatConstants(
    mantissa_bits=23,
    exponent_bias=127,
    sqrt_half_bits=0x3F3504F3,
    ln2=(0.6931471824645996, -1.9046542121259336e-09),
    exp_range=(-104.0, 89.0),
    expm1_lowest=-18.0,
    tanh_highest=20.0,
    exp_polynomial=(*(0.5, 0.16666577756404877, 0.041666556149721146), *(0.008363173343241215, 0.0013926175888627768)),
    log_polynomial=(0.6666668653488159, 0.3998878002166748, 0.29579949378967285),
    tanh_polynomial=(
        *(-0.3333333134651184, 0.13333113491535187, -0.05390942841768265),
        *(0.021309388801455498, -0.00661022774875164),
    ),
)
FLOAT64 = FormatConstants(
    mantissa_bits=52,
    exponent_bias=1023,
    sqrt_half_bits=0x3FE6A09E667F3BCD,
    ln2=(0.6931471805599453, 2.3190468138462996e-17),
    exp_range=(-746.0, 710.0),
    expm1_lowest=-38.0,
    tanh_highest=44.0,
    exp_polynomial=(
        *(0.5000000000000001, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065),
        *(0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05, 2.7557268480310024e-06),
        *(2.7620075879983367e-07, 2.5100375832561234e-08),
    ),
    log_polynomial=(
        *(0.666666666666667, 0.39999999999899505, 0.28571428625975487, 0.2222221113479508),
        *(0.18182889125261723, 0.15331721600556042, 0.14616449685043406),
    ),
    tanh_polynomial=(
        *(-0.3333333333333333, 0.13333333333332714, -0.053968253967434016, 0.021869488493666944),
        *(-0.008863234397814355, 0.003592110378689024, -0.001455661830100716, 0.0005889360520074057),
        *(-0.0002346347410887237, 8.511313685577672e-05, -2.060276537636634e-05),
    ),
)


class ReducedArgument(NamedTuple):
    """x = n·ln 2 + r. `unrounded` is r before the low part of n·ln 2 was subtracted; `bits` end in n + a shift."""

    n: Vector
    r: Vector
    unrounded: Vector
    bits: Value


def reduce_argument(x: Vector, shift: int, form: FormatConstants) -> ReducedArgument:
    """Subtract the nearest multiple of ln 2; x − n·(ln 2 rounded) is exact."""
    counted = fma(x, LOG2E, form.round_to_integer + shift)
    n = counted - (form.round_to_integer + shift)
    unrounded = fma(n, -form.ln2[0], x)
    return ReducedArgument(n, fma(n, -form.ln2[1], unrounded), unrounded, counted.to_bits())


def power_of_two(x: Vector, bits: Value, form: FormatConstants) -> Vector:
    """2ⁿ, from bits that end in n + the bias."""
    return x.from_bits(x.builder.shl(bits, x.integers(form.mantissa_bits)))


def exp(x: Vector, form: FormatConstants) -> Vector:
    """exp(r)·2ⁿ, rounded once. Without VSCALEF, 2ⁿ is two factors, so that neither overflows before the result does."""
    n, r, _, bits = reduce_argument(x.clip(*form.exp_range), 2 * form.exponent_bias, form)
    exp_r = polynomial(r, (1.0, 1.0, *form.exp_polynomial))
    if cpu_target().scalef:
        return exp_r.ldexp(n)
    half = fma(n, 0.5, form.round_to_integer + form.exponent_bias).to_bits()
    rest = x.builder.sub(bits, half)
    return exp_r * power_of_two(x, half, form) * power_of_two(x, rest, form)


def expm1(x: Vector, form: FormatConstants) -> Vector:
    """2·(h·(exp(r) − 1) + (h − ½)) with h = 2ⁿ⁻¹, which is finite where the result is; x itself where x is small."""
    n, r, unrounded, bits = reduce_argument(x.clip(form.expm1_lowest, form.exp_range[1]), form.exponent_bias - 1, form)
    small = fma(n, -form.ln2[1], r * r * polynomial(r, form.exp_polynomial))
    h = power_of_two(x, bits, form)
    y = fma(h, small, fma(h, unrounded, h - 0.5))
    return x.where(abs(x).compare("<", 2.0 ** -(form.mantissa_bits + 2)), y + y)


def tanh(x: Vector, form: FormatConstants) -> Vector:
    """x + x³·polynomial(x²) near 0, elsewhere 1 − 2/(exp(|2x|) + 1) with the sign of x."""
    size, square = abs(x), x * x
    _, r, _, bits = reduce_argument((size + size).clip_above(form.tanh_highest), form.exponent_bias, form)
    exp_r = polynomial(r, (1.0, 1.0, *form.exp_polynomial))
    by_exp = x.full(1.0) - x.full(2.0) / fma(exp_r, power_of_two(x, bits, form), 1.0)
    by_polynomial = fma(size * square, polynomial(square, form.tanh_polynomial), size)
    return by_polynomial.where(size.compare("<", TANH_POLYNOMIAL_LIMIT), by_exp).apply("copysign", x)


class Decomposition(NamedTuple):
    """u = 2ᵏ·m with m between √½ and √2; `exponent` is k plus the dtype's bias, as integers."""

    k: Vector
    m: Vector
    exponent: Value


def decompose(u: Vector, form: FormatConstants) -> Decomposition:
    """Exponent and mantissa of normal, positive numbers, with the mantissa from √½ on."""
    builder, mantissa = u.builder, (1 << form.mantissa_bits) - 1
    shifted = builder.add(u.to_bits(), u.integers((form.exponent_bias << form.mantissa_bits) - form.sqrt_half_bits))
    exponent = builder.lshr(shifted, u.integers(form.mantissa_bits))
    m = u.from_bits(builder.add(builder.and_(shifted, u.integers(mantissa)), u.integers(form.sqrt_half_bits)))
    unit = 2.0**form.mantissa_bits  # with the exponent as its low bits it is unit + exponent
    high_bits = u.integers((form.exponent_bias + form.mantissa_bits) << form.mantissa_bits)
    counted = u.from_bits(builder.or_(exponent, high_bits))
    return Decomposition(counted - (unit + form.exponent_bias), m, exponent)


def logarithm(k: Vector, f: Vector, correction: Vector | float, form: FormatConstants) -> Vector:
    """k·ln 2 + ln(1 + f) + correction, with ln(1 + f) = f − (f²/2 − s·(f²/2 + s²·polynomial(s²))), s = f/(2 + f)."""
    s, half_square = f / (f + 2.0), f * f * 0.5
    z = s * s
    inner = fma(z, polynomial(z, form.log_polynomial), half_square)
    rest = fma(s, inner, fma(k, form.ln2[1], correction))
    return fma(k, form.ln2[0], f - (half_square - rest))


def with_special_values(x: Vector, lowest: float, y: Vector) -> Vector:
    """A logarithm y(x), with −inf at `lowest`, NaN below; infinity and NaN pass through."""
    below = x.full(NAN).where(x.compare("<", lowest), x)
    special = x.full(-INFINITY).where(x.compare("==", lowest), below)
    inside = x.builder.and_(x.compare(">", lowest), x.compare("<", INFINITY))
    return y.where(inside, special)


def log(x: Vector, form: FormatConstants) -> Vector:
    """ln x; subnormal numbers are scaled to normal ones first."""
    power = form.mantissa_bits + 2
    is_subnormal = x.compare("<", 2.0 ** (1 - form.exponent_bias))
    k, m, _ = decompose((x * 2.0**power).where(is_subnormal, x), form)
    k = (k - float(power)).where(is_subnormal, k)
    return with_special_values(x, 0.0, logarithm(k, m - 1.0, 0.0, form))


def log1p(x: Vector, form: FormatConstants) -> Vector:
    """ln(1 + x): the rounding error of u = 1 + x, divided by u, is added to the logarithm of u."""
    u = x + 1.0
    k, m, exponent = decompose(u, form)
    added = u - 1.0
    error = (x - added) - ((u - added) - 1.0)
    bits = x.builder.sub(x.integers(2 * form.exponent_bias), exponent)
    inverse = x.from_bits(x.builder.shl(bits, x.integers(form.mantissa_bits)))
    is_near_one = k.compare("==", 0.0)
    f = x.where(is_near_one, m - 1.0)
    correction = error * inverse
    is_exact = x.builder.or_(is_near_one, x.compare(">", 2.0 ** (form.mantissa_bits + 2)))
    y = logarithm(k, f, x.full(0.0).where(is_exact, correction - correction * f), form)
    return x.where(x.compare("==", 0.0), with_special_values(x, -1.0, y))


def for_both_dtypes(function: Callable[[Vector, FormatConstants], Vector]) -> Emitter:
    """One of the functions above as a function of (builder, LLVM vector) of either dtype."""

    def emit(builder: ir.IRBuilder, value: Value) -> Value:
        form = FLOAT32 if isinstance(value.type.element, ir.FloatType) else FLOAT64
        return function(Vector(builder, value), form).value

    return emit


ELEMENTARY_FUNCTIONS: dict[str, Emitter] = {
    **{function.__name__: for_both_dtypes(function) for function in (exp, expm1, log, log1p, tanh)},
    "sin": circle_function("sin", 0),
    "cos": circle_function("cos", 1),
}
