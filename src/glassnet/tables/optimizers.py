"""The optimisers: how a gradient changes the weights and the optimiser's states.

`scalars` computes the rate, the bias corrections and every 1 − β in float64 before a run of steps; they are rounded
once to the network's dtype. `update` is the recurrence, written with NumPy's functions; it maps zeros to zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy import sqrt
from numpy.typing import NDArray

from glassnet.tables.entry import Entry, Limits, Value, resolve_entry
from glassnet.tables.interval import HALF_OPEN_UNIT, NON_NEGATIVE, UNIT_INTERVAL, Interval

Floats = NDArray[np.float64]
Scalars = dict[str, Floats]

ABOVE_ZERO = Interval(1e-37)
"""The values an epsilon may have: above 0 in float32 too, so that 0 / (0 + epsilon) is 0."""


class Optimizer(Entry):
    """One update of a segment of parameters; `states` names the arrays that it keeps, all 0 at the start."""

    states: tuple[str, ...] = ()

    def scalars(self, t: Any, lr: Any, decays: Any = 1.0) -> Scalars:
        """The scalars that `update` needs besides the arrays, one value per step.

        t: step numbers, from 1; lr: the rate of each step; decays: factors on the decay, a single one or one per step.
        """
        raise NotImplementedError

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        """Return the new w and states for the gradient g, element by element."""
        raise NotImplementedError


def _table(t: Any, **scalars: Any) -> Scalars:
    """Every scalar as a float64 array with one value per step."""
    return {name: np.full(np.shape(t), value, np.float64) for name, value in scalars.items()}


def _one_minus_power(beta: float, t: Any) -> Floats:
    """1 − β^t in float64."""
    return 1 - np.float64(beta) ** np.asarray(t, np.float64)


@dataclass(frozen=True)
class SGD(Optimizer):
    """w ← w − lr·g."""

    name = "sgd"
    source = "Robbins & Monro, A Stochastic Approximation Method (1951)"

    def scalars(self, t: Any, lr: Any, decays: Any = 1.0) -> Scalars:
        return _table(t, lr=lr)

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        return (w - scalars["lr"] * g,)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """v ← μ·v + g, w ← w − lr·v, as in PyTorch: the rate multiplies the velocity.

    With `rate_inside`, v ← μ·v − lr·g, w ← w + v, as in Sutskever et al. (2013), equation 1, and scikit-learn: the rate
    multiplies each gradient as it enters the velocity, which matters when the rate changes.
    """

    momentum: float = 0.9
    rate_inside: bool = False
    name = "momentum"
    source = "Polyak, Some Methods of Speeding up the Convergence of Iteration Methods (1964)"
    states = ("velocity",)
    limits: ClassVar[Limits] = {"momentum": UNIT_INTERVAL}

    def scalars(self, t: Any, lr: Any, decays: Any = 1.0) -> Scalars:
        return _table(t, lr=lr, momentum=self.momentum)

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        if self.rate_inside:
            velocity = scalars["momentum"] * states[0] - scalars["lr"] * g
            return w + velocity, velocity
        velocity = scalars["momentum"] * states[0] + g
        return w - scalars["lr"] * velocity, velocity


@dataclass(frozen=True)
class Nesterov(Momentum):
    """v ← μ·v + g, w ← w − lr·(g + μ·v), as in PyTorch; with `rate_inside`, v ← μ·v − lr·g, w ← w + μ·v − lr·g."""

    name = "nesterov"
    source = "Sutskever, Martens, Dahl & Hinton, On the Importance of Initialization (2013), equations 3 and 4"

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        if self.rate_inside:
            velocity = scalars["momentum"] * states[0] - scalars["lr"] * g
            return w + (scalars["momentum"] * velocity - scalars["lr"] * g), velocity
        velocity = scalars["momentum"] * states[0] + g
        return w - scalars["lr"] * (g + scalars["momentum"] * velocity), velocity


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """v ← v + g², w ← w − lr·g / (√v + ε)."""

    epsilon: float = 1e-10
    name = "adagrad"
    source = "Duchi, Hazan & Singer, Adaptive Subgradient Methods (2011), figure 1, the diagonal form"
    states = ("square_sum",)
    limits: ClassVar[Limits] = {"epsilon": ABOVE_ZERO}

    def scalars(self, t: Any, lr: Any, decays: Any = 1.0) -> Scalars:
        return _table(t, lr=lr, epsilon=self.epsilon)

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        square = states[0] + g * g
        return w - scalars["lr"] * g / (sqrt(square) + scalars["epsilon"]), square


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """v ← ρ·v + (1 − ρ)·g², w ← w − lr·g / (√v + ε)."""

    rho: float = 0.9
    epsilon: float = 1e-8
    name = "rmsprop"
    source = "Tieleman & Hinton, Neural Networks for Machine Learning (2012), lecture 6.5"
    states = ("square",)
    limits: ClassVar[Limits] = {"rho": HALF_OPEN_UNIT, "epsilon": ABOVE_ZERO}

    def scalars(self, t: Any, lr: Any, decays: Any = 1.0) -> Scalars:
        return _table(t, lr=lr, rho=self.rho, one_minus_rho=1 - self.rho, epsilon=self.epsilon)

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        square = scalars["rho"] * states[0] + scalars["one_minus_rho"] * (g * g)
        return w - scalars["lr"] * g / (sqrt(square) + scalars["epsilon"]), square


@dataclass(frozen=True)
class Adam(Optimizer):
    """m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², w ← w − lr·m̂ / (√v̂ + ε), m̂ = m/(1 − β₁^t), v̂ = v/(1 − β₂^t).

    This is Algorithm 1, as in PyTorch. `corrected_epsilon=False` selects the variant at the end of section 2 of the
    paper, which scikit-learn uses: lr·√(1 − β₂^t)/(1 − β₁^t) · m / (√v + ε).
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    corrected_epsilon: bool = True
    name = "adam"
    source = "Kingma & Ba, Adam: A Method for Stochastic Optimization (2015), Algorithm 1"
    states = ("mean", "square")
    limits: ClassVar[Limits] = {"beta1": HALF_OPEN_UNIT, "beta2": HALF_OPEN_UNIT, "epsilon": ABOVE_ZERO}

    def scalars(self, t: Any, lr: Any, decays: Any = 1.0) -> Scalars:
        root = np.sqrt(_one_minus_power(self.beta2, t))
        rate = lr / _one_minus_power(self.beta1, t)
        rate, scale = (rate, 1 / root) if self.corrected_epsilon else (rate * root, 1.0)
        one_minus = {"one_minus_beta1": 1 - self.beta1, "one_minus_beta2": 1 - self.beta2}
        constants = {"beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon, **one_minus}
        return _table(t, rate=rate, scale=scale, **constants)

    def _moments(self, g: Value, states: tuple[Value, ...], scalars: dict[str, Value]) -> tuple[Value, Value, Value]:
        """The new m and v, and √v̂ + ε."""
        mean = scalars["beta1"] * states[0] + scalars["one_minus_beta1"] * g
        square = scalars["beta2"] * states[1] + scalars["one_minus_beta2"] * (g * g)
        return mean, square, sqrt(square) * scalars["scale"] + scalars["epsilon"]

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        mean, square, root = self._moments(g, states, scalars)
        return w - scalars["rate"] * mean / root, mean, square


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, plus w ← w − lr·λ·w: the weight decay λ does not enter m and v.

    As in PyTorch, λ is multiplied by the rate; in Algorithm 2 of the paper, it is multiplied only by the factor of the
    schedule.
    """

    weight_decay: float = 0.01
    name = "adamw"
    source = "Loshchilov & Hutter, Decoupled Weight Decay Regularization (2019), Algorithm 2"
    limits: ClassVar[Limits] = {**Adam.limits, "weight_decay": NON_NEGATIVE}

    def scalars(self, t: Any, lr: Any, decays: Any = 1.0) -> Scalars:
        return {**super().scalars(t, lr), **_table(t, decay=lr * (np.float64(self.weight_decay) * decays))}

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        mean, square, root = self._moments(g, states, scalars)
        return w - scalars["decay"] * w - scalars["rate"] * mean / root, mean, square


@dataclass(frozen=True)
class NAdam(Adam):
    """Adam with Nesterov momentum: m̂ = β₁·m/(1 − β₁^(t+1)) + (1 − β₁)·g/(1 − β₁^t), with constant β₁.

    PyTorch and Dozat's experiments let β₁ grow with t; here it is constant, as in his Algorithm 2.
    """

    name = "nadam"
    source = "Dozat, Incorporating Nesterov Momentum into Adam (2016), Algorithm 2"

    def scalars(self, t: Any, lr: Any, decays: Any = 1.0) -> Scalars:
        adam = super().scalars(t, lr)
        rate = adam.pop("rate")
        ratio = _one_minus_power(self.beta1, t) / _one_minus_power(self.beta1, np.asarray(t) + 1)
        return {**adam, **_table(t, rate_mean=rate * ratio * self.beta1, rate_gradient=rate * (1 - self.beta1))}

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        mean, square, root = self._moments(g, states, scalars)
        return w - (scalars["rate_mean"] * mean + scalars["rate_gradient"] * g) / root, mean, square


OPTIMIZERS: dict[str, type[Optimizer]] = {
    entry.name: entry for entry in (SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW, NAdam)
}
OptimizerLike = str | Optimizer | type[Optimizer]


def optimizer(identifier: OptimizerLike) -> Optimizer:
    """Return an optimiser from its name, its class or itself."""
    return resolve_entry(OPTIMIZERS, "optimizer", identifier, Optimizer)
