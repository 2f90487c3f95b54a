"""How a run trains, and where it stands: the two records that a Training (training.py) is driven by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from glassnet.history import Report
from glassnet.tables.optimizers import Optimizer
from glassnet.tables.schedules import Schedule


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
