"""How a run trains, and where it stands: the two records that a Training (training.py) is driven by, and their sums."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from glassnet.program.parameters import Array
from glassnet.tables.optimizers import Optimizer
from glassnet.tables.schedules import Schedule
from glassnet.training.history import Report


class Recipe(NamedTuple):
    """How a run trains: everything that decides its numbers, beside the network and the data.

    `by_samples` is scikit-learn's way with batches: the penalty of each is divided by its Σw, and an epoch's cost is
    the mean of its batches' costs by their numbers of samples, whatever their weights.
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
    shuffle: bool = True
    run: int = 0
    by_samples: bool = False


@dataclass
class Counters:
    """Where a run stands: epochs finished, batches done in this one, steps taken, costs so far, and the best epoch."""

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

    They are added one by one, so that the sums do not depend on where the values are cut.
    """
    counts = np.diff(ends, prepend=0)
    table = np.zeros((len(ends), 1 + int(counts.max())))
    table[0, 0] = start
    table[:, 1:][np.arange(table.shape[1] - 1) < counts[:, np.newaxis]] = values
    totals: list[float] = np.cumsum(table, axis=1)[:, -1].tolist()
    return totals
