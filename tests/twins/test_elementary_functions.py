"""The engine's exp, expm1, log, log1p, tanh, sin and cos: errors against mpmath and NumPy, special values, code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from glassnet.engine import address
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.tables.formula import trace
from tests.twins.kernel_calls import call_kernel
from tests.twins.machine_code import calls, has_fma, instructions, is_packed, scalar_products
from tests.twins.programs import DTYPES, Array
from tests.twins.subprocesses import output

BOUNDS = {"exp": 1.0, "expm1": 1.5, "log": 1.0, "log1p": 1.25, "tanh": 2.0}  # as in elementary_functions.py
BOUNDS |= {"sin": 1.5, "cos": 1.5}  # as in sine_cosine.py
FUNCTIONS: dict[str, Callable[[Any], Any]] = {name: getattr(np, name) for name in BOUNDS}
LIMITS = {"float32": (-104.5, 89.5), "float64": (-746.5, 710.5)}
every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def compiled(name: str, x: Array) -> Array:
    """A function of many numbers, by its kernel."""
    kernel = address("formula", x.dtype.name, trace(FUNCTIONS[name], 1), ("full", "full"))
    y = np.empty_like(x)
    call_kernel(kernel, [0, 0, 1, x.size, x.ctypes.data, y.ctypes.data])
    return y


def dense(dtype: str, points: int) -> Array:
    """Numbers over the whole range: evenly where the functions bend, by powers elsewhere, and around powers of 2."""
    rng, powers = np.random.default_rng(points), np.logspace(-320 if dtype == "float64" else -44, 38, points)
    lines = [np.linspace(*ends, points) for ends in ((-2, 2), (0.5, 2), (-25, 25), LIMITS[dtype])]
    near = 2.0 ** rng.integers(-30, 30, points) * (1 + rng.normal(size=points) * 1e-3)
    zeros = np.arange(1, points) * (np.pi / 2)  # of sin or cos
    return np.concatenate([*lines, powers, -powers, near, -near, zeros]).astype(dtype)


def patterns(dtype: str, count: int) -> Array:
    """Numbers of random bits: all exponents are as likely; some are subnormal, infinite or NaN."""
    whole = {"float32": np.uint32, "float64": np.uint64}[dtype]
    return np.random.default_rng(1).integers(0, np.iinfo(whole).max, count, whole, endpoint=True).view(dtype)


def domain(name: str, x: Array) -> Array:
    """The numbers at which the function is a finite number."""
    lowest = {"log": 0.0, "log1p": -1.0}.get(name, -np.inf)
    return x[np.isfinite(x) & (x > lowest)]


def error(name: str, x: Any, y: Any, dtype: str) -> float:
    """The error of y as the function of x, in units in the last place of the dtype."""
    form, two = np.finfo(dtype), mpmath.mpf(2)
    with mpmath.workprec(120):
        truth = getattr(mpmath, name)(mpmath.mpf(float(x)))
        if abs(truth) >= two**form.maxexp * (1 - two ** -(form.nmant + 2)):
            return 0.0 if y == mpmath.sign(truth) * np.inf else np.inf
        exponent = max(mpmath.frexp(truth)[1] - 1, form.minexp)
        return float(abs(mpmath.mpf(float(y)) - truth) / two ** (exponent - form.nmant))


def screened(name: str, x: Array, y: Array, count: int) -> Array:
    """The indices of the largest errors, estimated with a wider dtype."""
    wide = np.float64 if x.dtype == np.float32 else np.longdouble
    with np.errstate(all="ignore"):
        truth = FUNCTIONS[name](x.astype(wide))
        size = np.spacing(np.clip(np.abs(truth.astype(x.dtype)), 0, np.finfo(x.dtype).max))
        distance = np.abs(y.astype(wide) - truth) / size
    return np.argsort(np.where(np.isfinite(distance), distance, np.inf))[-count:]


def largest_error(name: str, x: Array, count: int) -> float:
    """The largest error of the `count` numbers with the largest estimated errors, and of as many random ones."""
    x = domain(name, x)
    y = compiled(name, x)
    indices = np.append(screened(name, x, y, count), np.random.default_rng(2).integers(0, len(x), count))
    return max(error(name, x[index], y[index], x.dtype.name) for index in indices)


@every_dtype
@every_function
def test_errors_are_within_their_bounds(name: str, dtype: str) -> None:
    for x in (dense(dtype, 20_000), patterns(dtype, 100_000)):
        assert largest_error(name, x, 500) <= BOUNDS[name]


@pytest.mark.slow
@every_dtype
@every_function
def test_errors_are_within_their_bounds_everywhere(name: str, dtype: str) -> None:
    for x in (dense(dtype, 500_000), patterns(dtype, 1_000_000)):
        assert largest_error(name, x, 20_000) <= BOUNDS[name]


@every_dtype
@every_function
def test_functions_are_close_to_numpy(name: str, dtype: str) -> None:
    whole = {"float32": np.int32, "float64": np.int64}[dtype]
    x = domain(name, np.concatenate([dense(dtype, 100_000), patterns(dtype, 100_000)]))
    with np.errstate(all="ignore"):
        truth = FUNCTIONS[name](x)
    ulps = np.abs(compiled(name, x).view(whole) - truth.view(whole))  # neighbouring numbers have neighbouring bits
    assert ulps.max() <= 4


INF, NAN = np.inf, np.nan
SPECIAL_VALUES: dict[str, tuple[list[float], list[float]]] = {  # arguments and results
    "exp": ([0.0, -0.0, INF, -INF, 1e5, -1e5], [1, 1, INF, 0, INF, 0]),
    "expm1": ([0.0, -0.0, INF, -INF, 1e5, -1e5], [0.0, -0.0, INF, -1, INF, -1]),
    "log": ([0.0, -0.0, 1.0, INF, -1.0, -INF, -1e-40], [-INF, -INF, 0.0, INF, NAN, NAN, NAN]),
    "log1p": ([0.0, -0.0, -1.0, INF, -1.5, -INF], [0.0, -0.0, -INF, INF, NAN, NAN]),
    "tanh": ([0.0, -0.0, INF, -INF, 1e30, -1e30], [0.0, -0.0, 1, -1, 1, -1]),
    "sin": ([0.0, -0.0, INF, -INF], [0.0, -0.0, NAN, NAN]),
    "cos": ([0.0, -0.0, INF, -INF], [1.0, 1.0, NAN, NAN]),
}


@every_dtype
@every_function
def test_special_values(name: str, dtype: str) -> None:
    x, truth = (np.array([*numbers, NAN, -NAN], dtype) for numbers in SPECIAL_VALUES[name])
    y = compiled(name, x)
    np.testing.assert_array_equal(y, truth)
    assert (np.signbit(y) == np.signbit(truth))[~np.isnan(truth)].all()


@every_dtype
@every_function
def test_every_nan_stays_nan(name: str, dtype: str) -> None:
    x = patterns(dtype, 20_000)
    whole = {"float32": np.uint32, "float64": np.uint64}[dtype]
    x = (x.view(whole) | np.array(np.inf, dtype).view(whole)).view(dtype)  # any sign, any bits after the exponent
    y = compiled(name, x)
    assert np.isnan(y[np.isnan(x)]).all()


@every_dtype
def test_subnormal_numbers(dtype: str) -> None:
    tiny, normal = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).smallest_normal
    x = np.array([tiny, -tiny, 3 * tiny, normal / 2, -normal / 2, normal], dtype)
    for name in ("expm1", "log1p", "tanh", "sin"):
        np.testing.assert_array_equal(compiled(name, x), x)
    steps = np.linspace(np.log(float(normal)) - (15 if dtype == "float32" else 35), np.log(float(normal)), 300).astype(
        dtype
    )
    assert max(error("exp", one, two, dtype) for one, two in zip(steps, compiled("exp", steps), strict=True)) <= 1
    small = tiny * np.arange(1, 300).astype(dtype)
    assert max(error("log", one, two, dtype) for one, two in zip(small, compiled("log", small), strict=True)) <= 1


@every_dtype
@every_function
def test_bits_depend_on_the_number_alone(name: str, dtype: str) -> None:
    x = domain(name, dense(dtype, 100))
    x, whole = x[:800], compiled(name, x)[:800]
    for size in (1, 3, 7, 16, 19, 40):
        parts = [compiled(name, x[start : start + size]) for start in range(0, len(x), size)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


@every_dtype
def test_polynomials_are_what_their_docstring_says(dtype: str) -> None:
    from glassnet.engine import elementary_functions

    form = {"float32": elementary_functions.FLOAT32, "float64": elementary_functions.FLOAT64}[dtype]
    with mpmath.workdps(60):
        ln2, limit = mpmath.log(2), mpmath.mpf(str(elementary_functions.TANH_POLYNOMIAL_LIMIT))
        assert interpolated(exp_rest, -ln2 / 2, ln2 / 2, form.exp_polynomial, dtype)
        assert interpolated(artanh_rest, 0, (3 - mpmath.sqrt(8)) ** 2, form.log_polynomial, dtype)
        assert interpolated(tanh_rest, 0, limit**2, form.tanh_polynomial, dtype)
        assert form.ln2 == (rounded(ln2, dtype), rounded(ln2 - form.ln2[0], dtype))


@every_dtype
def test_polynomials_and_half_pi_of_sine_and_cosine(dtype: str) -> None:
    from glassnet.engine import sine_cosine

    form = {"float32": sine_cosine.FLOAT32, "float64": sine_cosine.FLOAT64}[dtype]
    with mpmath.workdps(60):
        assert interpolated(sin_rest, 0, (mpmath.pi / 4) ** 2, form.sin_polynomial, dtype)
        assert interpolated(cos_rest, 0, (mpmath.pi / 4) ** 2, form.cos_polynomial, dtype)
        rest = mpmath.pi / 2
        for part in form.half_pi:
            assert part == rounded(rest, dtype)
            rest -= part


def sin_rest(z: Any) -> Any:
    """(sin(r)/r − 1)/r² with r² = z."""
    return (mpmath.sin(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z


def cos_rest(z: Any) -> Any:
    """(cos(r) − 1 + r²/2)/r⁴ with r² = z."""
    return (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2


def exp_rest(r: Any) -> Any:
    """(exp(r) − 1 − r)/r²; at 0, ½."""
    return mpmath.hyp1f1(1, 3, r) / 2


def artanh_rest(z: Any) -> Any:
    """(2·artanh(s) − 2s)/s³ with s² = z."""
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) - 2 * s) / s**3


def tanh_rest(z: Any) -> Any:
    """(tanh(x)/x − 1)/x² with x² = z."""
    return (mpmath.tanh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z


def rounded(number: Any, dtype: str) -> float:
    return float(np.dtype(dtype).type(float(number)))


def interpolated(function: Any, low: Any, high: Any, coefficients: tuple[float, ...], dtype: str) -> bool:
    """Whether the polynomial passes through the function at the Chebyshev nodes of the interval."""
    count = len(coefficients)
    cosines = [mpmath.cos(mpmath.pi * (2 * index + 1) / (2 * count)) for index in range(count)]
    nodes = [(low + high) / 2 + (high - low) / 2 * cosine for cosine in cosines]
    powers = mpmath.matrix([[node**power for power in range(count)] for node in nodes])
    solved = mpmath.lu_solve(powers, mpmath.matrix([function(node) for node in nodes]))
    return coefficients == tuple(rounded(number, dtype) for number in solved)


FORMULAS: dict[str, Callable[[Any], Any]] = {
    **FUNCTIONS,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.maximum(z, 0) + np.log1p(np.exp(-abs(z))),
    "relu": lambda z: np.maximum(z, 0),
}


@pytest.mark.skipif(not has_fma(), reason="not an x86 processor with fused multiply-add")
@every_dtype
@pytest.mark.parametrize("name", FORMULAS)
def test_machine_code_is_packed_and_calls_nothing(name: str, dtype: str) -> None:
    code = instructions(KernelSpec("formula", dtype, trace(FORMULAS[name], 1), ("full", "full")))
    assert is_packed(code, dtype, arithmetic=r"cmp\w*" if name == "relu" else r"fn?madd\d+")
    large_arguments = 32 if name in ("sin", "cos") else 0  # the C library's, in 16 lanes of whole and of last blocks
    assert scalar_products(code) == 0 and calls(code) == large_arguments


HASHES = """
import hashlib
import numpy as np
from tests.twins import test_elementary_functions as tests
for dtype in tests.DTYPES:
    for name in tests.FUNCTIONS:
        y = tests.compiled(name, np.concatenate([tests.dense(dtype, 500), tests.patterns(dtype, 2000)]))
        y[np.isnan(y)] = np.nan
        print(name, dtype, hashlib.sha256(y.tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(not has_fma(), reason="not an x86 processor with fused multiply-add")
@pytest.mark.parametrize("processor", ["haswell", "generic"])
def test_bits_are_the_same_on_other_processors(processor: str) -> None:
    assert output(HASHES, processor) == output(HASHES, "")
