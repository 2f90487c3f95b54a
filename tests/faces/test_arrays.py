"""x and y of any dtype, memory order or stride, and lists: the results are the same and the inputs are not modified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork
from glassnet.execution.executor import ENGINES

Array = np.ndarray[Any, Any]
engines = pytest.mark.parametrize("engine", ENGINES)


def network(engine: str) -> NeuralNetwork:
    return NeuralNetwork([2, 10, 1], ["tanh", "linear"], seed=1, engine=engine)


def strided(x: Array) -> Array:
    wide = np.zeros((2 * x.shape[0], 3 * x.shape[1]), x.dtype)
    wide[::2, ::3] = x
    return wide[::2, ::3]


BYTES = np.random.default_rng(4).integers(0, 9, (2, 7)).astype(np.uint8)
FORMS: dict[str, Callable[[], Any]] = {
    **{
        name: lambda name=name: BYTES.astype(name)
        for name in ("float32", "float64", "uint8", "int64", "int8", "bool", "float16")
    },
    "F-order": lambda: np.asfortranarray(BYTES.astype(np.float64)),
    "transpose": lambda: np.ascontiguousarray(BYTES.T.astype(np.float32)).T,
    "strided": lambda: strided(BYTES.astype(np.float32)),
    "reversed": lambda: BYTES.astype(np.float64)[::-1, ::-1],
    "other byte order": lambda: np.ascontiguousarray(BYTES.T.astype(">f8")).T,
    "broadcast": lambda: np.broadcast_to(np.float32([[1], [2]]), (2, 7)),
    "lists": lambda: BYTES.tolist(),
}


def every_call(net: NeuralNetwork, x: Any, y: Any) -> list[Array]:
    """The results of every method that takes x."""
    z_s, a_s = net.feedforward(x)
    dw, db = net.backpropagation(y, z_s, a_s)
    cost = net.cost(x, y)
    net.train(x, y, batch_size=3, epochs=2, lr=0.1, validation=(x, y))
    net.train(x, y, batch_size=3, epochs=2, lr=0.1, validation=0.3, optimizer="adam")
    return [*z_s, *a_s, *dw, *db, np.array(cost), net.predict(x), net.parameters.vector]


@engines
@pytest.mark.parametrize("form", FORMS)
def test_x_of_any_form_gives_the_same_results_and_is_not_modified(form: str, engine: str) -> None:
    x = FORMS[form]()
    plain = np.array(x, dtype=np.float64)
    y = np.array(x)[:1] if form != "lists" else x[:1]
    inputs = [array for array in (x, y) if isinstance(array, np.ndarray)]
    before = [array.tobytes() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    results = every_call(network(engine), x, y)
    expected = every_call(network(engine), plain, plain[:1])
    assert all(np.array_equal(one, other) for one, other in zip(results, expected, strict=True))
    assert [array.tobytes() for array in inputs] == before
    assert not any(np.shares_memory(one, array) for one in results for array in inputs)
    assert all(one.flags.writeable for one in results)


def test_results_are_new_arrays() -> None:
    x = np.random.default_rng(0).random((2, 7))
    for engine in ENGINES:
        net = network(engine)
        first, second = net.feedforward(x), net.feedforward(1 - x)
        copies = [array.copy() for array in (*first[0], *first[1])]
        net.predict(x * 2)
        assert all(np.array_equal(a, b) for a, b in zip(copies, (*first[0], *first[1]), strict=True))
        assert not np.array_equal(first[0][0], second[0][0])
