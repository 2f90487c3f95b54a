"""A network that a call must leave alone, and the sentence with which the call is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassnet import GlassnetError, NeuralNetwork

Array = np.ndarray[Any, Any]
Words = tuple[str, ...]
X, Y = np.random.default_rng(0).random((3, 8)), np.random.default_rng(1).random((2, 8))
NAN, INF = float("nan"), float("inf")


def make(layers: Any = (3, 4, 2), *rest: Any, **words: Any) -> NeuralNetwork:
    return NeuralNetwork(layers, *rest, **{"seed": 1, "engine": "numpy", **words})


def classifier() -> NeuralNetwork:
    return make((3, 4, 3), ["relu", "softmax"], "categorical_cross_entropy")


def poked(array: Array, *place: int, value: float) -> Array:
    """The array with one other value."""
    array = array.copy()
    array[place] = value
    return array


def state(net: NeuralNetwork) -> tuple[Any, ...]:
    """Everything that a refused call must leave as it was."""
    return net.parameters.vector.tobytes(), net.statistics.vector.tobytes(), net.history, net.runs, net.seed


def refused(call: Callable[[], Any], kind: type[Exception], words: Words) -> str:
    """The sentence of the error: of our kind and of the kind people catch, one line, with all the words."""
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert isinstance(caught.value, GlassnetError), f"{caught.value!r} is not of our kind"
    assert message.endswith(".") and "\n" not in message, f"no sentence of one line: {message}"
    missing = [word for word in words if word not in message]
    assert not missing, f"{missing} not in: {message}"
    return message
