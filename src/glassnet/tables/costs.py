"""The costs, each with its gradient: per sample and per output; the program sums over the outputs.

The gradient is that of the cost that is reported. For an activation that a cost pairs with (`pairs`), value(z, y) is
computed from z without loss of precision, and its gradient with respect to z is a − y.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import numpy as np
from numpy import clip, exp, log, log1p, maximum, minimum, sign, where

from glassnet.array_likes import short_repr
from glassnet.errors import ParameterTypeError
from glassnet.tables.entry import Entry, Limits, Value, check_custom, check_custom_name, custom_formula, resolve_entry
from glassnet.tables.formula import Formula, trace
from glassnet.tables.interval import (
    HALF_OPEN_UNIT,
    NON_NEGATIVE,
    OPEN_UNIT,
    POSITIVE,
    REAL,
    UNIT_INTERVAL,
    Interval,
    interval_between,
)
from glassnet.tables.library_names import Output

PairValue = Callable[[Value, Value], Value] | None


class Cost(Entry):
    """value(a, y) and gradient(a, y) = ∂value/∂a, element by element.

    `outputs` and `targets` are the domains of a and y; `template` is the usual notation of the sum over the outputs,
    where that is shorter than the traced formula; `target_sum` is what the targets of a sample must add up to, in each
    group of outputs; `pairs` maps the name of an activation to the cost as a function of z and y.
    """

    outputs: Interval = REAL
    targets: Interval = REAL
    target_sum: float | None = None
    template: str = ""
    pairs: ClassVar[Mapping[str, PairValue]] = {}

    def value(self, a: Value, y: Value) -> Value:
        """The cost of each output, in the shape of a and y."""
        raise NotImplementedError

    def gradient(self, a: Value, y: Value) -> Value:
        """∂value/∂a, in the shape of a and y."""
        raise NotImplementedError

    def smoothed(self, y: Value, groups: Sequence[int]) -> Value:
        """The targets that value and gradient use, (fan_out, batch) like y; `groups` are the sizes of the groups."""
        return y

    def text(self, a: str) -> str:
        """The formula of the cost of one sample, with `a` as the name of the outputs."""
        return self.template.format(a=a) if self.template else f"Σ {trace(self.value, 2).factor([a, 'y'])}"


@dataclass(frozen=True)
class Quadratic(Cost):
    """½·(a − y)², with the ½ of Nielsen's book, so that the gradient is a − y."""

    name = "quadratic"
    template = "½‖{a} − y‖²"
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
    """−y·log(a) − (1 − y)·log(1 − a) for each output; smoothing turns y into (1 − s)·y + s/2.

    A term whose factor is 0 is 0 even where its logarithm is infinite.
    """

    label_smoothing: float = 0.0
    name = "binary_cross_entropy"
    template = "−Σ (y·log({a}) + (1−y)·log(1−{a}))"
    source = "Nielsen, Neural Networks and Deep Learning (2015), chapter 3, equation 63"
    outputs = UNIT_INTERVAL
    targets = UNIT_INTERVAL
    pairs: ClassVar[Mapping[str, PairValue]] = {"sigmoid": sigmoid_cross_entropy}
    limits: ClassVar[Limits] = {"label_smoothing": HALF_OPEN_UNIT}

    def value(self, a: Value, y: Value) -> Value:
        return -y * log(where(y > 0, a, 1)) - (1 - y) * log1p(-where(y < 1, a, 0))

    def gradient(self, a: Value, y: Value) -> Value:
        return (1 - y) / where(y < 1, 1 - a, 1) - y / where(y > 0, a, 1)

    def smoothed(self, y: Value, groups: Sequence[int]) -> Value:
        return (1 - self.label_smoothing) * y + self.label_smoothing / 2 if self.label_smoothing else y


@dataclass(frozen=True)
class CategoricalCrossEntropy(Cost):
    """−y·log(a), summed over the classes; the targets of a sample are a distribution, or one per group of outputs.

    Smoothing turns y into (1 − s)·y + s/K with K classes. Paired with softmax, the cost is an equation kind of its own,
    because the log of a sum over the outputs has no elementwise formula. Each group of a softmax has its own
    cross-entropy, and the cost of a sample is their sum.
    """

    label_smoothing: float = 0.0
    name = "categorical_cross_entropy"
    template = "−Σ y·log({a})"
    source = "Bishop, Pattern Recognition and Machine Learning (2006), equation 4.108"
    outputs = UNIT_INTERVAL
    targets = UNIT_INTERVAL
    target_sum = 1.0
    pairs: ClassVar[Mapping[str, PairValue]] = {"softmax": None}
    limits: ClassVar[Limits] = {"label_smoothing": HALF_OPEN_UNIT}

    def value(self, a: Value, y: Value) -> Value:
        return -y * log(where(y > 0, a, 1))

    def gradient(self, a: Value, y: Value) -> Value:
        return -y / where(y > 0, a, 1)

    def smoothed(self, y: Value, groups: Sequence[int]) -> Value:
        if not self.label_smoothing:
            return y
        scaled = (1 - self.label_smoothing) * y
        return scaled + (self.label_smoothing / np.repeat(groups, groups)[:, np.newaxis]).astype(scaled.dtype)


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
    limits: ClassVar[Limits] = {"delta": POSITIVE}

    def value(self, a: Value, y: Value) -> Value:
        r = abs(a - y)
        clipped = minimum(r, self.delta)
        return clipped * (r - 0.5 * clipped)

    def gradient(self, a: Value, y: Value) -> Value:
        return clip(a - y, -self.delta, self.delta)


