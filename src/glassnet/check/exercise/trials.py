"""The numbers of the exercise's trials: first the network of the lesson "The four equations", then random ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.program.equations import affine, bp1, bp2, bp3, bp4
from glassnet.program.parameters import Array
from glassnet.tables.activations import activation
from glassnet.tables.costs import cost

SIGMOID, QUADRATIC = activation("sigmoid"), cost("quadratic")
LESSON_WEIGHTS = [np.array([[0.5, -0.4], [3.0, 1.0]]), np.array([[0.8, -1.2]])]
LESSON_BIASES = [np.array([[0.1], [2.0]]), np.array([[0.2]])]
LESSON_X, LESSON_Y = np.array([[1.0], [0.0]]), np.array([[1.0]])
SHAPES = (
    [2, 3, 2],
    [3, 4, 2],
    [3, 2],
    [4, 2, 3],
    [2, 3, 4, 2],
    [2, 3, 2, 4, 3],
)  # 1 to 4 layers


def draw(rng: np.random.Generator, *shape: int) -> Array:
    """Random numbers with two decimals, none of them near 0."""
    return np.round(rng.uniform(0.2, 1.5, shape) * rng.choice([-1, 1], shape), 2)


def draw_network(rng: np.random.Generator, number: int) -> dict[str, Any]:
    """weights and biases of a trial."""
    if number == 0:
        return {"weights": LESSON_WEIGHTS, "biases": LESSON_BIASES}
    widths = SHAPES[number % len(SHAPES)]
    weights = [draw(rng, *shape) for shape in zip(widths[1:], widths, strict=False)]
    return {"weights": weights, "biases": [draw(rng, width, 1) for width in widths[1:]]}


def draw_sample(rng: np.random.Generator, number: int) -> dict[str, Any]:
    """The arguments of `gradient`: a network, and one sample as columns."""
    network = draw_network(rng, number)
    if number == 0:
        return network | {"x": LESSON_X, "y": LESSON_Y}
    inputs, outputs = network["weights"][0].shape[1], len(network["biases"][-1])
    return network | {"x": draw(rng, inputs, 1), "y": np.round(rng.random((outputs, 1)), 2)}


# What is right: our equations, on lists of weights and biases ---------------------------------------------------------


def slope(z: Array) -> Array:
    """σ'(z)."""
    return SIGMOID.derivative(z, SIGMOID.value(z))


def forward(weights: list[Array], biases: list[Array], x: Array) -> tuple[list[Array], list[Array]]:
    """z and a of every layer; the first a is x."""
    z_s: list[Array] = []
    a_s = [x]
    for w, b in zip(weights, biases, strict=True):
        z_s.append(affine(a_s[-1], w, b))
        a_s.append(SIGMOID.value(z_s[-1]))
    return z_s, a_s


def gradient(weights: list[Array], biases: list[Array], x: Array, y: Array) -> tuple[list[Array], list[Array]]:
    """dW and db of every layer, means over the columns of x and y."""
    z_s, a_s = forward(weights, biases, x)
    deltas = [bp1(QUADRATIC.gradient(a_s[-1], y), slope(z_s[-1]))]
    for w, z in zip(weights[:0:-1], z_s[-2::-1], strict=True):
        deltas.insert(0, bp2(deltas[0], w, slope(z)))
    return [bp4(delta, a) for delta, a in zip(deltas, a_s[:-1], strict=True)], [bp3(delta) for delta in deltas]


def descend(parameters: list[Array], gradients: list[Array], lr: float) -> list[Array]:
    """Every parameter against its gradient."""
    return [p - lr * g for p, g in zip(parameters, gradients, strict=True)]
