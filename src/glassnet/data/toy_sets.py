"""Small data sets to watch a network on: two inputs that can be drawn, one curve, and scikit-learn's digits.

The samples are drawn from a seed of their own, so that two networks with different seeds see the same data, and in
random order, so that the last of them can be held out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import ParameterError, unknown_name

Array = Any
DATA_SEED = 20
MAX_SAMPLES = 5000
CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


class Samples(NamedTuple):
    """x (inputs, n) and y: class numbers (n,) or quantities (outputs, n)."""

    x: Array
    y: Array


class ToySet(NamedTuple):
    """A data set: `draw(rng, n, noise)` gives x (n, inputs) and y (n,); `classes` are named, none for quantities."""

    name: str
    title: str
    text: str
    inputs: tuple[str, ...]
    classes: tuple[str, ...]
    draw: Callable[[np.random.Generator, int, float], tuple[Array, Array]]
    image: tuple[int, int] | None = None

    @property
    def kind(self) -> str:
        """What is predicted: "classes" or "numbers"."""
        return "classes" if self.classes else "numbers"


def toy_set(name: str, n: int = 200, noise: float = 0.1) -> Samples:
    """A toy data set by its name, as columns; the same arguments always give the same samples.

    `n` is the number of samples, `noise` the standard deviation of what is added to the inputs (to y of a curve or a
    plane), relative to the extent of the pattern. Raises ParameterError (a ValueError) for an unknown name or number.
    """
    entry = TOY_SETS.get(name)
    if entry is None:
        raise unknown_name("the data set", name, list(TOY_SETS))
    if not 1 <= n <= MAX_SAMPLES:
        raise ParameterError(f"n is {n}; a toy data set has 1 to {MAX_SAMPLES:,} samples.")
    if not 0 <= noise <= 1:
        raise ParameterError(f"noise is {noise}; it must lie between 0 and 1.")
    x, y = entry.draw(np.random.default_rng(DATA_SEED), n, noise)
    if entry.kind == "classes":
        return Samples(np.ascontiguousarray(x.T), y.astype(np.int64))
    return Samples(np.ascontiguousarray(x.T), y.reshape(1, -1))


def _jitter(rng: np.random.Generator, x: Array, noise: float) -> Array:
    return x + noise * rng.standard_normal(x.shape)


def _moons(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    label, angle = rng.integers(0, 2, n), np.pi * rng.random(n)
    outer = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inner = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    centred = np.where(label[:, np.newaxis] == 0, outer, inner) - [0.5, 0.25]
    return _jitter(rng, centred, noise), label


def _circles(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    label, angle = rng.integers(0, 2, n), 2 * np.pi * rng.random(n)
    radius = np.where(label == 0, 1.0, 0.4)
    return _jitter(rng, radius[:, np.newaxis] * np.stack([np.cos(angle), np.sin(angle)], axis=1), noise), label


def _xor(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    if n == len(CORNERS):
        return _jitter(rng, CORNERS, noise), np.array([0, 1, 1, 0])
    x = rng.uniform(-1, 1, (n, 2))
    return _jitter(rng, x, noise), (x[:, 0] * x[:, 1] < 0).astype(np.int64)


def _spirals(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    label, along = rng.integers(0, 2, n), np.sqrt(rng.random(n))
    angle = 3.5 * np.pi * along + np.pi * label
    return _jitter(rng, (along * np.stack([np.cos(angle), np.sin(angle)])).T, 0.5 * noise), label


def _clusters(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    label = rng.integers(0, 3, n)
    angle = np.pi / 2 + 2 * np.pi * label / 3
    return _jitter(rng, np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.15 + noise), label


def _one(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    return np.array([[1.0, 0.0]]), np.array([1])


def _plane(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    x = rng.uniform(-1, 1, (n, 2))
    return x, 0.5 * x[:, 0] - 0.3 * x[:, 1] + 0.2 + noise * rng.standard_normal(n)


def _curve(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    x = rng.uniform(-1, 1, (n, 1))
    return x, np.sin(np.pi * x[:, 0]) + noise * rng.standard_normal(n)


def _digits(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    from sklearn.datasets import load_digits

    images = load_digits()
    rows = rng.permutation(len(images.data))[:n]
    return _jitter(rng, images.data[rows] / 16, noise), images.target[rows]


_XY, _TWO = ("x1", "x2"), ("0", "1")
TOY_SETS: dict[str, ToySet] = {
    entry.name: entry
    for entry in (
        ToySet("moons", "Moons", "two half circles that reach into each other", _XY, _TWO, _moons),
        ToySet("circles", "Circles", "one class round the other", _XY, _TWO, _circles),
        ToySet(
            "xor",
            "XOR",
            "class 1 where x1 and x2 differ in sign; of 4 samples, the corners of a square",
            _XY,
            _TWO,
            _xor,
        ),
        ToySet("spirals", "Spirals", "two arms wound round each other", _XY, _TWO, _spirals),
        ToySet("clusters", "Clusters", "three clouds of points", _XY, ("0", "1", "2"), _clusters),
        ToySet("one", "One sample", "x = (1, 0) with y = 1", _XY, ("no", "yes"), _one),
        ToySet("plane", "Plane", "y = 0.5·x1 − 0.3·x2 + 0.2", _XY, (), _plane),
        ToySet("curve", "Curve", "y = sin(π·x)", ("x",), (), _curve),
        ToySet(
            "digits",
            "Digits",
            "handwritten digits of 8 × 8 pixels (scikit-learn, UCI)",
            tuple(f"pixel {row},{column}" for row in range(8) for column in range(8)),
            tuple(str(digit) for digit in range(10)),
            _digits,
            image=(8, 8),
        ),
    )
}
