"""The schedules: how the learning rate changes over a run, one float64 rate per step.

A schedule depends on the step number alone, so a run that is interrupted and resumed uses the same rates. After the
end of the run the last rate stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glassnet.tables.entry import Entry, Limits, resolve_entry
from glassnet.tables.interval import NON_NEGATIVE, POSITIVE, UNIT_INTERVAL

Floats = NDArray[np.float64]


class Schedule(Entry):
    """The learning rate of each step of a run."""

    name: str
    source: str

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        """The rates of the steps t, counted from 0, of a run of `total` steps with `per_epoch` steps per epoch."""
        raise NotImplementedError


def _steps(t: Any) -> Floats:
    return np.asarray(t, np.float64)


def _half_cosine(start: float, end: float, fraction: Floats) -> Floats:
    """From start (fraction 0, exactly) to end (fraction 1) along half a cosine wave."""
    weight = 0.5 * (1 - np.cos(np.pi * np.clip(fraction, 0, 1)))
    return start * (1 - weight) + end * weight


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate at every step."""

    name = "constant"
    source = "a constant rate"

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        return np.full(np.shape(t), lr, np.float64)


@dataclass(frozen=True)
class Step(Schedule):
    """The rate times `factor` after every `every` epochs."""

    every: int = 10
    factor: float = 0.1
    name = "step"
    source = "Krizhevsky, Sutskever & Hinton, ImageNet Classification (2012), section 5"
    limits: ClassVar[Limits] = {"every": 1, "factor": POSITIVE}

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        return lr * np.float64(self.factor) ** (_steps(t) // (per_epoch * self.every))


@dataclass(frozen=True)
class Exponential(Schedule):
    """The rate times `factor` after every epoch."""

    factor: float = 0.95
    name = "exponential"
    source = "Darken & Moody, Towards Faster Stochastic Gradient Search (1992), on schedules; the form is PyTorch's"
    limits: ClassVar[Limits] = {"factor": POSITIVE}

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        return lr * np.float64(self.factor) ** (_steps(t) // per_epoch)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """lr / (t + 1)^power at step t; with `samples`, t counts samples, once per epoch, as in scikit-learn."""

    power: float = 0.5
    samples: int | None = None
    name = "inverse_scaling"
    source = "Robbins & Monro, A Stochastic Approximation Method (1951), equation 27"
    limits: ClassVar[Limits] = {"power": NON_NEGATIVE, "samples": 1}

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        count = _steps(t) if self.samples is None else (_steps(t) // per_epoch) * self.samples
        return lr / (count + 1) ** self.power


@dataclass(frozen=True)
class Cosine(Schedule):
    """From lr down to the rate `floor` along half a cosine wave; the step after the last one would have `floor`."""

    floor: float = 0.0
    name = "cosine"
    source = "Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017), equation 5, no restart"
    limits: ClassVar[Limits] = {"floor": NON_NEGATIVE}

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        return _half_cosine(lr, self.floor, _steps(t) / total)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """From lr up to the rate `peak` in the fraction `rise` of the run, then down to 0, each along half a cosine wave.

    `peak` is 10·lr if not given. The step after the last one would have the rate 0.
    """

    peak: float | None = None
    rise: float = 0.3
    name = "one_cycle"
    source = "Smith & Topin, Super-Convergence (2018), section 3; half cosines as in PyTorch"
    limits: ClassVar[Limits] = {"peak": POSITIVE, "rise": UNIT_INTERVAL}

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        peak = 10 * lr if self.peak is None else self.peak
        turn = self.rise * total
        steps = _steps(t)
        up = _half_cosine(lr, peak, steps / max(turn, 1))
        down = _half_cosine(peak, 0.0, (steps - turn) / max(total - turn, 1))
        return np.where(steps < turn, up, down)


@dataclass(frozen=True)
class WarmUp(Schedule):
    """From lr/n up to lr in n equal steps, then constant; n is `steps` or, if None, the fraction `share` of the run."""

    steps: int | None = None
    share: float = 0.05
    name = "warm_up"
    source = "Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.2, gradual warm-up"
    limits: ClassVar[Limits] = {"steps": 1, "share": UNIT_INTERVAL}

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        steps = np.ceil(self.share * total) if self.steps is None else self.steps
        return lr * np.minimum((_steps(t) + 1) / max(steps, 1), 1)


@dataclass(frozen=True)
class CosLog4(Schedule):
    """lr·½·(1 − cos(2π·log₂(1 + 15·s))), s the fraction of the run: four cosine waves, each twice as long as the last.

    The rate is 0 at the start and after 1/15, 3/15, 7/15 and all of the run, and lr between these points.
    """

    name = "coslog4"
    source = "Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs (2024), section 3"

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        fraction = np.clip(_steps(t) / total, 0, 1)
        return lr * (0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * fraction))))


@dataclass(frozen=True)
class FlatCos(Schedule):
    """lr for the first half of the run, then down to 0 along half a cosine wave."""

    name = "flat_cos"
    source = "Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs (2024), section 3"

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        return _half_cosine(lr, 0.0, 2 * _steps(t) / total - 1)


SCHEDULES: dict[str, type[Schedule]] = {
    entry.name: entry
    for entry in (Constant, Step, Exponential, InverseScaling, Cosine, OneCycle, WarmUp, CosLog4, FlatCos)
}
ScheduleLike = str | Schedule | type[Schedule]


def schedule(identifier: ScheduleLike) -> Schedule:
    """Return a schedule from its name, its class or itself."""
    return resolve_entry(SCHEDULES, "schedule", identifier, Schedule)
