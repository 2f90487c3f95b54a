"""Every kernel of the engine against a short NumPy function: values, slices, the memory around its results."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from glassnet.engine import EngineUnavailable, KernelSpec, address
from glassnet.engine.layout import CALL, CONTEXT, CONTEXT_SIZE, InterpreterArguments
from glassnet.tables.formula import FUNCTIONS, Formula, Operation, trace
from tests.twins.kernel_calls import KERNEL_TYPE, call_kernel
from tests.twins.programs import DTYPES, bits

SIZES = (1, 3, 7, 8, 13, 40)
GUARD = 64  # numbers before and after every buffer that no kernel may touch
Array = np.ndarray[Any, Any]


class Buffer:
    """An array between two guard zones."""

    def __init__(self, values: Any, dtype: Any = None) -> None:
        values = np.ascontiguousarray(values, dtype)
        self.memory = np.full(values.size + 2 * GUARD, 77, values.dtype)
        self.array = self.memory[GUARD : GUARD + values.size].reshape(values.shape)
        self.array[...] = values

    @property
    def address(self) -> int:
        return int(self.array.ctypes.data)

    def untouched(self) -> bool:
        return bool((self.memory[:GUARD] == 77).all() and (self.memory[-GUARD:] == 77).all())


class Call:
    """A row and its context, run as one thread or as several, one after another."""

    def __init__(self, kernel: int, m: int, units: int, width: int, **context: int) -> None:
        self.kernel, self.m, self.header, self.context = kernel, m, [kernel, 0, units, width], context

    def __call__(self, buffers: Sequence[Buffer], settings: Sequence[int] = (), threads: int = 1) -> None:
        row = [*self.header, *(buffer.address for buffer in buffers), *settings]
        call_kernel(self.kernel, row, self.m, threads, **self.context)
        assert all(buffer.untouched() for buffer in buffers)


def run(call: Call, reads: Sequence[Any], writes: Sequence[Buffer], settings: Sequence[int] = ()) -> list[Array]:
    """The results of a row as 1, 2, 3 and 8 threads, whose bits must all be the same."""
    sources = [Buffer(read) for read in reads]
    results = []
    for threads in (1, 2, 3, 8):
        targets = [Buffer(np.full_like(write.array, 55)) for write in writes]
        call([*sources, *targets], settings, threads)
        results.append([target.array for target in targets])
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            assert bits(one) == bits(two)
    for source, read in zip(sources, reads, strict=True):
        assert bits(source.array) == bits(read)
    return results[0]


def empty(shape: Any, dtype: Any) -> Buffer:
    return Buffer(np.zeros(shape), dtype)


def normal(shape: Any, dtype: str, seed: int = 0) -> Array:
    """Normal numbers, a tenth of them 0, -0, very small or very large."""
    rng = np.random.default_rng([seed, *np.atleast_1d(shape)])
    values = rng.normal(size=shape) * 2
    odd = rng.choice([0.0, -0.0, 1e-3, 30.0, -30.0], size=shape)
    return np.where(rng.random(shape) < 0.1, odd, values).astype(dtype)


def ulp(values: Array, truth: Array) -> float:
    """The largest difference in units of the last place."""
    with np.errstate(all="ignore"):
        same = (values == truth) | (np.isnan(values) & np.isnan(truth))
        return float(np.max(np.where(same, 0, np.abs(values - truth) / np.spacing(np.abs(truth)))))


UNARY: dict[str, Callable[[Any], Any]] = {
    "negative": lambda x: -x,
    "absolute": abs,
    "sqrt": lambda x: np.sqrt(abs(x)),
    "sign": np.sign,
    "power": lambda x: x**2,
    "reused": lambda x: (x + 0.1) * (x + 0.1) - 1 / 3,
    "constant": lambda x: 0.1,
    "itself": lambda x: x,
    "number as condition": lambda x: np.where(x, x, 7.0),
    "condition as number": lambda x: (x > 0.5) * x,
    "conditions joined": lambda x: ((x > 0.5) + (x < -0.5)) * ((x > 0) * (x < 2)) * x,
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda x, y: np.where(x > y, x, y * y),
    "greater": lambda x, y: x * (x > y),
    "greater_equal": lambda x, y: x * (x >= y),
    "less": lambda x, y: x * (x < y),
    "less_equal": lambda x, y: x * (x <= y),
    "equal": lambda x, y: np.where(x == y, x, y),
    "not_equal": lambda x, y: np.where(x != y, x, y),
    "not contracted": lambda x, y: x * y + x * 0.3 - y * y,
    "clip": lambda x, y: np.clip(x, -0.7, y),
}
CURVES: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
}


def test_every_operation_is_tested() -> None:
    assert set(FUNCTIONS) <= {*UNARY, *BINARY, *CURVES}


def evaluate(formula: Formula, dtype: str, columns: Sequence[Array]) -> Array:
    """A formula of columns, by its kernel."""
    call = Call(address("formula", dtype, formula, ("full",) * (formula.inputs + 1)), len(columns[0]), 0, 1)
    return run(call, columns, [empty(len(columns[0]), dtype)])[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_formulas_equal_numpy_to_the_bit(dtype: str) -> None:
    special = np.array([0.0, -0.0, 1.0, -1.0, 0.1, np.inf, -np.inf, np.nan, 1e-45, 3e38], dtype)
    pairs = np.array(list(itertools.product(special, special)), dtype)
    for m in SIZES:
        x, y = normal(m, dtype, 1), normal(m, dtype, 2)
        for one, two in ((x, y), (pairs[:, 0].copy(), pairs[:, 1].copy())):
            columns = {1: [one], 2: [one, two]}
            for inputs, table in ((1, UNARY), (2, BINARY)):
                for name, function in table.items():
                    formula = trace(function, inputs)
                    with np.errstate(all="ignore"):
                        truth = np.asarray(function(*columns[inputs]))
                    truth = np.broadcast_to(truth, one.shape).astype(dtype)
                    assert bits(evaluate(formula, dtype, columns[inputs])) == bits(truth), (name, m)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CURVES)
def test_elementary_functions_are_close_to_numpy(name: str, dtype: str) -> None:
    x = np.concatenate([normal(4096, dtype), np.linspace(-90, 88, 1001).astype(dtype)])
    x = np.abs(x) if name.startswith("log") else x
    x = np.append(x, np.array([0.0, np.inf, np.nan], dtype))
    with np.errstate(all="ignore"):
        truth = CURVES[name](x.astype(np.longdouble)).astype(dtype)
    assert ulp(evaluate(trace(CURVES[name], 1), dtype, [x]), truth) <= 4


@pytest.mark.parametrize("dtype", DTYPES)
def test_power_is_repeated_multiplication(dtype: str) -> None:
    x = normal(40, dtype)
    assert bits(evaluate(trace(lambda x: x**3, 1), dtype, [x])) == bits(x * x * x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_formula_modes_and_step_scalars(dtype: str) -> None:
    def function(full: Any, column: Any, unit: Any, scalar: Any, rate: Any, decay: Any) -> Any:
        return full * column - unit * rate + scalar * decay, full + unit

    formula, modes = trace(function, 6), ("full", "column", "unit", "scalar", "full", "full")
    kernel, scalars = address("formula", dtype, formula, modes, scalars=2), Buffer(normal(5, dtype, 9))
    for m, n in itertools.product(SIZES, (1, 7, 15, 16, 17, 31, 50, 100)):
        reads = [normal(shape, dtype, 3) for shape in ((m, n), n, m, 1)]
        call = Call(kernel, m, 0, n, scalars=scalars.address)
        outputs = run(call, reads, [empty((m, n), dtype), empty((m, n), dtype)], (3, 1))
        full, column, unit, scalar = reads
        truth = function(full, column, unit[:, None], scalar, scalars.array[3], scalars.array[1])
        assert [bits(output) for output in outputs] == [bits(part) for part in truth]
        buffers, second = [Buffer(read) for read in reads], empty((m, n), dtype)
        call([*buffers, buffers[0], second], (3, 1), threads=3)  # in place
        assert [bits(buffer.array) for buffer in (buffers[0], second)] == [bits(part) for part in truth]


@pytest.mark.parametrize("dtype", DTYPES)
def test_formula_in_place_with_several_outputs(dtype: str) -> None:
    def adam(w: Any, g: Any, m: Any, v: Any, lr: Any, b1: Any, b2: Any) -> Any:
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        return w - lr * m / (np.sqrt(v) + 1e-8), m, v

    kernel = address("formula", dtype, trace(adam, 7), ("full",) * 7, 3)
    scalars = Buffer(np.array([0.01, 0.9, 0.999]), dtype)
    for units, threads in itertools.product((1, 13, 40, 200), (1, 2, 3)):
        w, g, m, v = (Buffer(np.abs(normal((units, 3), dtype, seed))) for seed in range(4))
        truth = adam(w.array.copy(), g.array.copy(), m.array.copy(), v.array.copy(), *scalars.array)
        Call(kernel, 5, units, 3, scalars=scalars.address)([w, g, m, v, w, m, v], (0, 1, 2), threads)
        assert [bits(buffer.array) for buffer in (w, m, v)] == [bits(part) for part in truth]


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums(dtype: str) -> None:
    kernel = address("sums", dtype, trace(lambda a, y, s: (a - y) * (a - y) * s, 3), ("full", "full", "column", "unit"))
    for m, n in itertools.product(SIZES, (1, 10, 16, 100)):
        a, y, s = normal((m, n), dtype, 4), normal((m, n), dtype, 5), normal(n, dtype, 6)
        result = run(Call(kernel, m, 0, n), [a, y, s], [empty(m, "float64")])[0]
        elements = ((a - y) * (a - y) * s).astype(np.float64)
        np.testing.assert_allclose(result, elements.sum(1), rtol=0, atol=1e-15 * n * np.abs(elements).sum())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2])
def test_a_sum_begins_at_0_so_that_minus_0_is_lost(n: int, dtype: str) -> None:
    kernel = address("sums", dtype, trace(lambda a: -a, 1), ("full", "unit"))
    result = run(Call(kernel, 20, 0, n), [np.zeros((20, n), dtype)], [empty(20, "float64")])[0]
    assert bits(result) == bits(np.zeros(20))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_pass_nan_and_infinity_on(dtype: str) -> None:
    kernel = address("sums", dtype, trace(lambda a: a * a, 1), ("full", "unit"))
    for n, bad in itertools.product((3, 16, 21), (np.nan, np.inf)):
        a = np.ones((2, n), dtype)
        a[1, -1] = bad
        result = run(Call(kernel, 2, 0, n), [a], [empty(2, "float64")])[0]
        np.testing.assert_array_equal(result, [n, bad])


NO_EPILOGUE = (0, 0)  # its kernel and number of operands
SHAPES = tuple(itertools.product(SIZES, (1, 2, 17, 66), (1, 10, 33)))


def assert_product(result: Array, a: Array, b: Array, extra: Any = 0.0) -> None:
    """A product's error is at most K·ε·Σ|a||b|."""
    wide, terms = a.astype(np.float64) @ b.astype(np.float64) + extra, a.shape[1] + 2
    bound = np.abs(a).astype(np.float64) @ np.abs(b) + np.abs(extra)
    assert (np.abs(result - wide) <= terms * np.finfo(result.dtype).eps * bound).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_affine(dtype: str) -> None:
    kernel = address("affine", dtype)
    for m, k, n in SHAPES:
        a, w, b = normal((m, k), dtype, 1), normal((k, n), dtype, 2), normal(n, dtype, 3)
        z = run(Call(kernel, m, 0, n), [a, w, b], [empty((m, n), dtype)], (k, *NO_EPILOGUE))[0]
        assert_product(z, a, w, b.astype(np.float64))


