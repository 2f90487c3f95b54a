"""Softmax and its cross-entropy, across rows and along them: values, bits in every slice and lane, machine code."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from glassnet.engine import address
from glassnet.engine.identity import Identity
from tests.twins.machine_code import calls, has_fma, instructions, is_packed

Array = np.ndarray[Any, Any]
WIDTHS = (1, 2, 3, 10, 15, 16, 17, 40)  # up to 16 numbers, 16 rows go at once
ROWS = (1, 5, 8, 16, 17, 40)
GUARD = 64  # numbers around a result that no kernel may touch
every_dtype = pytest.mark.parametrize("dtype", ("float32", "float64"))


def run(kind: str, reads: list[Array], shape: Any, dtype: Any, threads: int = 1) -> Array:
    """A row of a program over all samples, whose result lies between two guard zones."""
    m, n = reads[0].shape
    count = int(np.prod(shape))
    memory = np.full(count + 2 * GUARD, 77, dtype)
    kernel = address(kind, reads[0].dtype.name)
    places = [read.ctypes.data for read in reads] + [memory[GUARD:].ctypes.data]
    row, context = np.array([kernel, 0, 0, n, *places], np.int64), np.zeros(11, np.int64)
    for thread in range(threads):
        context[:3] = thread, threads, m
        ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(kernel)(row.ctypes.data, context.ctypes.data)
    assert (memory[:GUARD] == 77).all() and (memory[-GUARD:] == 77).all()
    return memory[GUARD:-GUARD].reshape(shape).copy()


def softmax(z: Array, threads: int = 1) -> Array:
    return run("softmax", [z], z.shape, z.dtype, threads)


def cost(z: Array, y: Array, threads: int = 1) -> Array:
    return run("softmax_cost", [z, y], len(z), np.float64, threads)


def problem(m: int, n: int, dtype: str) -> tuple[Array, Array]:
    """z of a batch, and what is wanted: smoothed classes."""
    rng = np.random.default_rng([m, n])
    classes = 0.9 * np.eye(n)[rng.integers(0, n, m)] + 0.1 / n
    return (rng.normal(size=(m, n)) * 4).astype(dtype), classes.astype(dtype)


@every_dtype
@pytest.mark.parametrize("n", WIDTHS)
def test_values(n: int, dtype: str) -> None:
    for m in ROWS:
        z, y = problem(m, n, dtype)
        wide = z.astype(np.longdouble)
        grown = np.exp(wide - wide.max(1, keepdims=True))
        total = grown.sum(1, keepdims=True)
        truth = (y * (np.log(total) - (wide - wide.max(1, keepdims=True)))).sum(1)
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(softmax(z), (grown / total).astype(float), rtol=32 * eps)
        np.testing.assert_allclose(cost(z, y), truth.astype(float), rtol=8 * eps, atol=8 * eps)


@every_dtype
@pytest.mark.parametrize("n", WIDTHS)
def test_a_row_has_the_same_bits_alone_and_in_every_slice(n: int, dtype: str) -> None:
    z, y = problem(40, n, dtype)
    a, c = softmax(z), cost(z, y)
    for threads in (2, 3, 8):
        assert softmax(z, threads).tobytes() == a.tobytes()
        assert cost(z, y, threads).tobytes() == c.tobytes()
    for first in range(19):
        assert softmax(z[first:].copy()).tobytes() == a[first:].tobytes()
        assert softmax(z[first : first + 1].copy()).tobytes() == a[first].tobytes()
        assert (
            cost(z[first : first + 3].copy(), y[first : first + 3].copy()).tobytes() == c[first : first + 3].tobytes()
        )


@every_dtype
@pytest.mark.parametrize("n", [3, 16, 17])
def test_a_broken_row_breaks_no_other(n: int, dtype: str) -> None:
    z, y = problem(20, n, dtype)
    a, c = softmax(z), cost(z, y)
    z[7, 1], z[9] = np.nan, -np.inf
    others = np.delete(np.arange(20), [7, 9])
    assert np.isnan(softmax(z)[[7, 9]]).all() and np.isnan(cost(z, y)[[7, 9]]).all()
    assert softmax(z)[others].tobytes() == a[others].tobytes()
    assert cost(z, y)[others].tobytes() == c[others].tobytes()


@every_dtype
@pytest.mark.parametrize("n", [10, 40])
def test_far_numbers(n: int, dtype: str) -> None:
    z = np.zeros((18, n), dtype)
    z[:, 0], z[:, 1] = 3e4, -3e4
    y = np.eye(n, dtype=dtype)[np.full(18, 1)]
    assert (softmax(z)[:, 0] == 1).all() and (softmax(z)[:, 1:] == 0).all()
    assert (cost(z, y) == 6e4).all()
    assert (cost(z, np.roll(y, -1, axis=1)) == 0).all()


@pytest.mark.skipif(not has_fma(), reason="not an x86 processor with fused multiply-add")
@every_dtype
@pytest.mark.parametrize("kind", ["softmax", "softmax_cost"])
def test_machine_code_is_packed_and_calls_nothing(kind: str, dtype: str) -> None:
    code = instructions(Identity(kind, dtype))
    assert is_packed(code, dtype)
    assert calls(code) == 0
