"""Helpers of the tests of invalid calls: small networks, their state, and a check of the error message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassnet import GlassnetError, NeuralNetwork

Array = np.ndarray[Any, Any]
Fragments = tuple[str, ...]
X, Y = np.random.default_rng(0).random((3, 8)), np.random.default_rng(1).random((2, 8))
NAN, INF = float("nan"), float("inf")


def make(layers: Any = (3, 4, 2), *rest: Any, **options: Any) -> NeuralNetwork:
    return NeuralNetwork(layers, *rest, **{"seed": 1, "engine": "numpy", **options})


def classifier() -> NeuralNetwork:
    return make((3, 4, 3), ["relu", "softmax"], "categorical_cross_entropy")


def with_value(array: Array, *index: int | list[int], value: float) -> Array:
    """Return a copy of the array with `value` at an index, or at several."""
    array = array.copy()
    array[index] = value
    return array


def state(net: NeuralNetwork) -> tuple[Any, ...]:
    """Return everything that a refused call must not change."""
    return net.parameters.vector.tobytes(), net.statistics.vector.tobytes(), net.history, net.runs, net.seed


def refused(call: Callable[[], Any], kind: type[Exception], fragments: Fragments) -> str:
    """Check that a call raises a GlassnetError of this kind with all fragments in its one sentence, and return that."""
    with pytest.raises(kind) as info:
        call()
    message = str(info.value)
    assert isinstance(info.value, GlassnetError), f"{info.value!r} is not a GlassnetError"
    assert message.endswith(".") and "\n" not in message, f"not one sentence on one line: {message}"
    missing = [fragment for fragment in fragments if fragment not in message]
    assert not missing, f"{missing} not in: {message}"
    return message