@pytest.mark.parametrize("dtype", DTYPES)
def test_propagate(dtype: str) -> None:
    kernel = address("propagate", dtype)
    for m, k, n in SHAPES:
        delta, w = normal((m, k), dtype, 1), normal((n, k), dtype, 2)
        assert_product(run(Call(kernel, m, 0, n), [delta, w], [empty((m, n), dtype)], (k, *NO_EPILOGUE))[0], delta, w.T)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bp4(dtype: str) -> None:
    kernel = address("bp4", dtype)
    for m, units, n in SHAPES:
        delta, a = normal((m, n), dtype, 1), normal((m, units), dtype, 2)
        dw = run(Call(kernel, m, units, n), [delta, a], [empty((units, n), dtype)])[0]
        assert_product(dw, a.T, delta / m)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["affine", "propagate"])
def test_a_sample_has_the_same_bits_in_every_batch(kind: str, dtype: str) -> None:
    a, w, b = normal((40, 67), dtype, 1), normal((67, 35), dtype, 2), normal(35, dtype, 3)
    operands = [w, b] if kind == "affine" else [w.T.copy()]
    kernel = address(kind, dtype)
    whole = run(Call(kernel, 40, 0, 35), [a, *operands], [empty((40, 35), dtype)], (67, *NO_EPILOGUE))[0]
    for i in (0, 7, 39):
        one = run(Call(kernel, 1, 0, 35), [a[i : i + 1], *operands], [empty((1, 35), dtype)], (67, *NO_EPILOGUE))[0]
        assert bits(one[0]) == bits(whole[i])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["affine", "propagate", "bp4"])
