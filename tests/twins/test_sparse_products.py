"""Products that skip zeros: the bits are those of the dense products; when the engine uses them."""

from __future__ import annotations

import itertools
import os
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork
from glassnet.engine import EngineUnavailable, row_table
from glassnet.engine import executor as engine
from glassnet.engine.cache import has_free_masks
from tests.twins.guard_pages import Guarded
from tests.twins.test_products import DTYPES, Product

KINDS = ("affine", "bp4")
SHAPES = ((1, 1, 20), (2, 3, 33), (3, 70, 64), (16, 64, 129), (33, 2107, 50), (40, 300, 257), (9, 17, 600))
SHARES = (0.0, 0.2, 0.6, 1.0)
Array = np.ndarray[Any, Any]


def with_zeros(product: Product, share: float) -> list[Array]:
    """What the product reads, with a share of x that is not 0; one sample and one column are all zeros."""
    reads = product.reads()
    x = reads[0 if product.kind == "affine" else 1]
    rng = np.random.default_rng([7, *x.shape])
    x[rng.random(x.shape) >= share] = 0
    x[len(x) // 2], x[:, x.shape[1] // 2] = 0, 0
    return reads


def dense_and_sparse(product: Product, reads: list[Array], threads: int = 1) -> list[bytes]:
    """The bits of the dense and of the sparse product."""
    kinds = (product.kind, f"sparse_{product.kind}")
    return [bits(product, kind, reads, threads) for kind in kinds]


def bits(product: Product, kind: str, reads: list[Array], threads: int) -> bytes:
    """The bits of one kind of kernel."""
    return product.run(reads, np.full(product.shape, np.nan, product.dtype), threads, kind).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_bits_are_those_of_the_dense_product(kind: str, dtype: str) -> None:
    for shape, share in itertools.product(SHAPES, SHARES):
        product = Product(kind, dtype, *shape)
        dense, sparse = dense_and_sparse(product, with_zeros(product, share))
        assert dense == sparse, (product, share)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_bits_do_not_depend_on_the_threads(kind: str, dtype: str) -> None:
    for shape in ((70, 70, 50), (41, 300, 257), (5, 7, 16)):
        product = Product(kind, dtype, *shape)
        reads = with_zeros(product, 0.3)
        for threads in (2, 3, 8):
            dense, sparse = dense_and_sparse(product, reads, threads)
            assert dense == sparse == dense_and_sparse(product, reads)[0], (product, threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_nan_and_infinity_in_x_are_not_skipped(kind: str, number: float, dtype: str) -> None:
    product = Product(kind, dtype, 6, 40, 64)
    reads = with_zeros(product, 0.2)
    reads[0 if kind == "affine" else 1][3, 5] = number
    result = product.run(reads, np.zeros(product.shape, dtype), 1, f"sparse_{kind}")
    assert not np.isfinite(result[3 if kind == "affine" else 5]).any()
    assert np.isfinite(np.delete(result, 3 if kind == "affine" else 5, axis=0)).all()


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_outside_the_buffers_is_touched(kind: str, dtype: str) -> None:
    for shape, at_end in itertools.product(SHAPES, (False, True)):
        product = Product(kind, dtype, *shape)
        reads = with_zeros(product, 0.4)
        arrays = [*reads, np.full(product.shape, np.nan, dtype)]
        *operands, result = [Guarded(array.nbytes).copy(array, at_end) for array in arrays]
        sparse = product.run(operands, result, 1, f"sparse_{kind}").tobytes()
        assert sparse == dense_and_sparse(product, reads)[0], product


# In a run -------------------------------------------------------------------------------------------------------------


def trained(dtype: str, x: Array, layers: list[Any], **options: Any) -> tuple[bytes, list[float]]:
    """The parameters and costs of a short run."""
    net = NeuralNetwork([*layers, 5], ["relu", "softmax"], "categorical_cross_entropy", dtype=dtype, seed=0)
    history = net.train(x.T, np.arange(len(x)) % 5, 30, 4, 0.01, optimizer="adam", **options)
    return net.parameters.vector.tobytes(), history["cost"].tolist()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_has_the_same_bits_dense_and_sparse(dtype: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last batch has 11 samples, so that one of them has no partner."""
    rng = np.random.default_rng(0)
    x = rng.random((101, 50)).astype(dtype) * (rng.random((101, 50)) < 0.2)
    decisions: list[bool] = []
    original = engine.skipping_zeros_pays
    monkeypatch.setattr(
        engine, "skipping_zeros_pays", lambda *given: decisions.append(original(*given)) or decisions[-1]
    )
    sparse = trained(dtype, x, [50, 100], threads=threads)
    assert decisions == [True] * has_free_masks()
    monkeypatch.setattr(engine, "skipping_zeros_pays", lambda *given: False)
    assert trained(dtype, x, [50, 100], threads=threads) == sparse


def test_zeros_are_skipped_where_there_are_many() -> None:
    rng = np.random.default_rng(0)
    full = rng.random((500, 64))
    few = full * (rng.random((500, 64)) < 0.2)
    one_hot = np.eye(10)[rng.integers(0, 10, 500)]
    assert not engine.skipping_zeros_pays(full, 1024)
    assert engine.skipping_zeros_pays(few, 1024) and engine.skipping_zeros_pays(few[:3], 1024)
    assert engine.skipping_zeros_pays(one_hot, 1024) and engine.skipping_zeros_pays((few > 0).astype(np.uint8), 1024)
    assert not engine.skipping_zeros_pays(few, 48)  # listing the terms takes longer than adding them
    assert not engine.skipping_zeros_pays(few[:1], 1024)


@pytest.mark.parametrize("dtype", DTYPES)
def test_predictions_have_the_same_bits_dense_and_sparse(dtype: str) -> None:
    """x is only inspected where there are many samples."""
    rng = np.random.default_rng(0)
    x = rng.random((600, 60)).astype(dtype) * (rng.random((600, 60)) < 0.2)
    net = NeuralNetwork([60, 100, 5], ["relu", "softmax"], "categorical_cross_entropy", dtype=dtype, seed=0)
    few = np.hstack([net.predict(x[first : first + 100].T) for first in range(0, 600, 100)])
    runner: Any = net.model.idle_predictors[None][0].executor
    assert not runner.sparse
    many = net.predict(x.T)
    runner = net.model.idle_predictors[None][0].executor
    assert runner.sparse == has_free_masks()
    assert many.tobytes() == few.tobytes()
    net.predict(x.T + 1)
    assert not runner.sparse


def test_without_the_sparse_kernels_the_dense_ones_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process without the compiler, whose cache has only the dense kernels."""
    x = np.eye(59, dtype=np.float32)[np.arange(300) % 59]
    expected = trained("float32", x, [59, 71])
    original, refused = row_table.address, list[str]()

    def address(kind: str, *arguments: Any, **options: Any) -> int:
        if kind.startswith("sparse"):
            refused.append(kind)
            raise EngineUnavailable("there is no compiler")
        return original(kind, *arguments, **options)

    monkeypatch.setattr(row_table, "address", address)
    monkeypatch.setattr(engine, "has_free_masks", lambda: True)
    row_table.encoded_rows.cache_clear()
    assert trained("float32", x, [59, 71]) == expected
    assert len(refused) == 1
