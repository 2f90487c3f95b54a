"""predict gives the bits of feedforward, follows every edit of the weights, and needs no lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork, Scaling
from glassnet.engine.executor import thread_scratch
from glassnet.engine.layout import CONTEXT
from glassnet.errors import DataError
from tests.twins.programs import bits

DTYPES = ("float32", "float64")
NETWORKS: dict[str, tuple[Any, Any]] = {
    "one output": ([5, 17, 1], ["sigmoid", "linear"]),
    "softmax": ([5, 40, 300, 3], ["relu", "tanh", "softmax"]),
    "layers": ([5, Scaling(), 33, BatchNorm(), Dropout(0.3), 20, LayerNorm(), 2], ["gelu", "elu", "sigmoid"]),
    "one layer": ([5, 1], ["sigmoid"]),
}


def network(name: str, dtype: str, engine: str = "compiled") -> NeuralNetwork:
    layers, activations = NETWORKS[name]
    cost = "categorical_cross_entropy" if "softmax" in activations else "quadratic"
    return NeuralNetwork(layers, activations, cost=cost, seed=3, dtype=dtype, engine=engine)


def samples(count: int, dtype: str = "float64") -> Any:
    return np.random.default_rng(count).normal(size=(5, count)).astype(dtype)


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_layout_gives_the_bits_of_feedforward(name: str, dtype: str, engine: str) -> None:
    net = network(name, dtype, engine)
    for count, given in ((1, "float32"), (1, "float64"), (7, "float64"), (600, "float32"), (9000, "float64")):
        x = samples(count, given)
        expected = net.feedforward(x)[1][-1]
        if engine == "numpy":  # a product of many samples may add in another order than one of few
            expected = np.hstack([net.feedforward(x[:, i : i + 8192])[1][-1] for i in range(0, count, 8192)])
        for form in (x, np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2], x.tolist()):
            predicted = net.predict(form)
            assert predicted.dtype == dtype and predicted.shape == expected.shape
            assert bits(predicted) == bits(net.predict(x))
        assert np.allclose(net.predict(x), expected, rtol=0, atol=0 if engine == "compiled" else 1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_sample_of_a_wide_network_has_the_bits_of_many(dtype: str) -> None:
    net = NeuralNetwork([37, 803, 770, 2], ["relu", "tanh", "linear"], seed=1, dtype=dtype)
    for bias in net.biases:
        bias[...] = np.random.default_rng(2).normal(size=bias.shape)
    x = np.random.default_rng(1).normal(size=(37, 40)).astype(dtype)
    many, one = net.feedforward(x), net.feedforward(x[:, 5:6])
    assert bits(net.predict(x[:, 5:6])) == bits(many[1][-1][:, 5:6]) == bits(one[1][-1])
    for single, several in zip(one[0] + one[1], many[0] + many[1], strict=True):
        assert bits(single) == bits(several[:, 5:6])


def test_integers_are_converted() -> None:
    net = network("softmax", "float32")
    x = np.arange(5, dtype=np.uint8)[:, np.newaxis]
    assert bits(net.predict(x)) == bits(net.predict(x.astype(np.float32)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_one_bad_number_is_named(bad: float) -> None:
    net = network("one output", "float32")
    x = samples(1)
    good = net.predict(x)
    x[3] = bad
    with pytest.raises(DataError, match=r"x\[3, 0\]"):
        net.predict(x)
    assert bits(net.predict(samples(1))) == bits(good)


def test_large_numbers_are_not_refused() -> None:
    net = network("one output", "float32")
    x = samples(1, "float32")
    x[2] = 3e30  # its square overflows
    assert bits(net.predict(x)) == bits(net.feedforward(x)[1][-1])


def test_predictions_are_fresh_and_follow_the_weights() -> None:
    net, x = network("one output", "float32"), samples(1, "float32")
    before = net.predict(x)
    copy = before.copy()
    net.weights[1][...] += 1
    after = net.predict(x)
    assert bits(before) == bits(copy) and bits(after) != bits(before)
    assert bits(after) == bits(net.feedforward(x)[1][-1])
    net.train(samples(20), np.ones((1, 20)), epochs=2, verbose=0)
    assert bits(net.predict(x)) == bits(net.feedforward(x)[1][-1]) != bits(after)


def test_threads_predict_at_once() -> None:
    net = network("softmax", "float32")
    xs = [samples(count, "float32") for count in (1, 1, 3, 700, 1, 64)]
    expected = [bits(net.feedforward(x)[1][-1]) for x in xs]

    def many(number: int) -> bool:
        return all(bits(net.predict(xs[number])) == expected[number] for _ in range(200 if number < 3 else 20))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(many, range(6)))


def test_a_thread_takes_over_an_idle_predictor_with_scratch_memory_of_its_own() -> None:
    net, x = network("softmax", "float32"), samples(600, "float32")
    runners, scratches = [], []

    def predict() -> None:
        net.predict(x)
        (predictor,) = net.model.idle_predictors[None]
        executor: Any = predictor.executor
        runners.append(executor)
        scratches.append((int(executor.context[CONTEXT.scratch]), thread_scratch().ctypes.data))

    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for pool in (first, second, first):
            pool.submit(predict).result()
    assert runners[0] is runners[1] is runners[2]
    assert all(used == own for used, own in scratches) and scratches[0] == scratches[2] != scratches[1]
