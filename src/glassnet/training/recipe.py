"""How a run trains and how far it has come: the two records that drive a Training (training.py)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import StreamedSources
from glassnet.program.parameters import Array
from glassnet.program.updates import StepOptions
from glassnet.tables.optimizers import Optimizer
from glassnet.tables.schedules import Constant, Schedule
from glassnet.training.history import Report


class Recipe(NamedTuple):
    """How a run trains: everything that decides its numbers, apart from the model and the data.

    `factors` and `decay_factors` multiply the rate and the weight decay of each segment of the parameters, where they
    are given; `decay_schedule` multiplies the decay of each step, `dropout_schedule` the rates of dropout.
    `validation_metric` names what chooses the best epoch (None: the validation cost, where `patience` is given).
    `penalty_per_weight` is scikit-learn's treatment of
    batches: the penalty of each is divided by its Σw, and the cost of an epoch is the mean of its batches' costs
    weighted by their numbers of samples, whatever the sample weights.
    """

    batch_size: int
    epochs: int
    lr: float
    optimizer: Optimizer
    schedule: Schedule
    patience: int | None = None
    clip_norm: float | None = None
    clip_value: float | None = None
    factors: tuple[float, ...] = ()
    decay_factors: tuple[float, ...] = ()
    decay_schedule: Schedule = Constant()
    shuffle: bool = True
    run: int = 0
    penalty_per_weight: bool = False
    max_norm: float | None = None
    dropout_schedule: Schedule | None = None
    validation_metric: str | None = None

    @property
    def judges(self) -> bool:
        """Whether the weights of the best epoch are kept."""
        return self.patience is not None or self.validation_metric is not None

    @property
    def best_by(self) -> str:
        """What is smallest in the best epoch."""
        return f"validation {self.validation_metric or 'cost'}"

    def step_options(self, sources: Sources | StreamedSources) -> StepOptions:
        """What decides the equations of a step, apart from the architecture."""
        weighted, labels = sources.weights is not None, sources.y.ndim == 1
        return StepOptions(
            self.optimizer,
            weighted=weighted,
            labels=labels,
            clip_norm=self.clip_norm is not None,
            clip_value=self.clip_value is not None,
            factors=self.factors,
            decay_factors=self.decay_factors,
            max_norm=self.max_norm is not None,
            dropout_schedule=self.dropout_schedule is not None,
        )


@dataclass
class Counters:
    """How far a run has come: finished epochs, batches of the present one, steps, costs so far, and the best epoch."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    cost_sum: float = 0.0
    weight_sum: float = 0.0
    best_epoch: int = 0
    best_cost: float = math.inf
    waited: int = 0
    reports: list[Report] = field(default_factory=list)


def running_sums(values: Array, ends: Array, start: float) -> list[float]:
    """The sum of the values up to the first end, added to `start`, then of those up to each further one.

    They are added one by one, so that the sums do not depend on how the values are split over calls.
    """
    counts = np.diff(ends, prepend=0)
    table = np.zeros((len(ends), 1 + int(counts.max())))
    table[0, 0] = start
    table[:, 1:][np.arange(table.shape[1] - 1) < counts[:, np.newaxis]] = values
    return np.cumsum(table, axis=1)[:, -1].tolist()
