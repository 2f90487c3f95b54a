"""The initialisers: the weights before the first step, drawn in float64 whatever the network's dtype.

Most keep the variance of activations or errors stable from layer to layer, each for some kind of activation; `auto`
chooses by the activation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import ParameterError
from glassnet.tables.activations import Activation, LeakyReLU, activation
from glassnet.tables.entry import Entry, Limits, resolve_entry
from glassnet.tables.interval import NON_NEGATIVE, POSITIVE

Floats = NDArray[np.float64]
RandomGenerator = np.random.Generator | np.random.RandomState


class Initializer(Entry):
    """The first weights of a layer."""

    name: str
    source: str

    def draw(self, rng: RandomGenerator, fan_in: int, fan_out: int) -> Floats:
        """Draw weights (fan_out, fan_in), float64."""
        raise NotImplementedError


@dataclass(frozen=True)
class Zeros(Initializer):
    """All 0: all neurons of a layer then learn the same, so it suits only networks without hidden layers."""

    name = "zeros"
    source = "Goodfellow, Bengio & Courville, Deep Learning (2016), section 8.4, on why not"

    def draw(self, rng: RandomGenerator, fan_in: int, fan_out: int) -> Floats:
        return np.zeros((fan_out, fan_in))


@dataclass(frozen=True)
class Normal(Initializer):
    """Normal with mean 0 and standard deviation `scale`, whatever the size of the layer."""

    scale: float = 0.01
    name = "normal"
    source = "Krizhevsky, Sutskever & Hinton, ImageNet Classification (2012), section 5"
    limits: ClassVar[Limits] = {"scale": NON_NEGATIVE}

    def draw(self, rng: RandomGenerator, fan_in: int, fan_out: int) -> Floats:
        return rng.normal(0.0, self.scale, (fan_out, fan_in))


@dataclass(frozen=True)
class Glorot(Initializer):
    """Uniform within ±√(6 / (fan_in + fan_out)): variance 2 / (fan_in + fan_out). Suits tanh and sigmoid."""

    name = "glorot"
    source = "Glorot & Bengio, Understanding the Difficulty of Training Deep Feedforward Networks (2010), equation 16"

    def draw(self, rng: RandomGenerator, fan_in: int, fan_out: int) -> Floats:
        limit = sqrt(6 / (fan_in + fan_out))
        return rng.uniform(-limit, limit, (fan_out, fan_in))


@dataclass(frozen=True)
class He(Initializer):
    """Normal with variance 2 / ((1 + slope²)·fan_in); slope is leaky_relu's, or 0 for relu and its smooth variants."""

    slope: float = 0.0
    name = "he"
    source = "He, Zhang, Ren & Sun, Delving Deep into Rectifiers (2015), equations 10 and 15"
    limits: ClassVar[Limits] = {"slope": NON_NEGATIVE}

    def draw(self, rng: RandomGenerator, fan_in: int, fan_out: int) -> Floats:
        return rng.normal(0.0, sqrt(2 / ((1 + self.slope**2) * fan_in)), (fan_out, fan_in))


@dataclass(frozen=True)
class LeCun(Initializer):
    """Normal with variance 1 / fan_in. For selu."""

    name = "lecun"
    source = "LeCun, Bottou, Orr & Müller, Efficient BackProp (1998), section 4.6"

    def draw(self, rng: RandomGenerator, fan_in: int, fan_out: int) -> Floats:
        return rng.normal(0.0, sqrt(1 / fan_in), (fan_out, fan_in))


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """`gain` times a uniformly drawn orthogonal matrix: its rows (or columns, if these are fewer) are orthonormal."""

    gain: float = 1.0
    name = "orthogonal"
    source = "Saxe, McClelland & Ganguli, Exact Solutions to the Nonlinear Dynamics of Learning (2014), section 3"
    limits: ClassVar[Limits] = {"gain": POSITIVE}

    def draw(self, rng: RandomGenerator, fan_in: int, fan_out: int) -> Floats:
        gaussian = rng.normal(0.0, 1.0, (max(fan_in, fan_out), min(fan_in, fan_out)))
        q, r = np.linalg.qr(gaussian)
        q = self.gain * q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return np.ascontiguousarray(q if fan_out >= fan_in else q.T)


@dataclass(frozen=True)
class Auto(Initializer):
    """The initialiser that suits the layer's activation; `initializer_for` chooses it."""

    name = "auto"
    source = "the sources of the initialisers it chooses from"

    def draw(self, rng: RandomGenerator, fan_in: int, fan_out: int) -> Floats:
        raise ParameterError("the initializer 'auto' needs an activation; initializer_for('auto', activation) chooses.")


INITIALIZERS: dict[str, type[Initializer]] = {
    entry.name: entry for entry in (Auto, Zeros, Normal, Glorot, He, LeCun, Orthogonal)
}
RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus")
InitializerLike = str | Initializer | type[Initializer]


def initializer(identifier: InitializerLike) -> Initializer:
    """Return an initialiser from its name, its class or itself."""
    return resolve_entry(INITIALIZERS, "initializer", identifier, Initializer)


def initializer_for(identifier: InitializerLike, layer_activation: Activation | str) -> Initializer:
    """Return the initialiser of a layer: `auto` is He for rectifiers, LeCun for selu, otherwise Glorot."""
    chosen = initializer(identifier)
    if not isinstance(chosen, Auto):
        return chosen
    function = activation(layer_activation)
    if function.name in RECTIFIERS:
        return He(function.slope) if isinstance(function, LeakyReLU) else He()
    return LeCun() if function.name == "selu" else Glorot()
