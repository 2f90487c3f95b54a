"""Steps 1 and 2: the forward pass of one neuron, and the cost with its slope over the outputs."""

from __future__ import annotations

import numpy as np

from glassnet.check.exercise.task import Arguments, Mistake, Results, Rng, Task
from glassnet.check.exercise.trials import LESSON_WEIGHTS, LESSON_X, QUADRATIC, SIGMOID, draw, slope
from glassnet.program.parameters import Array


def _neuron_arguments(rng: Rng, number: int) -> Arguments:
    if number == 0:
        return {"w": LESSON_WEIGHTS[0][0], "b": 0.1, "x": LESSON_X[:, 0]}
    inputs = 1 + number % 4
    return {"w": draw(rng, inputs), "b": float(draw(rng, 1)[0]), "x": draw(rng, inputs)}


def _neuron(w: Array, b: float, x: Array) -> Results:
    z = w @ x + b
    return {"z": z, "a": SIGMOID.value(z)}


NEURON = Task(
    "neuron",
    ("z", "a"),
    {"z": "w·x + b", "a": "σ(z), with the z that you return"},
    _neuron_arguments,
    _neuron,
    (
        Mistake("the bias b is missing.", lambda w, b, x: {"z": w @ x}),
        Mistake("the bias b is subtracted; it is added.", lambda w, b, x: {"z": w @ x - b}),
        Mistake("this is σ(z); return z first, then a.", lambda w, b, x: {"z": SIGMOID.value(w @ x + b)}),
        Mistake("this is z itself; a is σ(z).", lambda w, b, x: {"a": w @ x + b}),
        Mistake("this is σ'(z), the slope; a is σ(z).", lambda w, b, x: {"a": slope(w @ x + b)}),
        Mistake("this is σ(w·x), without the bias b.", lambda w, b, x: {"a": SIGMOID.value(w @ x)}),
    ),
)


def _cost_arguments(rng: Rng, number: int) -> Arguments:
    if number == 0:
        return {"a": np.array([[0.4], [0.9]]), "y": np.array([[1.0], [0.0]])}
    outputs = 1 + number % 3
    return {"a": np.round(rng.uniform(0.05, 0.95, (outputs, 1)), 2), "y": np.round(rng.random((outputs, 1)), 2)}


def _cost(a: Array, y: Array) -> Results:
    return {"c": QUADRATIC.value(a, y).sum(), "∂c/∂a": QUADRATIC.gradient(a, y)}


COST = Task(
    "cost",
    ("c", "∂c/∂a"),
    {"c": "½·Σ (a − y)², a sum over the outputs", "∂c/∂a": "a − y"},
    _cost_arguments,
    _cost,
    (
        Mistake("the ½ is missing.", lambda a, y: {"c": ((a - y) ** 2).sum()}),
        Mistake("this is the mean over the outputs; add them up.", lambda a, y: {"c": ((a - y) ** 2).mean() / 2}),
        Mistake("this is a mean, without the ½; it is ½·Σ (a − y)².", lambda a, y: {"c": ((a - y) ** 2).mean()}),
        Mistake("the differences are not squared.", lambda a, y: {"c": (a - y).sum() / 2}),
        Mistake("the sign is wrong: y − a instead of a − y.", lambda a, y: {"∂c/∂a": y - a}),
        Mistake("a factor 2 too many: the ½ of c cancels it.", lambda a, y: {"∂c/∂a": 2 * (a - y)}),
        Mistake("a factor ½ too many: the slope of ½·(a − y)² is a − y.", lambda a, y: {"∂c/∂a": (a - y) / 2}),
        Mistake("it is divided by the number of outputs.", lambda a, y: {"∂c/∂a": (a - y) / len(a)}),
    ),
)
