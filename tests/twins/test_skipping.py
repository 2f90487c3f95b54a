"""Products that leave out zeros: the bits of the products that do not, and when the engine takes them."""

from __future__ import annotations

import itertools
import os
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork
from glassnet.engine import EngineUnavailable, rowwords
from glassnet.engine import executor as engine
from glassnet.engine.cache import has_masks
from tests.twins.pages import Guarded
from tests.twins.test_products import DTYPES, Product

KINDS = ("affine", "bp4")
SHAPES = ((1, 1, 20), (2, 3, 33), (3, 70, 64), (16, 64, 129), (33, 2107, 50), (40, 300, 257), (9, 17, 600))
SHARES = (0.0, 0.2, 0.6, 1.0)
Array = np.ndarray[Any, Any]


def with_zeros(product: Product, share: float) -> list[Array]:
    """What the product reads, with so many zeros in x; a whole sample and a whole column of zeros are among them."""
    reads = product.reads()
    x = reads[0 if product.kind == "affine" else 1]
    rng = np.random.default_rng([7, *x.shape])
    x[rng.random(x.shape) >= share] = 0
    x[len(x) // 2], x[:, x.shape[1] // 2] = 0, 0
    return reads


def results(product: Product, reads: list[Array], threads: int = 1) -> list[bytes]:
    """The bits of both ways."""
    kinds = (product.kind, f"{product.kind} skipping")
    return [bits(product, kind, reads, threads) for kind in kinds]


def bits(product: Product, kind: str, reads: list[Array], threads: int) -> bytes:
    """The bits of one kind of kernel."""
    return product.run(reads, np.full(product.shape, np.nan, product.dtype), threads, kind).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_bits_are_those_of_the_whole_product(kind: str, dtype: str) -> None:
    for shape, share in itertools.product(SHAPES, SHARES):
        product = Product(kind, dtype, *shape)
        whole, skipping = results(product, with_zeros(product, share))
        assert whole == skipping, (product, share)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_bits_do_not_depend_on_the_threads(kind: str, dtype: str) -> None:
    for shape in ((70, 70, 50), (41, 300, 257), (5, 7, 16)):
        product = Product(kind, dtype, *shape)
        reads = with_zeros(product, 0.3)
        for threads in (2, 3, 8):
            whole, skipping = results(product, reads, threads)
            assert whole == skipping == results(product, reads)[0], (product, threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_finite_in_x_is_not_left_out(kind: str, number: float, dtype: str) -> None:
    product = Product(kind, dtype, 6, 40, 64)
    reads = with_zeros(product, 0.2)
    reads[0 if kind == "affine" else 1][3, 5] = number
    result = product.run(reads, np.zeros(product.shape, dtype), 1, f"{kind} skipping")
    assert not np.isfinite(result[3 if kind == "affine" else 5]).any()
    assert np.isfinite(np.delete(result, 3 if kind == "affine" else 5, axis=0)).all()


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_outside_the_buffers_is_touched(kind: str, dtype: str) -> None:
    for shape, behind in itertools.product(SHAPES, (False, True)):
        product = Product(kind, dtype, *shape)
        reads = with_zeros(product, 0.4)
        arrays = [*reads, np.full(product.shape, np.nan, dtype)]
        *held, result = [Guarded(array.nbytes).holding(array, behind) for array in arrays]
        assert product.run(held, result, 1, f"{kind} skipping").tobytes() == results(product, reads)[0], product


# In a run -------------------------------------------------------------------------------------------------------------


def trained(dtype: str, x: Array, layers: list[Any], **words: Any) -> tuple[bytes, list[float]]:
    """The parameters and costs of a short run."""
    net = NeuralNetwork([*layers, 5], ["relu", "softmax"], "categorical_cross_entropy", dtype=dtype, seed=0)
    history = net.train(x.T, np.arange(len(x)) % 5, 30, 4, 0.01, optimizer="adam", **words)
    return net.parameters.vector.tobytes(), history["cost"].tolist()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_has_the_same_bits_either_way(dtype: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last batch has 11 samples, so that one of them has no other beside it."""
    rng = np.random.default_rng(0)
    x = rng.random((101, 50)).astype(dtype) * (rng.random((101, 50)) < 0.2)
    taken: list[bool] = []
    original = engine.is_worth_skipping
    monkeypatch.setattr(engine, "is_worth_skipping", lambda *words: taken.append(original(*words)) or taken[-1])
    skipping = trained(dtype, x, [50, 100], threads=threads)
    assert taken == [True] * has_masks()
    monkeypatch.setattr(engine, "is_worth_skipping", lambda *words: False)
    assert trained(dtype, x, [50, 100], threads=threads) == skipping


def test_zeros_are_left_out_where_there_are_many() -> None:
    rng = np.random.default_rng(0)
    full = rng.random((500, 64))
    few = full * (rng.random((500, 64)) < 0.2)
    one_hot = np.eye(10)[rng.integers(0, 10, 500)]
    assert not engine.is_worth_skipping(full, 1024)
    assert engine.is_worth_skipping(few, 1024) and engine.is_worth_skipping(few[:3], 1024)
    assert engine.is_worth_skipping(one_hot, 1024) and engine.is_worth_skipping((few > 0).astype(np.uint8), 1024)
    assert not engine.is_worth_skipping(few, 48)  # the list of terms takes longer than they do
    assert not engine.is_worth_skipping(few[:1], 1024)


@pytest.mark.parametrize("dtype", DTYPES)
def test_predictions_have_the_same_bits_either_way(dtype: str) -> None:
    """Of many samples at once some are looked at; of few, one by one, none."""
    rng = np.random.default_rng(0)
    x = rng.random((600, 60)).astype(dtype) * (rng.random((600, 60)) < 0.2)
    net = NeuralNetwork([60, 100, 5], ["relu", "softmax"], "categorical_cross_entropy", dtype=dtype, seed=0)
    few = np.hstack([net.predict(x[first : first + 100].T) for first in range(0, 600, 100)])
    runner: Any = net.model.thread_local.predictor.executor
    assert not runner.skipping
    many = net.predict(x.T)
    runner = net.model.thread_local.predictor.executor
    assert runner.skipping == has_masks()
    assert many.tobytes() == few.tobytes()
    net.predict(x.T + 1)
    assert not runner.skipping


def test_where_its_kernels_cannot_be_had_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process without the compiler, whose cache has the other kernels only."""
    x = np.eye(59, dtype=np.float32)[np.arange(300) % 59]
    expected = trained("float32", x, [59, 71])
    original, asked = rowwords.address, list[str]()

    def address(kind: str, *words: Any, **more: Any) -> int:
        if "skipping" in kind:
            asked.append(kind)
            raise EngineUnavailable("there is no compiler")
        return original(kind, *words, **more)

    monkeypatch.setattr(rowwords, "address", address)
    monkeypatch.setattr(engine, "has_masks", lambda: True)
    rowwords.row_words.cache_clear()
    assert trained("float32", x, [59, 71]) == expected
    assert len(asked) == 1