def test_products_pass_nan_and_infinity_on(kind: str, dtype: str) -> None:
    first, second = normal((9, 20), dtype, 1), np.abs(normal((20, 20), dtype, 2)) + 1
    for bad in (np.nan, np.inf):
        first[4] = 1
        first[4, 3] = bad
        if kind == "bp4":
            delta = np.ones((9, 20), dtype)
            result = run(Call(address(kind, dtype), 9, 20, 20), [delta, first], [empty((20, 20), dtype)])[0]
            np.testing.assert_array_equal(result[3], np.full(20, bad))
        else:
            reads = [first, second, *([np.zeros(20, dtype)] if kind == "affine" else [])]
            result = run(Call(address(kind, dtype), 9, 0, 20), reads, [empty((9, 20), dtype)], (20, *NO_EPILOGUE))[0]
            np.testing.assert_array_equal(result[4], np.full(20, bad))
            assert np.isfinite(np.delete(result, 4, 0)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", ["float32", "float64", "uint8", "int64"])
def test_gather(source: str, dtype: str) -> None:
    kernel, rng = address("gather", dtype), np.random.default_rng(0)
    order = Buffer(rng.permutation(60), np.int64)
    for m, n in itertools.product(SIZES, (1, 5, 16, 37)):
        table = (rng.normal(size=(60, n + 3)) * 50 + 100).astype(source)
        codes = {"float32": 0, "float64": 1, "uint8": 2, "int64": 3}
        call = Call(kernel, m, 0, n, first_sample=7, order=order.address)
        result = run(call, [table], [empty((m, n), dtype)], (table.strides[0], codes[source]))[0]
        assert bits(result) == bits(table[order.array[7 : 7 + m], :n].astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_hot(dtype: str) -> None:
    order = Buffer(np.random.default_rng(1).permutation(60), np.int64)
    for m, n in itertools.product(SIZES, (1, 10, 20)):
        labels = np.random.default_rng(2).integers(-2, n + 2, 60)
        call = Call(address("one_hot", dtype), m, 0, n, first_sample=5, order=order.address)
        result = run(call, [labels], [empty((m, n), dtype)])[0]
        assert bits(result) == bits((labels[order.array[5 : 5 + m], None] == np.arange(n)).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sample_weights(dtype: str) -> None:
    order, scalars = Buffer(np.random.default_rng(1).permutation(60), np.int64), Buffer([0.0, 0.3], dtype)
    weights = np.random.default_rng(2).random(60)
    for m in SIZES:
        call = Call(
            address("sample_weights", dtype), m, 0, 1, first_sample=2, order=order.address, scalars=scalars.address
        )
        result = run(call, [weights], [empty(m, dtype)], (1,))[0]
        truth = weights[order.array[2 : 2 + m]] * scalars.array[1].astype(np.float64)
        assert bits(result) == bits(truth.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_means_over_samples(dtype: str) -> None:
    for m, units in itertools.product(SIZES, (1, 8, 20, 70)):
        p, q = normal((m, units), dtype, 1), normal((m, units), dtype, 2)
        one = run(Call(address("bp3", dtype), m, units, 1), [p], [empty(units, dtype)])[0]
        two = run(Call(address("mean_product", dtype), m, units, 1), [p, q], [empty(units, dtype)])[0]
        for result, terms in ((one, p), (two, p * q)):
            total = np.zeros(units, dtype)
            for line in terms:
                total = total + line
            assert bits(result) == bits(total / np.dtype(dtype).type(m))


@pytest.mark.parametrize("dtype", DTYPES)
def test_means_over_features(dtype: str) -> None:
    for m, n in itertools.product(SIZES, (1, 8, 20, 70)):
        p, q = normal((m, n), dtype, 1), normal((m, n), dtype, 2)
        one = run(Call(address("feature_mean", dtype), m, 0, n), [p], [empty(m, dtype)])[0]
        two = run(Call(address("feature_mean_product", dtype), m, 0, n), [p, q], [empty(m, dtype)])[0]
        for result, terms in ((one, p), (two, p * q)):
            bound = 2 * np.finfo(dtype).eps * np.abs(terms).mean(1)
            assert (np.abs(result - terms.astype(np.float64).mean(1)) <= bound).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["moments", "feature_moments"])
def test_moments(kind: str, dtype: str) -> None:
    axis = 0 if kind == "moments" else 1
    for m, n in itertools.product(SIZES, (1, 8, 20, 150)):
        z = (normal((m, n), dtype, 1) + 3).astype(dtype)
        call = Call(address(kind, dtype), m, *((n, 1) if axis == 0 else (0, n)))
        size = (n, m)[axis]
        mean, variance = run(call, [z], [empty(size, dtype), empty(size, dtype)])
        wide = z.astype(np.float64)
        np.testing.assert_allclose(mean, wide.mean(axis), rtol=2 * np.finfo(dtype).eps, atol=1e-14)
        np.testing.assert_allclose(variance, wide.var(axis), rtol=4 * np.finfo(dtype).eps, atol=1e-13)


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_and_its_error_and_cost(dtype: str) -> None:
    eps = np.finfo(dtype).eps
    for m, n in itertools.product(SIZES, (1, 2, 10, 16, 40)):
        z, y, da = normal((m, n), dtype, 1), np.abs(normal((m, n), dtype, 2)), normal((m, n), dtype, 3)
        a = run(Call(address("softmax", dtype), m, 0, n), [z], [empty((m, n), dtype)], (1, n))[0]
        np.testing.assert_allclose(a, softmax(z.astype(np.float64)), rtol=80 * eps)
        delta = run(Call(address("softmax_error", dtype), m, 0, n), [da, a], [empty((m, n), dtype)], (1, n))[0]
        wide = a.astype(np.float64) * (da - (a.astype(np.float64) * da).sum(1, keepdims=True))
        bound = 8 * eps * a * (np.abs(da) + (a * np.abs(da)).sum(1, keepdims=True))
        assert (np.abs(delta - wide) <= bound + np.finfo(dtype).tiny).all()
        cost = run(Call(address("softmax_cost", dtype), m, 0, n), [z, y], [empty(m, "float64")], (1, n))[0]
        truth = -(y * np.log(softmax(z.astype(np.float64)))).sum(1)
        np.testing.assert_allclose(cost, truth, rtol=20 * eps, atol=20 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_large_and_broken_numbers(dtype: str) -> None:
    z = np.array([[1e30, 0, -1e30], [np.nan, 0, 1], [800, 800, 800], [0, -np.inf, 0]], dtype)
    a = run(Call(address("softmax", dtype), 4, 0, 3), [z], [empty((4, 3), dtype)], (1, 3))[0]
    np.testing.assert_array_equal(a[0], [1, 0, 0])
    assert np.isnan(a[1]).all()
    np.testing.assert_allclose(a[2:], [[1 / 3] * 3, [0.5, 0, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("has_s", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_cost(dtype: str, has_s: bool) -> None:
    rng = np.random.default_rng(3)
    for m in SIZES:
        c, s, penalties = rng.random(m), rng.random(m).astype(dtype), [rng.random(5), rng.random(2)]
        reads = [c, *([s] if has_s else []), *penalties]
        call = Call(address("mean_cost", dtype), m, 0, len(reads) + 1)
        result = run(call, reads, [empty(1, "float64")], (int(has_s), 2, 5, 2))[0]
        total = 0.0
        for term in c * s.astype(np.float64) if has_s else c:
            total += term
        total /= m
        for term in np.concatenate(penalties):
            total += term
        assert result[0] == total


@pytest.mark.parametrize("dtype", DTYPES)
def test_clip_scale(dtype: str) -> None:
    scalars = Buffer(np.array([9.0, 9.0, 1.5]), dtype)
    for squares, truth in (
        ([0, 0, 0, 0, 0], 1),
        ([1, 0, 0, 0, 1], 1),
        ([4, 1, 1, 1, 2], 0.5),
        ([1, 1, 0, np.nan, 1], np.nan),
    ):
        parts = [np.array(squares[:3], float), np.array(squares[3:], float)]
        call = Call(address("clip_scale", dtype), 1, 1, 3, scalars=scalars.address)
        result = run(call, parts, [empty(1, dtype)], (2, 3, 2, 2))[0]
        np.testing.assert_array_equal(result, np.array([truth], dtype))


def mix(h: Array) -> Array:
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
    return np.asarray(h ^ (h >> np.uint32(16)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout(dtype: str) -> None:
    step, key0, key1, rate = 2**32 - 1, 0x9ABCDEF0, 12345, 0.3
    threshold, scale = int(rate * 2**32), np.float64(1 / (1 - rate))
    settings = (threshold, key0, key1, int(scale.view(np.int64)))
    for m, n in itertools.product(SIZES, (1, 10, 40)):
        x = normal((m, n), dtype)
        t = run(Call(address("dropout", dtype), m, 0, n, step=step), [x], [empty((m, n), dtype)], settings)[0]
        k0 = mix(np.array([step + key0], np.uint64).astype(np.uint32))
        counter = np.arange(m * n, dtype=np.uint32).reshape(m, n) * np.uint32(0x9E3779B9)
        kept = mix(mix(counter + k0) + mix(k0 + np.uint32(key1))) >= np.uint32(threshold)
        assert bits(t) == bits(np.where(kept, x * np.dtype(dtype).type(scale), np.dtype(dtype).type(0)))


class Run:
    """A small program for the interpreter: a += rate, c += a, C = mean of c."""

    def __init__(self, steps: int) -> None:
        add = trace(lambda a, c, rate: (a + rate, c + a), 3)
        step = address("formula", "float64", add, ("full",) * 4, 1)
        self.a, self.c, self.cost, self.costs = (Buffer(np.zeros(n)) for n in (3, 3, 1, steps))
        self.scalars, self.abort = Buffer(np.arange(1.0, steps + 1)), np.zeros(1, np.int64)
        a, c, cost = (buffer.address for buffer in (self.a, self.c, self.cost))
        rows = [[step, 0, 0, 1, a, c, a, c, 0], [address("mean_cost", "float64"), 1, 0, 2, c, cost, 0, 0, 0]]
        self.rows = np.array(rows, np.int64)
        self.context, self.batches = np.zeros(CONTEXT_SIZE, np.int64), np.array([[0, 3], [3, 2]] * steps, np.int64)
        self.context[[CONTEXT.threads, CONTEXT.abort]] = 1, self.abort.ctypes.data
        arguments = InterpreterArguments(
            table=self.rows.ctypes.data,
            rows=len(self.rows),
            row_size=self.rows.shape[1],
            context=self.context.ctypes.data,
            batches=self.batches.ctypes.data,
            scalars=self.scalars.address,
            scalar_bytes=8,
            first_step=100,
            steps=steps,
            costs=self.costs.address,
            cost=cost,
            steps_done=-1,
            flush=0,
            counters=0,
        )
        self.arguments = np.array(arguments, np.int64)
        self.interpret = KERNEL_TYPE(address("interpret", ""))

    def __call__(self) -> int:
        self.interpret(self.arguments.ctypes.data, None)
        return int(self.arguments[CALL.steps_done])


def test_interpreter_runs_the_steps() -> None:
    program = Run(4)
    assert program() == 4
    np.testing.assert_array_equal(program.a.array, [10, 10, 4])
    np.testing.assert_array_equal(program.costs.array, [0, 1, 3, 10])
    assert list(program.context[[CONTEXT.samples, CONTEXT.first_sample, CONTEXT.step]]) == [2, 3, 103]


def test_interpreter_stops_at_the_abort_flag() -> None:
    program = Run(5)
    program.abort[0] = 1
    assert program() == 0
    np.testing.assert_array_equal(program.a.array, [0, 0, 0])


def test_constants_that_compare_equal_are_distinguished() -> None:
    x = np.array([2.0, -3.0])
    one, index = (Formula(2, (Operation("add", (0, second)),), (2,)) for second in (1.0, 1))
    assert list(evaluate(one, "float64", [x, x])) == [3, -2]
    assert list(evaluate(index, "float64", [x, x])) == [4, -6]
    plus, minus = (Formula(1, (Operation("multiply", (0, zero)),), (1,)) for zero in (0.0, -0.0))
    assert bits(evaluate(plus, "float64", [x])) != bits(evaluate(minus, "float64", [x]))


def test_the_error_says_what_cannot_be_compiled() -> None:
    with pytest.raises(EngineUnavailable, match="no kernel of kind 'convolution'"):
        address("convolution", "float32")
    with pytest.raises(EngineUnavailable, match="whole rows"):
        address("formula", "float32", trace(lambda x: x, 1), ("full", "scalar"))
    assert KernelSpec("bp3", "float32").text != KernelSpec("bp3", "float64").text
