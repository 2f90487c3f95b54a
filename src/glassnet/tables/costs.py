"""The costs, each above its gradient: per sample and per output, summed over the outputs by the program.

The gradient is that of the cost which is reported. Where a cost belongs to an activation (`pairs`), value(z, y) is
computed from z without loss of digits and its gradient with respect to z is a − y.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import numpy as np
from numpy import clip, exp, log, log1p, maximum, minimum, sign, where

from glassnet.tables.formula import Formula, trace
from glassnet.tables.interval import INNER_SHARE, NOT_NEGATIVE, POSITIVE, REAL, SHARE, SHARE_BELOW_ONE, Interval
from glassnet.tables.rows import Value, check, check_own, own_formula, own_name, row_of

PairValue = Callable[[Value, Value], Value] | None


class Cost:
    """value(a, y) and gradient(a, y) = ∂value/∂a, element by element.

    `outputs` and `targets` are the domains of a and y; `words` is the sum over the outputs as people write it, where
    that is shorter than its formula; `target_sum` is what the targets of a sample must add up to, in each group of
    outputs that is a distribution of its own.
    """

    name: str
    source: str
    outputs: Interval = REAL
    targets: Interval = REAL
    target_sum: float | None = None
    words: str = ""
    pairs: ClassVar[Mapping[str, PairValue]] = {}

    def value(self, a: Value, y: Value) -> Value:
        """The cost of each output, in the shape of a and y."""
        raise NotImplementedError

    def gradient(self, a: Value, y: Value) -> Value:
        """∂value/∂a, in the shape of a and y."""
        raise NotImplementedError

    def smoothed(self, y: Value, groups: Sequence[int]) -> Value:
        """The targets that value and gradient see; y and the result (fan_out, batch), `groups` the sizes of groups."""
        return y

    def text(self, a: str) -> str:
        """The cost of a sample in words, with `a` for the outputs."""
        return self.words.format(a=a) if self.words else f"Σ {trace(self.value, 2).text([a, 'y'])}"


@dataclass(frozen=True)
class Quadratic(Cost):
    """½·(a − y)²; with the ½, as in Nielsen, so that the gradient is a − y."""

    name = "quadratic"
    words = "½‖{a} − y‖²"
    source = "Nielsen, Neural Networks and Deep Learning (2015), chapter 2, equation 26"

    def value(self, a: Value, y: Value) -> Value:
        return 0.5 * (a - y) ** 2

    def gradient(self, a: Value, y: Value) -> Value:
        return a - y


def sigmoid_cross_entropy(z: Value, y: Value) -> Value:
    """Binary cross-entropy of a = sigmoid(z), from z."""
    return maximum(z, 0) - z * y + log1p(exp(-abs(z)))


@dataclass(frozen=True)
class BinaryCrossEntropy(Cost):
    """−y·log(a) − (1 − y)·log(1 − a) for each output; smoothing makes y (1 − s)·y + s/2.

    A term whose factor is 0 is 0, also where its logarithm is infinite.
    """

    label_smoothing: float = 0.0

    name = "binary_cross_entropy"
    words = "−Σ y·log({a}) + (1−y)·log(1−{a})"
    source = "Nielsen, Neural Networks and Deep Learning (2015), chapter 3, equation 63"
    outputs = SHARE
    targets = SHARE
    pairs: ClassVar[Mapping[str, PairValue]] = {"sigmoid": sigmoid_cross_entropy}

    def __post_init__(self) -> None:
        check(self, "label_smoothing", SHARE_BELOW_ONE)

    def value(self, a: Value, y: Value) -> Value:
        return -y * log(where(y > 0, a, 1)) - (1 - y) * log1p(-where(y < 1, a, 0))

    def gradient(self, a: Value, y: Value) -> Value:
        return (1 - y) / where(y < 1, 1 - a, 1) - y / where(y > 0, a, 1)

    def smoothed(self, y: Value, groups: Sequence[int]) -> Value:
        return (1 - self.label_smoothing) * y + self.label_smoothing / 2 if self.label_smoothing else y


@dataclass(frozen=True)
class CategoricalCrossEntropy(Cost):
    """−y·log(a), summed over the classes; the targets of a sample are a distribution, or one in each group of outputs.

    Smoothing makes y (1 − s)·y + s/K with K classes. With softmax the pair is a row kind of its own: the logarithm of
    a sum over the outputs of z has no elementwise formula. Groups of a softmax each have their cross-entropy, and the
    cost of a sample is the sum of these.
    """

    label_smoothing: float = 0.0

    name = "categorical_cross_entropy"
    words = "−Σ y·log({a})"
    source = "Bishop, Pattern Recognition and Machine Learning (2006), equation 4.108"
    outputs = SHARE
    targets = SHARE
    target_sum = 1.0
    pairs: ClassVar[Mapping[str, PairValue]] = {"softmax": None}

    def __post_init__(self) -> None:
        check(self, "label_smoothing", SHARE_BELOW_ONE)

    def value(self, a: Value, y: Value) -> Value:
        return -y * log(where(y > 0, a, 1))

    def gradient(self, a: Value, y: Value) -> Value:
        return -y / where(y > 0, a, 1)

    def smoothed(self, y: Value, groups: Sequence[int]) -> Value:
        if not self.label_smoothing:
            return y
        kept = (1 - self.label_smoothing) * y
        return kept + (self.label_smoothing / np.repeat(groups, groups)[:, np.newaxis]).astype(kept.dtype)


@dataclass(frozen=True)
class Absolute(Cost):
    """|a − y|; the gradient at a = y is 0."""

    name = "absolute"
    source = "Koenker & Bassett, Regression Quantiles (1978): the median's cost, twice the quantile cost at ½"

    def value(self, a: Value, y: Value) -> Value:
        return abs(a - y)

    def gradient(self, a: Value, y: Value) -> Value:
        return sign(a - y)


@dataclass(frozen=True)
class Huber(Cost):
    """½·r² where |r| ≤ delta, else delta·(|r| − ½·delta), with r = a − y."""

    delta: float = 1.0

    name = "huber"
    source = "Huber, Robust Estimation of a Location Parameter (1964), section 1"

    def __post_init__(self) -> None:
        check(self, "delta", POSITIVE)

    def value(self, a: Value, y: Value) -> Value:
        r = abs(a - y)
        near = minimum(r, self.delta)
        return near * (r - 0.5 * near)

    def gradient(self, a: Value, y: Value) -> Value:
        return clip(a - y, -self.delta, self.delta)


@dataclass(frozen=True)
class Quantile(Cost):
    """q·(y − a) where y > a, else (1 − q)·(a − y): least at the q-quantile of y. The gradient at a = y is 0."""

    q: float = 0.5

    name = "quantile"
    source = "Koenker & Bassett, Regression Quantiles (1978), equation 1.2"

    def __post_init__(self) -> None:
        check(self, "q", INNER_SHARE)

    def value(self, a: Value, y: Value) -> Value:
        r = a - y
        return maximum((1 - self.q) * r, -self.q * r)

    def gradient(self, a: Value, y: Value) -> Value:
        side = sign(a - y)
        return maximum((1 - self.q) * side, 0) + minimum(self.q * side, 0)


def exp_poisson(z: Value, y: Value) -> Value:
    """The Poisson cost of a = exp(z), from z."""
    return exp(z) - y * z


@dataclass(frozen=True)
class Poisson(Cost):
    """a − y·log(a): the negative log-likelihood of a count y with mean a, without log(y!)."""

    name = "poisson"
    source = "McCullagh & Nelder, Generalized Linear Models (1989), section 6.2"
    outputs = POSITIVE
    targets = NOT_NEGATIVE
    pairs: ClassVar[Mapping[str, PairValue]] = {"exp": exp_poisson}

    def value(self, a: Value, y: Value) -> Value:
        return a - y * log(where(y > 0, a, 1))

    def gradient(self, a: Value, y: Value) -> Value:
        return 1 - y / where(y > 0, a, 1)


def poisson_constant(y: Value) -> Value:
    """What half the deviance has beyond the Poisson cost: y·log(y) − y."""
    return y * log(where(y > 0, y, 1)) - y


def exp_poisson_deviance(z: Value, y: Value) -> Value:
    """Half the Poisson deviance of a = exp(z), from z."""
    return exp_poisson(z, y) + poisson_constant(y)


@dataclass(frozen=True)
class PoissonDeviance(Poisson):
    """y·log(y / a) − y + a: the Poisson cost and a constant of y, so that a = y costs 0. The gradient is the same."""

    name = "poisson_deviance"
    source = "McCullagh & Nelder, Generalized Linear Models (1989), section 2.3, half the deviance"
    pairs: ClassVar[Mapping[str, PairValue]] = {"exp": exp_poisson_deviance}

    def value(self, a: Value, y: Value) -> Value:
        return super().value(a, y) + poisson_constant(y)


@dataclass(frozen=True, repr=False)
class OwnCost(Cost):
    """A person's own cost, kept as its operations; `own_cost` makes one from functions."""

    name: str
    value_formula: Formula
    gradient_formula: Formula
    outputs: Interval = REAL
    targets: Interval = REAL

    source = "a formula of one's own"

    def __post_init__(self) -> None:
        check_own(self, {"value_formula": 2, "gradient_formula": 2}, ["outputs", "targets"])

    def value(self, a: Value, y: Value) -> Value:
        return self.value_formula(a, y)

    def gradient(self, a: Value, y: Value) -> Value:
        return self.gradient_formula(a, y)

    def __repr__(self) -> str:
        return f"OwnCost({self.name!r})"


