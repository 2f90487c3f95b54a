"""Softmax, its error and its cross-entropy, across samples and along them, for one group of outputs and for several.

Values, bits in every slice and lane and with any other groups, machine code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassnet.engine import address
from glassnet.engine.kernel_spec import KernelSpec
from tests.twins.kernel_calls import call_kernel
from tests.twins.machine_code import calls, has_fma, instructions, is_packed

Array = np.ndarray[Any, Any]
Groups = tuple[int, ...]
WHOLE = [(n,) for n in (1, 2, 3, 10, 15, 16, 17, 40)]  # groups of up to 16 outputs are computed for 16 samples at once
SEVERAL = [(3, 5, 2), (1, 1, 1, 1), (16, 16), (17, 3), (3, 17), (1, 40, 16, 2, 33)]
ROWS = (1, 5, 8, 16, 17, 40)
GUARD = 64  # numbers around a result that no kernel may write
every_dtype = pytest.mark.parametrize("dtype", ("float32", "float64"))
every_group = pytest.mark.parametrize("groups", [*WHOLE, *SEVERAL], ids=str)


def run(kind: str, reads: list[Array], shape: Any, dtype: Any, groups: Groups, threads: int = 1) -> Array:
    """A row of a program over all samples, with one result."""
    return run_all(kind, reads, [(shape, dtype)], groups, threads)[0]


def run_all(kind: str, reads: list[Array], results: list[tuple[Any, Any]], groups: Groups, threads: int) -> list[Array]:
    """A row of a program over all samples, each of whose results lies between two guard zones."""
    m, n = reads[0].shape
    memory = [np.full(int(np.prod(shape)) + 2 * GUARD, 77, dtype) for shape, dtype in results]
    operands = [read.ctypes.data for read in reads] + [result[GUARD:].ctypes.data for result in memory]
    call_kernel(address(kind, reads[0].dtype.name), [0, 0, 0, n, *operands, len(groups), *groups], m, threads)
    assert all((result[:GUARD] == 77).all() and (result[-GUARD:] == 77).all() for result in memory)
    return [result[GUARD:-GUARD].reshape(shape).copy() for result, (shape, _) in zip(memory, results, strict=True)]


def softmax(z: Array, groups: Groups, threads: int = 1) -> Array:
    return run("softmax", [z], z.shape, z.dtype, groups, threads)


def error(da: Array, a: Array, groups: Groups, threads: int = 1) -> Array:
    return run("softmax_error", [da, a], a.shape, a.dtype, groups, threads)


def cost(z: Array, y: Array, groups: Groups, threads: int = 1) -> Array:
    return run("softmax_cost", [z, y], len(z), np.float64, groups, threads)


def softmax_and_cost(z: Array, y: Array, groups: Groups, threads: int = 1) -> list[Array]:
    return run_all("softmax_and_cost", [z, y], [(z.shape, z.dtype), (len(z), np.float64)], groups, threads)


def parts(array: Array, groups: Groups) -> list[Array]:
    """The columns of each group, copied."""
    return [part.copy() for part in np.split(array, np.cumsum(groups)[:-1], axis=1)]


def problem(m: int, groups: Groups, dtype: str) -> tuple[Array, Array]:
    """z of a batch, and targets: smoothed classes in each group."""
    rng = np.random.default_rng([m, *groups])
    classes = [0.9 * np.eye(n)[rng.integers(0, n, m)] + 0.1 / n for n in groups]
    return (rng.normal(size=(m, sum(groups))) * 4).astype(dtype), np.hstack(classes).astype(dtype)


@every_dtype
@every_group
def test_values(groups: Groups, dtype: str) -> None:
    for m in ROWS:
        z, y = problem(m, groups, dtype)
        outputs, costs = [], []
        for part, target in zip(parts(z.astype(np.longdouble), groups), parts(y, groups), strict=True):
            shifted = part - part.max(1, keepdims=True)
            total = np.exp(shifted).sum(1, keepdims=True)
            outputs.append(np.exp(shifted) / total)
            costs.append((target * (np.log(total) - shifted)).sum(1))
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(softmax(z, groups), np.hstack(outputs).astype(float), rtol=32 * eps)
        truth = np.sum(costs, axis=0).astype(float)
        np.testing.assert_allclose(cost(z, y, groups), truth, rtol=8 * eps, atol=8 * eps)


@every_dtype
@every_group
def test_error_is_the_jacobian_of_each_group(groups: Groups, dtype: str) -> None:
    z, da = problem(17, groups, dtype)
    a = softmax(z, groups)
    expected, scale = [], []
    for output, gradient in zip(parts(a.astype(float), groups), parts(da.astype(float), groups), strict=True):
        jacobians = np.einsum("mj,jk->mjk", output, np.eye(output.shape[1])) - np.einsum("mj,mk->mjk", output, output)
        expected.append(np.einsum("mjk,mk->mj", jacobians, gradient))
        scale.append(output * (abs(gradient) + (output * abs(gradient)).sum(1, keepdims=True)))
    bound = 8 * np.finfo(dtype).eps * np.hstack(scale) + np.finfo(dtype).tiny
    assert (abs(error(da, a, groups) - np.hstack(expected)) <= bound).all()


@every_dtype
@every_group
def test_a_row_has_the_same_bits_alone_and_in_every_slice(groups: Groups, dtype: str) -> None:
    z, y = problem(40, groups, dtype)
    a, c = softmax(z, groups), cost(z, y, groups)
    delta = error(y, a, groups)
    for threads in (2, 3, 8):
        assert softmax(z, groups, threads).tobytes() == a.tobytes()
        assert error(y, a, groups, threads).tobytes() == delta.tobytes()
        assert cost(z, y, groups, threads).tobytes() == c.tobytes()
    for first in range(19):
        few = slice(first, first + 3)
        assert softmax(z[first:].copy(), groups).tobytes() == a[first:].tobytes()
        assert softmax(z[first : first + 1].copy(), groups).tobytes() == a[first].tobytes()
        assert error(y[few].copy(), a[few].copy(), groups).tobytes() == delta[few].tobytes()
        assert cost(z[few].copy(), y[few].copy(), groups).tobytes() == c[few].tobytes()


@every_dtype
@every_group
def test_one_kernel_for_softmax_and_cost_has_the_bits_of_two(groups: Groups, dtype: str) -> None:
    for m in ROWS:
        z, y = problem(m, groups, dtype)
        z[m // 2, 0] = np.nan  # which spoils its own row alone
        for threads in (1, 3):
            a, c = softmax_and_cost(z, y, groups, threads)
            assert a.tobytes() == softmax(z, groups).tobytes()
            assert c.tobytes() == cost(z, y, groups).tobytes()


@every_dtype
@pytest.mark.parametrize("groups", SEVERAL, ids=str)
def test_a_group_has_the_bits_of_a_softmax_alone(groups: Groups, dtype: str) -> None:
    z, y = problem(40, groups, dtype)
    a, c = softmax(z, groups), cost(z, y, groups)
    delta, sums = error(y, a, groups), np.zeros(40)
    by_group = [parts(array, groups) for array in (z, y, a, delta)]
    for part, target, output, errors in zip(*by_group, strict=True):
        whole = (part.shape[1],)
        assert softmax(part, whole).tobytes() == output.tobytes()
        assert error(target, output, whole).tobytes() == errors.tobytes()
        sums += cost(part, target, whole)
    np.testing.assert_allclose(c, sums, rtol=4 * len(groups) * np.finfo(np.float64).eps)


@every_dtype
@pytest.mark.parametrize("groups", [(3,), (16,), (17,), (3, 2, 17)], ids=str)
def test_a_broken_row_breaks_no_other(groups: Groups, dtype: str) -> None:
    z, y = problem(20, groups, dtype)
    a, c = softmax(z, groups), cost(z, y, groups)
    z[7, 1], z[9] = np.nan, -np.inf
    others = np.delete(np.arange(20), [7, 9])
    broken = softmax(z, groups)
    assert np.isnan(broken[7, : groups[0]]).all() and np.isnan(broken[9]).all()
    assert broken[7, groups[0] :].tobytes() == a[7, groups[0] :].tobytes()
    assert np.isnan(cost(z, y, groups)[[7, 9]]).all()
    assert broken[others].tobytes() == a[others].tobytes()
    assert cost(z, y, groups)[others].tobytes() == c[others].tobytes()


@every_dtype
@pytest.mark.parametrize("n", [10, 40])
def test_large_numbers(n: int, dtype: str) -> None:
    z = np.zeros((18, n), dtype)
    z[:, 0], z[:, 1] = 3e4, -3e4
    y = np.eye(n, dtype=dtype)[np.full(18, 1)]
    assert (softmax(z, (n,))[:, 0] == 1).all() and (softmax(z, (n,))[:, 1:] == 0).all()
    assert (cost(z, y, (n,)) == 6e4).all()
    assert (cost(z, np.roll(y, -1, axis=1), (n,)) == 0).all()


@pytest.mark.skipif(not has_fma(), reason="not an x86 processor with fused multiply-add")
@every_dtype
@pytest.mark.parametrize("kind", ["softmax", "softmax_cost", "softmax_and_cost"])
def test_machine_code_is_packed_and_calls_nothing(kind: str, dtype: str) -> None:
    code = instructions(KernelSpec(kind, dtype))
    assert is_packed(code, dtype)
    assert calls(code) == 0
