"""The activations and their derivatives.

A derivative reads z, a or both, whichever is exact and cheap; a program stores only what is read. No formula overflows
for a finite z, except `exp` and `selu`, whose values can exceed the range of the dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, ClassVar

import numpy as np
from numpy import clip, exp, expm1, log1p, maximum, minimum, sign, tanh, where

from glassnet.errors import FormulaError
from glassnet.tables.entry import Entry, Limits, Value, check_sizes, resolve_entry
from glassnet.tables.interval import HALF_OPEN_UNIT, POSITIVE, REAL, Interval

Function = Callable[..., Any]
MAX_LISTED_GROUPS = 6  # above this, the text gives the number of groups instead of their sizes


class Activation(Entry):
    """a = value(z) and da/dz = derivative(z, a), element by element; `smooth` if the derivative is continuous.

    `groups` are the sizes of the groups of adjacent outputs that an activation such as softmax acts on.
    """

    range: Interval = REAL
    smooth: bool = True
    elementwise: bool = True
    groups: tuple[int, ...] = ()

    @property
    def grouping(self) -> str:
        """The groups as text that follows the name of the activation; empty if there are no groups."""
        if len(self.groups) <= MAX_LISTED_GROUPS:
            return f" by groups of {', '.join(map(str, self.groups))}" if self.groups else ""
        return f" by {len(self.groups)} groups"

    def value(self, z: Value) -> Value:
        """The activation a, in the shape of z."""
        raise NotImplementedError

    def derivative(self, z: Value, a: Value) -> Value:
        """The derivative da/dz, in the shape of z, or a constant."""
        raise NotImplementedError


@dataclass(frozen=True)
class Linear(Activation):
    """a = z; its derivative is a constant."""

    name = "linear"
    source = "the identity"

    def value(self, z: Value) -> Value:
        return z

    def derivative(self, z: Value, a: Value) -> Value:
        return 1.0


def logistic(z: Value) -> Value:
    """1 / (1 + exp(−z)), without overflow: exp is only evaluated at −|z|."""
    e = exp(-abs(z))
    return where(z >= 0, 1, e) / (1 + e)


@dataclass(frozen=True)
class Sigmoid(Activation):
    """a = 1 / (1 + exp(−z))."""

    name = "sigmoid"
    source = "Nielsen, Neural Networks and Deep Learning (2015), chapter 1, equation 3"
    range = Interval(0, 1, low_closed=False, high_closed=False)

    def value(self, z: Value) -> Value:
        return logistic(z)

    def derivative(self, z: Value, a: Value) -> Value:
        return a * (1 - a)


@dataclass(frozen=True)
class Tanh(Activation):
    """a = tanh(z)."""

    name = "tanh"
    source = "LeCun, Bottou, Orr & Müller, Efficient BackProp (1998), section 4.4"
    range = Interval(-1, 1, low_closed=False, high_closed=False)

    def value(self, z: Value) -> Value:
        return tanh(z)

    def derivative(self, z: Value, a: Value) -> Value:
        return 1 - a * a


@dataclass(frozen=True)
class ReLU(Activation):
    """a = max(z, 0). The derivative is 1 where a > 0, else 0; since a ≥ 0, that is sign(a)."""

    name = "relu"
    source = "Glorot, Bordes & Bengio, Deep Sparse Rectifier Neural Networks (2011)"
    range = Interval(0)
    smooth = False

    def value(self, z: Value) -> Value:
        return maximum(z, 0)

    def derivative(self, z: Value, a: Value) -> Value:
        return sign(a)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """a = z where z > 0, else slope·z, with 0 ≤ slope < 1. The derivative is 1 where a > 0, else slope."""

    slope: float = 0.01
    name = "leaky_relu"
    source = "Maas, Hannun & Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013), equation 2"
    smooth = False
    limits: ClassVar[Limits] = {"slope": HALF_OPEN_UNIT}

    def value(self, z: Value) -> Value:
        return maximum(z, self.slope * z)

    def derivative(self, z: Value, a: Value) -> Value:
        return maximum(sign(a), self.slope)


@dataclass(frozen=True)
class ELU(Activation):
    """a = z where z > 0, else alpha·(exp(z) − 1), with alpha > 0. Its derivative is continuous only if alpha is 1."""

    alpha: float = 1.0
    name = "elu"
    source = "Clevert, Unterthiner & Hochreiter, Exponential Linear Units (2016), equation 15"
    limits: ClassVar[Limits] = {"alpha": POSITIVE}

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "range", Interval(-self.alpha, low_closed=False))
        object.__setattr__(self, "smooth", self.alpha == 1)

    def value(self, z: Value) -> Value:
        return where(z > 0, z, self.alpha * expm1(minimum(z, 0)))

    def derivative(self, z: Value, a: Value) -> Value:
        return where(a > 0, 1, a + self.alpha)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@dataclass(frozen=True)
class SELU(Activation):
    """a = λ·z where z > 0, else λ·α·(exp(z) − 1), with the λ and α that keep mean 0 and variance 1."""

    name = "selu"
    source = "Klambauer, Unterthiner, Mayr & Hochreiter, Self-Normalizing Neural Networks (2017), equation 2"
    range = Interval(-SELU_SCALE * SELU_ALPHA, low_closed=False)
    smooth = False

    def value(self, z: Value) -> Value:
        return SELU_SCALE * where(z > 0, z, SELU_ALPHA * expm1(minimum(z, 0)))

    def derivative(self, z: Value, a: Value) -> Value:
        return where(a > 0, SELU_SCALE, a + SELU_SCALE * SELU_ALPHA)


@dataclass(frozen=True)
class GELU(Activation):
    """a = ½·z·(1 + tanh(√(2/π)·(z + 0.044715·z³))), the tanh form, not the exact ½·z·(1 + erf(z/√2)).

    Beyond ±10, Φ(z) is 0 or 1 in every dtype, so z is clipped to that range before it is cubed and cannot overflow.
    """

    name = "gelu"
    source = "Hendrycks & Gimpel, Gaussian Error Linear Units (2016), section 2, the tanh form"
    range = Interval(-0.1700408)

    def _phi(self, z: Value) -> Value:
        """Φ(z) ≈ ½·(1 + tanh(√(2/π)·(z + 0.044715·z³))), the normal distribution function."""
        clipped = clip(z, -10, 10)
        return 0.5 * (1 + tanh(sqrt(2 / pi) * (clipped + 0.044715 * (clipped * clipped * clipped))))

    def value(self, z: Value) -> Value:
        return z * self._phi(z)

    def derivative(self, z: Value, a: Value) -> Value:
        phi, clipped = self._phi(z), clip(z, -10, 10)
        return phi + a * (1 - phi) * (2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * (clipped * clipped)))


@dataclass(frozen=True)
class SiLU(Activation):
    """a = z·σ(z), also called swish; σ is the sigmoid."""

    name = "silu"
    source = "Elfwing, Uchibe & Doya, Sigmoid-Weighted Linear Units (2018), equations 5 and 6"
    range = Interval(-0.2784646)

    def value(self, z: Value) -> Value:
        return z * logistic(z)

    def derivative(self, z: Value, a: Value) -> Value:
        sigmoid = logistic(z)
        return sigmoid + a * (1 - sigmoid)


@dataclass(frozen=True)
class Mish(Activation):
    """a = z·tanh(softplus(z)), and da/dz = t + z·σ(z)·(1 − t²) with t = tanh(softplus(z)).

    With e = exp(−|z|), t and 1 − t are quotients of polynomials in e: one exponential instead of three functions.
    """

    name = "mish"
    source = "Misra, Mish: A Self Regularized Non-Monotonic Activation Function (2019), equations 1 and 3"
    range = Interval(-0.3088435)

    def _parts(self, z: Value) -> tuple[Value, Value, Value]:
        """p, q and e = exp(−|z|), with t = p / (p + q) and 1 − t = q / (p + q)."""
        e = exp(-abs(z))
        return where(z >= 0, 1 + 2 * e, e * (e + 2)), 2 * where(z >= 0, e * e, 1), e

    def value(self, z: Value) -> Value:
        p, q, _ = self._parts(z)
        return z * (p / (p + q))

    def derivative(self, z: Value, a: Value) -> Value:
        p, q, e = self._parts(z)
        t, one_minus_t = p / (p + q), q / (p + q)
        return t + z * (where(z >= 0, 1, e) / (1 + e)) * one_minus_t * (1 + t)


@dataclass(frozen=True)
class Softplus(Activation):
    """a = log(1 + exp(z)). The derivative, σ(z), is 1 − exp(−a)."""

    name = "softplus"
    source = "Dugas, Bengio, Bélisle, Nadeau & Garcia, Incorporating Second-Order Functional Knowledge (2001)"
    range = POSITIVE

    def value(self, z: Value) -> Value:
        return maximum(z, 0) + log1p(exp(-abs(z)))

    def derivative(self, z: Value, a: Value) -> Value:
        return -expm1(-a)


@dataclass(frozen=True)
class Softsign(Activation):
    """a = z / (1 + |z|). The derivative, 1 / (1 + |z|)², is (1 − |a|)²."""

    name = "softsign"
    source = "Glorot & Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks (2010)"
    range = Interval(-1, 1, low_closed=False, high_closed=False)

    def value(self, z: Value) -> Value:
        return z / (1 + abs(z))

    def derivative(self, z: Value, a: Value) -> Value:
        return (1 - abs(a)) ** 2


@dataclass(frozen=True)
class Exp(Activation):
    """a = exp(z): for outputs that must be positive, such as the mean in the Poisson cost."""

    name = "exp"
    source = "McCullagh & Nelder, Generalized Linear Models (1989), section 2.2: the inverse of the log link"
    range = POSITIVE

    def value(self, z: Value) -> Value:
        return exp(z)

    def derivative(self, z: Value, a: Value) -> Value:
        return a


@dataclass(frozen=True)
class Softmax(Activation):
    """a = exp(z) / Σ exp(z), summed over the outputs of a sample: not elementwise, so it has a Jacobian product.

    With `groups`, each group of outputs has a softmax of its own: Softmax(groups=(3, 5, 2)) on 10 outputs gives three
    distributions, over the first 3 outputs, the next 5 and the last 2. Without, all outputs form one group.
    """

    groups: tuple[int, ...] = ()
    name = "softmax"
    source = "Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs (1990)"
    range = Interval(0, 1, low_closed=False)
    elementwise = False

    def __post_init__(self) -> None:
        check_sizes(self, "groups")

    def value(self, z: Value) -> Value:
        """The outputs, which add up to 1 in each group of a sample; z and the result (fan_out, batch)."""
        return self._by_group(_softmax, z)

    def derivative(self, z: Value, a: Value) -> Value:
        raise FormulaError("softmax is not elementwise and has no elementwise derivative; use jacobian_product(a, v).")

    def jacobian_product(self, a: Value, v: Value) -> Value:
        """Σ_k v_k ∂a_k/∂z_j = a_j·(v_j − Σ_k a_k·v_k), k in the group of j; a, v and the result (fan_out, batch)."""
        return self._by_group(lambda a, v: a * (v - (a * v).sum(axis=0)), a, v)

    def _by_group(self, function: Function, *arrays: Value) -> Value:
        """Apply the function to the outputs of each group and concatenate the results."""
        if not self.groups:
            return function(*arrays)
        parts = zip(*(np.split(array, np.cumsum(self.groups)[:-1]) for array in arrays), strict=True)
        return np.concatenate([function(*part) for part in parts])


def _softmax(z: Value) -> Value:
    """exp(z) / Σ exp(z) for each sample, without overflow: exp is only evaluated at z − max z."""
    with np.errstate(over="ignore"):  # a difference that overflows becomes −inf, and exp(−inf) is the correct 0
        e = exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


_ENTRIES = (Linear, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Mish, Softplus, Softsign, Exp, Softmax)
ACTIVATIONS: dict[str, type[Activation]] = {entry.name: entry for entry in _ENTRIES}
ActivationLike = str | Activation | type[Activation]


def activation(identifier: ActivationLike) -> Activation:
    """Return an activation from its name, its class or itself."""
    return resolve_entry(ACTIVATIONS, "activation", identifier, Activation)