_ROWS = (Quadratic, BinaryCrossEntropy, CategoricalCrossEntropy, Absolute, Huber, Quantile, Poisson, PoissonDeviance)
COSTS: dict[str, type[Cost]] = {row.name: row for row in _ROWS}


def cost(word: Any) -> Cost:
    """The row of a cost, from its name, the row itself or its class."""
    return row_of(COSTS, "cost", word, Cost)


def own_cost(
    name: str,
    value: Callable[..., Any],
    gradient: Callable[..., Any],
    outputs: Interval | tuple[float, float] = (-inf, inf),
    targets: Interval | tuple[float, float] = (-inf, inf),
) -> OwnCost:
    """A person's own cost: `value(a, y)` and `gradient(a, y)` = ∂value/∂a of one output, in NumPy's words.

    `outputs` and `targets` are the lowest and highest a and y it accepts, or an Interval where an end is left out.
    Raises FormulaError where a formula branches on a value, leaves NumPy's words or changes the dtype.
    """
    own_name(COSTS, "cost", name)
    domains = [
        span if isinstance(span, Interval) else Interval(float(span[0]), float(span[1])) for span in (outputs, targets)
    ]
    value_formula = own_formula(value, 2, f"value of {name}")
    return OwnCost(name, value_formula, own_formula(gradient, 2, f"gradient of {name}"), *domains)
