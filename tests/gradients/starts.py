"""Networks as they start: default weights, biases of 0, and data that meets the kinks of relu; and small faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from glassnet.execution.inference import loaded_executor
from glassnet.network import NeuralNetwork
from glassnet.program.equations import EQUATIONS
from glassnet.program.program import Row
from glassnet.tables.activations import Softmax
from glassnet.tables.layers import BatchNorm, Dropout, LayerNorm

from .planting import Plant, edited, together
from .problems import Problem

SIZE = 1.03  # a planted fault multiplies by it
XOR = np.array([[0, 0, 1, 1], [0, 1, 0, 1.0]])


def start(layers: list[Any], activations: list[Any], cost: str = "quadratic", **more: Any) -> Callable[[int], Problem]:
    """Networks of one architecture by their seed."""
    batch, training, dtype = more.get("batch", 8), more.get("training", False), more.get("dtype", "float64")

    def problem(seed: int) -> Problem:
        rng = np.random.default_rng([seed, 7])
        net = NeuralNetwork(layers, activations, cost, seed=seed, engine="numpy", dtype=dtype)
        x = rng.normal(size=(net.architecture.inputs, batch)).astype(dtype)
        y = rng.normal(size=(net.architecture.outputs, batch)).astype(dtype)
        if cost != "quadratic":
            y = np.concatenate([labels(size, batch, rng) for size in net.architecture.groups])
        return Problem(net, x, y, {"training": training})

    return problem


def labels(size: int, batch: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """One-hot columns; a single output is a class of two."""
    return np.eye(size)[:, rng.integers(size, size=batch)] if size > 1 else rng.integers(2, size=(1, batch)) * 1.0


def exclusive_or(seed: int) -> Problem:
    """The sample (0, 0) gives z = 0 everywhere, and constant columns to both normalisations."""
    layers: list[Any] = [2, 5, LayerNorm(), 4, LayerNorm(), 1]
    net = NeuralNetwork(layers, ["relu", "relu", "sigmoid"], seed=seed, engine="numpy")
    return Problem(net, XOR, np.array([[0, 1, 1, 0.0]]), {})


RELU = ["relu", "relu", "linear"]
BATCH_NORMS: list[Any] = [3, 6, BatchNorm(), 5, BatchNorm(before_activation=True), 2]
STARTS: dict[str, Callable[[int], Problem]] = {
    "relu": start([3, 5, 4, 2], RELU),
    "layer norm": exclusive_or,
    "batch norm": start(BATCH_NORMS, RELU, training=True),
    "dropout": start([4, 8, Dropout(0.5), 6, Dropout(0.5), 2], RELU, training=True),
    "softmax groups": start([3, 6, 4, 5], ["relu", "relu", Softmax((3, 2))], "categorical_cross_entropy"),
    "float32": start([4, 6, 5, 1], ["relu", "relu", "sigmoid"], "binary_cross_entropy", dtype="float32"),
    "one sample": start([3, 6, 5, 2], RELU, batch=1),
    "12 layers": start([3, *[6] * 11, 2], ["relu"] * 11 + ["linear"], batch=5),
}


class Planted(NamedTuple):
    """A fault of 3 % in one column or row of a dW, or in a whole db."""

    description: str
    plant: Plant


def planted(problem: Problem, rng: np.random.Generator) -> Planted | None:
    """A random fault of this network, in a part of a gradient that is not 0; None where all gradients are 0."""
    twin = problem.net.astype(np.float64)
    x, y = problem.x.T.astype(float), problem.y.T.astype(float)
    executor = loaded_executor(twin.model, x, y, training=problem.options.get("training", False))
    executor.run()
    choices: list[tuple[str, Any]] = []
    for name in (f"d{name}" for name in twin.parameters if name[0] in "wb" and name[1:].isdigit()):
        gradient = executor.columns(name)
        if name[1] == "b":
            choices += [(name, (slice(None), slice(None)))] if nonzero(gradient) else []
            continue
        rows, columns = gradient.shape
        parts = [(slice(None), k) for k in range(columns)] + [(k, slice(None)) for k in range(rows)]
        choices += [(name, part) for part in parts if nonzero(gradient[part])]
    if not choices:
        return None
    names = sorted({name for name, _ in choices})
    name = names[rng.integers(len(names))]
    parts = [part for each, part in choices if each == name]
    return fault(name, parts[rng.integers(len(parts))])


def nonzero(gradient: np.ndarray[Any, Any]) -> bool:
    """Whether 3 % of it is a fault, not rounding: biases before a batch normalisation have gradient 0."""
    return bool(np.abs(gradient).max() > 1e-12)


def fault(name: str, part: Any, size: float = SIZE) -> Planted:
    """One more equation, which multiplies a part of a gradient."""

    def scaled(gradient: Any) -> Any:
        result = gradient.copy()
        result[part] *= size
        return result

    def change(rows: list[Row], number: int) -> None:
        rows.insert(number + 1, Row("planted", rows[number].label, (name,), (name,)))

    def kind(patch: pytest.MonkeyPatch) -> None:
        patch.setitem(EQUATIONS, "planted", scaled)

    return Planted(f"{name}{part}", together(kind, edited(name, change)))