@dataclass(frozen=True)
class Quantile(Cost):
    """q·(y − a) where y > a, else (1 − q)·(a − y): minimal at the q-quantile of y. The gradient at a = y is 0."""

    q: float = 0.5
    name = "quantile"
    source = "Koenker & Bassett, Regression Quantiles (1978), equation 1.2"
    limits: ClassVar[Limits] = {"q": OPEN_UNIT}

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
    template = "Σ ({a} − y·log({a}))"
    source = "McCullagh & Nelder, Generalized Linear Models (1989), section 6.2"
    outputs = POSITIVE
    targets = NON_NEGATIVE
    pairs: ClassVar[Mapping[str, PairValue]] = {"exp": exp_poisson}

    def value(self, a: Value, y: Value) -> Value:
        return a - y * log(where(y > 0, a, 1))

    def gradient(self, a: Value, y: Value) -> Value:
        return 1 - y / where(y > 0, a, 1)


def poisson_constant(y: Value) -> Value:
    """Half the Poisson deviance minus the Poisson cost: y·log(y) − y."""
    return y * log(where(y > 0, y, 1)) - y


def exp_poisson_deviance(z: Value, y: Value) -> Value:
    """Half the Poisson deviance of a = exp(z), from z."""
    return exp_poisson(z, y) + poisson_constant(y)


@dataclass(frozen=True)
class PoissonDeviance(Poisson):
    """y·log(y / a) − y + a: the Poisson cost plus a function of y, so that it is 0 at a = y; the same gradient."""

    name = "poisson_deviance"
    template = "Σ (y·log(y/{a}) − y + {a})"
    source = "McCullagh & Nelder, Generalized Linear Models (1989), section 2.3, half the deviance"
    pairs: ClassVar[Mapping[str, PairValue]] = {"exp": exp_poisson_deviance}

    def value(self, a: Value, y: Value) -> Value:
        return super().value(a, y) + poisson_constant(y)


@dataclass(frozen=True, repr=False)
class CustomCost(Cost):
    """A custom cost, stored as its operations; `custom_cost` makes one from functions."""

    name: str
    value_formula: Formula
    gradient_formula: Formula
    outputs: Interval = REAL
    targets: Interval = REAL
    source = "a custom formula"

    def __post_init__(self) -> None:
        check_custom(self, {"value_formula": 2, "gradient_formula": 2}, ["outputs", "targets"])

    def value(self, a: Value, y: Value) -> Value:
        return self.value_formula(a, y)

    def gradient(self, a: Value, y: Value) -> Value:
        return self.gradient_formula(a, y)

    def __repr__(self) -> str:
        return f"CustomCost({self.name!r})"


_ENTRIES = (Quadratic, BinaryCrossEntropy, CategoricalCrossEntropy, Absolute, Huber, Quantile, Poisson, PoissonDeviance)
COSTS: dict[str, type[Cost]] = {entry.name: entry for entry in _ENTRIES}
CostLike = str | Cost | type[Cost]


def cost(identifier: CostLike, outputs: int | None = None, activation: str = "") -> Cost:
    """Return a cost from its name, its class or itself.

    With the number of outputs, a name that means their mean elsewhere ("bce") is refused where it is not our sum; with
    the name of their activation, an error suggests the cost that goes with it.
    """
    return resolve_entry(COSTS, "cost", identifier, Cost, Output(outputs, activation))


def custom_cost(
    name: str,
    value: Callable[..., Any],
    gradient: Callable[..., Any],
    outputs: Interval | tuple[float, float] = (-inf, inf),
    targets: Interval | tuple[float, float] = (-inf, inf),
) -> CustomCost:
    """Make a custom cost from `value(a, y)` and `gradient(a, y)` = ∂value/∂a of one output, written in NumPy.

    `outputs` and `targets` are the lowest and highest a and y that it accepts, or an Interval to exclude an end. Raises
    FormulaError if a formula branches on a value, uses a function that glassnet cannot trace, or changes the dtype.
    """
    check_custom_name(COSTS, "cost", name)
    domains = [_domain(f"the {what} of {name}", d) for what, d in (("outputs", outputs), ("targets", targets))]
    value_formula = custom_formula(value, 2, f"value of {name}")
    return CustomCost(name, value_formula, custom_formula(gradient, 2, f"gradient of {name}"), *domains)


def _domain(name: str, limits: Any) -> Interval:
    """An Interval, or one between the two numbers of a pair."""
    if isinstance(limits, Interval):
        return limits
    if not isinstance(limits, (tuple, list)) or len(limits) != 2:
        raise ParameterTypeError(f"{name} must be an Interval or a pair of numbers, not {short_repr(limits)}.")
    return interval_between(name, *limits)
