"""The initialisers: the weights before the first step, in float64, whatever the network's dtype.

Each keeps the variance of what flows through a layer of `fan_in` inputs and `fan_out` outputs near 1 for some kind of
activation; `auto` chooses by the activation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import ParameterError
from glassnet.tables.activations import Activation, LeakyReLU, activation
from glassnet.tables.interval import NOT_NEGATIVE, POSITIVE
from glassnet.tables.rows import check, row_of

Floats = NDArray[np.float64]
Chance = np.random.Generator | np.random.RandomState


class Initializer:
    """The first weights of a layer."""

    name: str
    source: str

    def draw(self, rng: Chance, fan_in: int, fan_out: int) -> Floats:
        """Weights (fan_out, fan_in), float64."""
        raise NotImplementedError


@dataclass(frozen=True)
class Zeros(Initializer):
    """All 0: every neuron of a layer then learns the same, so only fit for a single layer."""

    name = "zeros"
    source = "Goodfellow, Bengio & Courville, Deep Learning (2016), section 8.4, on why not"

    def draw(self, rng: Chance, fan_in: int, fan_out: int) -> Floats:
        return np.zeros((fan_out, fan_in))


@dataclass(frozen=True)
class Normal(Initializer):
    """Normal with mean 0 and standard deviation `scale`, whatever the layer's size."""

    scale: float = 0.01

    name = "normal"
    source = "Krizhevsky, Sutskever & Hinton, ImageNet Classification (2012), section 5"

    def __post_init__(self) -> None:
        check(self, "scale", NOT_NEGATIVE)

    def draw(self, rng: Chance, fan_in: int, fan_out: int) -> Floats:
        return rng.normal(0.0, self.scale, (fan_out, fan_in))


@dataclass(frozen=True)
class Glorot(Initializer):
    """Uniform within ±√(6 / (fan_in + fan_out)): variance 2 / (fan_in + fan_out). For tanh, sigmoid and alike."""

    name = "glorot"
    source = "Glorot & Bengio, Understanding the Difficulty of Training Deep Feedforward Networks (2010), equation 16"

    def draw(self, rng: Chance, fan_in: int, fan_out: int) -> Floats:
        limit = sqrt(6 / (fan_in + fan_out))
        return rng.uniform(-limit, limit, (fan_out, fan_in))


@dataclass(frozen=True)
class He(Initializer):
    """Normal with variance 2 / ((1 + slope²)·fan_in); slope is leaky_relu's, 0 for relu and its smooth kin."""

    slope: float = 0.0

    name = "he"
    source = "He, Zhang, Ren & Sun, Delving Deep into Rectifiers (2015), equations 10 and 15"

    def __post_init__(self) -> None:
        check(self, "slope", NOT_NEGATIVE)

    def draw(self, rng: Chance, fan_in: int, fan_out: int) -> Floats:
        return rng.normal(0.0, sqrt(2 / ((1 + self.slope**2) * fan_in)), (fan_out, fan_in))


@dataclass(frozen=True)
class LeCun(Initializer):
    """Normal with variance 1 / fan_in. For selu."""

    name = "lecun"
    source = "LeCun, Bottou, Orr & Müller, Efficient BackProp (1998), section 4.6"

    def draw(self, rng: Chance, fan_in: int, fan_out: int) -> Floats:
        return rng.normal(0.0, sqrt(1 / fan_in), (fan_out, fan_in))


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """`gain` times a uniformly drawn orthogonal matrix: its rows (or columns, where it has fewer) are orthonormal."""

    gain: float = 1.0

    name = "orthogonal"
    source = "Saxe, McClelland & Ganguli, Exact Solutions to the Nonlinear Dynamics of Learning (2014), section 3"

    def __post_init__(self) -> None:
        check(self, "gain", POSITIVE)

    def draw(self, rng: Chance, fan_in: int, fan_out: int) -> Floats:
        tall = rng.normal(0.0, 1.0, (max(fan_in, fan_out), min(fan_in, fan_out)))
        q, r = np.linalg.qr(tall)
        q = self.gain * q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return np.ascontiguousarray(q if fan_out >= fan_in else q.T)


@dataclass(frozen=True)
class Auto(Initializer):
    """The one that suits the layer's activation; `initializer_for` says which."""

    name = "auto"
    source = "the sources of those it chooses from"

    def draw(self, rng: Chance, fan_in: int, fan_out: int) -> Floats:
        raise ParameterError("the initializer 'auto' needs an activation; initializer_for('auto', activation) chooses.")


INITIALIZERS: dict[str, type[Initializer]] = {
    row.name: row for row in (Auto, Zeros, Normal, Glorot, He, LeCun, Orthogonal)
}
RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus")


def initializer(word: Any) -> Initializer:
    """The row of an initialiser, from its name, the row itself or its class."""
    return row_of(INITIALIZERS, "initializer", word, Initializer)


def initializer_for(word: Any, layer_activation: Activation | str) -> Initializer:
    """The row of an initialiser for a layer: `auto` is He for rectifiers, LeCun for selu, else Glorot."""
    row = initializer(word)
    if not isinstance(row, Auto):
        return row
    kind = activation(layer_activation)
    if kind.name in RECTIFIERS:
        return He(kind.slope) if isinstance(kind, LeakyReLU) else He()
    return LeCun() if kind.name == "selu" else Glorot()
