"""The activations, each beside its derivative.

A derivative reads z, a or both, whichever is exact and cheap: a program keeps only what is read. No formula overflows
for a finite z, except `exp` and `selu`, whose values themselves leave the dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any

import numpy as np
from numpy import clip, exp, expm1, log1p, maximum, minimum, sign, tanh, where

from glassnet.errors import FormulaError
from glassnet.tables.interval import POSITIVE, REAL, SHARE_BELOW_ONE, Interval
from glassnet.tables.rows import Value, check, check_sizes, row_of

Function = Callable[..., Any]
MOST_NAMED = 6  # groups whose sizes are told one by one


class Activation:
    """a = value(z), and da/dz = derivative(z, a), element by element; `smooth` where the derivative has no jump.

    `groups` are how many outputs, side by side, make up each group of an activation that acts on groups of outputs.
    """

    name: str
    source: str
    range: Interval = REAL
    smooth: bool = True
    elementwise: bool = True
    groups: tuple[int, ...] = ()

    @property
    def grouping(self) -> str:
        """The groups in words, to stand behind the name; nothing where there are none."""
        if len(self.groups) <= MOST_NAMED:
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
    """1 / (1 + exp(−z)), without overflow: exp is only taken of −|z|."""
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
    """a = max(z, 0). The derivative is 1 where a > 0, else 0: the sign of a, which is never negative."""

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

    def __post_init__(self) -> None:
        check(self, "slope", SHARE_BELOW_ONE)

    def value(self, z: Value) -> Value:
        return maximum(z, self.slope * z)

    def derivative(self, z: Value, a: Value) -> Value:
        return maximum(sign(a), self.slope)


@dataclass(frozen=True)
class ELU(Activation):
    """a = z where z > 0, else alpha·(exp(z) − 1), with alpha > 0. Its derivative has a jump unless alpha is 1."""

    alpha: float = 1.0
    name = "elu"
    source = "Clevert, Unterthiner & Hochreiter, Exponential Linear Units (2016), equation 15"

    def __post_init__(self) -> None:
        check(self, "alpha", POSITIVE)
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

    Past ±10 the factor of z is 0 or 1 in every dtype, so the cube of z clipped there is enough and cannot overflow.
    """

    name = "gelu"
    source = "Hendrycks & Gimpel, Gaussian Error Linear Units (2016), section 2, the tanh form"
    range = Interval(-0.1700408)

    def _share(self, z: Value) -> Value:
        """The share of z that passes: ½·(1 + tanh(u))."""
        near = clip(z, -10, 10)
        return 0.5 * (1 + tanh(sqrt(2 / pi) * (near + 0.044715 * (near * near * near))))

    def value(self, z: Value) -> Value:
        return z * self._share(z)

    def derivative(self, z: Value, a: Value) -> Value:
        share, near = self._share(z), clip(z, -10, 10)
        return share + a * (1 - share) * (2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * (near * near)))


@dataclass(frozen=True)
class SiLU(Activation):
    """a = z·σ(z), also called swish; σ is the sigmoid."""

    name = "silu"
    source = "Elfwing, Uchibe & Doya, Sigmoid-Weighted Linear Units (2018), equations 5 and 6"
    range = Interval(-0.2784646)

    def value(self, z: Value) -> Value:
        return z * logistic(z)

    def derivative(self, z: Value, a: Value) -> Value:
        share = logistic(z)
        return share + a * (1 - share)


@dataclass(frozen=True)
class Mish(Activation):
    """a = z·tanh(softplus(z)), and da/dz = t + z·σ(z)·(1 − t²) with t = tanh(softplus(z)).

    With e = exp(−|z|), t and 1 − t are quotients of polynomials in e: one exponential instead of three functions.
    """

    name = "mish"
    source = "Misra, Mish: A Self Regularized Non-Monotonic Activation Function (2019), equations 1 and 3"
    range = Interval(-0.3088435)

    def _gain(self, z: Value) -> tuple[Value, Value, Value]:
        """What t, 1 − t and σ(z) are made of: t / (1 − t) = first / second, and e."""
        e = exp(-abs(z))
        return where(z >= 0, 1 + 2 * e, e * (e + 2)), 2 * where(z >= 0, e * e, 1), e

    def value(self, z: Value) -> Value:
        gain, rest, _ = self._gain(z)
        return z * (gain / (gain + rest))

    def derivative(self, z: Value, a: Value) -> Value:
        gain, rest, e = self._gain(z)
        t, one_less_t = gain / (gain + rest), rest / (gain + rest)
        return t + z * (where(z >= 0, 1, e) / (1 + e)) * one_less_t * (1 + t)


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
    """a = exp(z): a mean that must be positive, beside the Poisson cost."""

    name = "exp"
    source = "McCullagh & Nelder, Generalized Linear Models (1989), section 2.2: the inverse of the log link"
    range = POSITIVE

    def value(self, z: Value) -> Value:
        return exp(z)

    def derivative(self, z: Value, a: Value) -> Value:
        return a


@dataclass(frozen=True)
class Softmax(Activation):
    """a = exp(z) / Σ exp(z), the sum over the outputs of a sample: not elementwise, so it has a Jacobian product.

    With `groups` each group of outputs is a softmax by itself: Softmax(groups=(3, 5, 2)) on 10 outputs gives three
    distributions, of the first 3 outputs, the next 5 and the last 2. Without, all outputs are one group.
    """

    groups: tuple[int, ...] = ()

    name = "softmax"
    source = "Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs (1990)"
    range = Interval(0, 1, low_closed=False)
    elementwise = False

    def __post_init__(self) -> None:
        check_sizes(self, "groups")

    def value(self, z: Value) -> Value:
        """The outputs of each sample, which add up to 1 in each group; z and the result (fan_out, batch)."""
        return self._by_group(shares, z)

    def derivative(self, z: Value, a: Value) -> Value:
        raise FormulaError("softmax mixes its outputs and has no elementwise derivative; use jacobian_product(a, v).")

    def jacobian_product(self, a: Value, v: Value) -> Value:
        """Σ_k v_k ∂a_k/∂z_j = a_j·(v_j − Σ_k a_k·v_k), k in the group of j; a, v and the result (fan_out, batch)."""
        return self._by_group(lambda a, v: a * (v - (a * v).sum(axis=0)), a, v)

    def _by_group(self, function: Function, *arrays: Value) -> Value:
        """The function of the rows of each group, put together again."""
        if not self.groups:
            return function(*arrays)
        parts = zip(*(np.split(array, np.cumsum(self.groups)[:-1]) for array in arrays), strict=True)
        return np.concatenate([function(*part) for part in parts])


def shares(z: Value) -> Value:
    """exp(z) / Σ exp(z) for each sample, without overflow: exp is only taken of z − max z."""
    with np.errstate(over="ignore"):  # a difference below the dtype becomes −inf, whose exp is the right 0
        e = exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


_ROWS = (Linear, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Mish, Softplus, Softsign, Exp, Softmax)
ACTIVATIONS: dict[str, type[Activation]] = {row.name: row for row in _ROWS}


def activation(word: Any) -> Activation:
    """The row of an activation, from its name, the row itself or its class."""
    return row_of(ACTIVATIONS, "activation", word, Activation)
