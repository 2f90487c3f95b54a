"""The learning rates of a run in lanes: those of one process, times a factor that is reached over the first epochs.

A lane makes fewer steps than one process would, each of which several lanes share; larger steps make up for some of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.program.parameters import Array
from glassnet.tables.schedules import Constant, Schedule
from glassnet.training.recipe import Recipe


@dataclass(frozen=True)
class LaneRates(Schedule):
    """The rates of a schedule times a factor that rises from 1 to `factor` in the first `warm_up` epochs."""

    schedule: Schedule
    factor: float
    warm_up: float
    name = "lane_rates"
    source = "Goyal et al., Accurate, Large Minibatch SGD (2017), sections 2.1 and 2.2"

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Array:
        """The rate of each step."""
        rise = np.minimum((np.asarray(t, np.float64) + 1) / max(self.warm_up * per_epoch, 1), 1)
        return self.schedule.rates(lr, t, total, per_epoch) * (1 + (self.factor - 1) * rise)


@dataclass(frozen=True)
class GivenRates(Schedule):
    """The rates of some steps, computed before: a lane needs no schedule, and every lane has the same."""

    first: int
    values: tuple[float, ...]
    name = "given_rates"
    source = "computed from a schedule"

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Array:
        """The rate of each step; after the last one it stays."""
        steps = np.asarray(t, np.int64) - self.first
        return np.asarray(self.values)[np.minimum(steps, len(self.values) - 1)]


def with_given_rates(recipe: Recipe, steps: Array, per_epoch: int) -> Recipe:
    """The recipe of these steps, whose schedules are replaced by their values."""

    def given(schedule: Schedule, lr: float) -> Schedule:
        if isinstance(schedule, Constant):
            return schedule
        values = schedule.rates(lr, steps, per_epoch * recipe.epochs, per_epoch)
        return GivenRates(int(steps[0]), tuple(np.asarray(values).tolist()))

    dropout = None if recipe.dropout_schedule is None else given(recipe.dropout_schedule, 1.0)
    return recipe._replace(
        schedule=given(recipe.schedule, recipe.lr),
        decay_schedule=given(recipe.decay_schedule, 1.0),
        dropout_schedule=dropout,
    )
