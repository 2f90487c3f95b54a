"""The matrix products: every shape against NumPy in float64, the same bits in every slice, no byte outside touched."""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from glassnet.engine import EngineUnavailable, KernelSpec, address
from glassnet.engine.self_test import self_test
from tests.twins.guard_pages import Guarded
from tests.twins.kernel_calls import KERNEL_TYPE, call_kernel
from tests.twins.machine_code import has_fma
from tests.twins.programs import DTYPES, Array
from tests.twins.subprocesses import RUNNABLE, output

KINDS = ("affine", "propagate", "bp4")
EDGES = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 70)
LARGE = (
    *((9, 300, 513), (40, 17, 256), (33, 600, 257), (2, 256, 259), (64, 513, 33), (300, 3, 40)),
    *((40, 130, 26), (260, 33, 30), (20, 300, 25)),  # panels of few columns, in parts, with a last vector that overlaps
    *((1, 64, 513), (1, 27, 256), (1, 2107, 513)),  # one sample: 8 rows of w at a time, or 16 where w is large
)


class Product(NamedTuple):
    """A row of one of the three kinds, of m samples and weights (fan_in, fan_out)."""

    kind: str
    dtype: str
    m: int
    fan_in: int
    fan_out: int

    def reads(self, integers: bool = False) -> list[Array]:
        """a, w, b of affine; delta, w of propagate; delta, a of bp4."""
        shapes = [(self.m, self.fan_in), (self.fan_in, self.fan_out), (self.fan_out,)]
        if self.kind != "affine":
            shapes = [(self.m, self.fan_out), shapes[1] if self.kind == "propagate" else shapes[0]]
        rng = np.random.default_rng([self.m, self.fan_in, self.fan_out])
        if integers:
            return [rng.integers(-3, 4, shape).astype(self.dtype) for shape in shapes]
        return [rng.normal(size=shape).astype(self.dtype) for shape in shapes]

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the result."""
        first = self.fan_in if self.kind == "bp4" else self.m
        return first, self.fan_in if self.kind == "propagate" else self.fan_out

    def truth(self, reads: list[Array]) -> tuple[Array, Array]:
        """The result in float64, and the bound K·ε·Σ|a||b| on its error."""
        one, two, *bias = (read.astype(np.float64) for read in reads)
        one, two = {"affine": (one, two), "propagate": (one, two.T), "bp4": (two.T, one / self.m)}[self.kind]
        terms, extra = one.shape[1] + 2, bias[0] if bias else np.zeros(1)
        bound = terms * np.finfo(self.dtype).eps * (abs(one) @ abs(two) + abs(extra))
        return one @ two + extra, bound

    def run(self, reads: list[Array], result: Array, threads: int = 1, kind: str = "") -> Array:
        """The kernel, or one of another kind, on the given memory, as several threads one after another."""
        operands = [array.ctypes.data for array in (*reads, result)]
        units = self.fan_in if self.kind == "bp4" else 0
        settings = {"affine": [self.fan_in, 0, 0], "propagate": [self.fan_out, 0, 0], "bp4": []}[self.kind]
        row = [0, 0, units, self.shape[1], *operands, *settings]
        call_kernel(address(kind or self.kind, self.dtype), row, self.m, threads)
        return result


def shapes() -> Iterator[tuple[int, int, int]]:
    """Random small shapes, the edges of tiles, and those that need panels."""
    rng = np.random.default_rng(0)
    yield from (tuple(map(int, rng.integers(1, 71, 3))) for _ in range(150))
    yield from (tuple(map(int, rng.choice(EDGES, 3))) for _ in range(150))
    yield from itertools.product((1, 8, 13), (1, 17), EDGES)
    yield from LARGE


def check(kind: str, dtype: str) -> str:
    """Check every shape against its bound, and integers exactly; return a digest of all bits."""
    digest = hashlib.sha256()
    for shape in shapes():
        product = Product(kind, dtype, *shape)
        reads = product.reads()
        truth, bound = product.truth(reads)
        result = product.run(reads, np.full(product.shape, np.nan, dtype))
        assert (abs(result - truth) <= bound).all(), product
        digest.update(result.tobytes())
        reads = product.reads(integers=True)
        exact = product.run(reads, np.full(product.shape, np.nan, dtype)) * (shape[0] if kind == "bp4" else 1)
        assert np.allclose(exact, np.rint(exact), rtol=0, atol=1e-2)
        if kind != "bp4" or shape[0] & (shape[0] - 1) == 0:
            assert (exact == product.truth(reads)[0] * (shape[0] if kind == "bp4" else 1)).all(), product
    return digest.hexdigest()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_shape_is_close_to_numpy_and_exact_on_integers(kind: str, dtype: str) -> None:
    check(kind, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_bits_do_not_depend_on_the_threads(kind: str, dtype: str) -> None:
    for shape in ((70, 70, 50), (33, 40, 1), (41, 300, 257), (9, 1, 300), (5, 7, 16)):
        product = Product(kind, dtype, *shape)
        reads = product.reads()
        whole = product.run(reads, np.empty(product.shape, dtype))
        for threads in (2, 3, 8):
            assert product.run(reads, np.zeros_like(whole), threads).tobytes() == whole.tobytes(), (product, threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["affine", "propagate"])
def test_bits_of_a_sample_do_not_depend_on_the_batch(kind: str, dtype: str) -> None:
    for fan_in, fan_out in ((20, 50), (70, 1), (1, 70), (257, 300), (130, 129)):
        whole = Product(kind, dtype, 70, fan_in, fan_out)
        reads = whole.reads()
        result = whole.run(reads, np.empty(whole.shape, dtype))
        for first, m in ((0, 1), (69, 1), (3, 2), (5, 7), (20, 33), (1, 68)):
            part = whole._replace(m=m)
            given = [reads[0][first : first + m], *reads[1:]]
            assert part.run(given, np.empty(part.shape, dtype)).tobytes() == result[first : first + m].tobytes()


# Guard pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_outside_the_buffers_is_touched(kind: str, dtype: str) -> None:
    sizes = ((1, 1, 1), (3, 5, 7), (9, 17, 33), (64, 10, 49), (5, 100, 1), (33, 30, 257), (40, 270, 300), (1, 9, 129))
    for shape, at_end in itertools.product(sizes, (False, True)):
        product = Product(kind, dtype, *shape)
        reads = product.reads()
        arrays = [*reads, np.full(product.shape, np.nan, dtype)]
        *operands, result = [Guarded(array.nbytes).copy(array, at_end) for array in arrays]
        truth, bound = product.truth(reads)
        assert (abs(product.run(operands, result) - truth) <= bound).all(), product


# Other processors -----------------------------------------------------------------------------------------------------


def digest(target: str, cache: Path) -> str:
    """The digests of all products, compiled for a processor of that name."""
    source = "from tests.twins.test_products import *\nprint([check(k, d) for k in KINDS for d in DTYPES])"
    return output(source, target, GLASSNET_CACHE=str(cache))


@pytest.mark.slow
@pytest.mark.skipif(not has_fma(), reason="not an x86 processor with fused multiply-add")
@pytest.mark.parametrize("target", RUNNABLE)
def test_other_targets_are_right(target: str, tmp_path: Path) -> None:
    result = digest(target, tmp_path)
    if target == "haswell":
        assert result == digest("", tmp_path)


# The self-test, and the cache -----------------------------------------------------------------------------------------

WARM = """
import sys, numpy as np
from tests.twins.test_products import Product
product = Product("affine", "float32", 5, 7, 20)
reads = product.reads(integers=True)
assert (product.run(reads, np.zeros((5, 20), "float32")) == product.truth(reads)[0]).all()
print("numba" in sys.modules)
"""


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_product_that_is_wrong_is_refused(dtype: str) -> None:
    spec = KernelSpec("gemm", dtype)
    self_test(spec, address("gemm", dtype))
    idle = KERNEL_TYPE(lambda row, context: None)
    with pytest.raises(EngineUnavailable, match="wrong numbers on this processor"):
        self_test(spec, ctypes.cast(idle, ctypes.c_void_p).value or 0)


def test_a_warm_process_finds_the_product_without_numba(tmp_path: Path) -> None:
    assert output(WARM, GLASSNET_CACHE=str(tmp_path)).strip() == "True"
    assert output(WARM, GLASSNET_CACHE=str(tmp_path)).strip() == "False"
