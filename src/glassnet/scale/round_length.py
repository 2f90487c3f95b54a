"""How long a round should be: so many steps that sending the state takes a small share of the time.

The prediction has fixed rates, so that the same data and network always get the same rounds, on any machine. They were
measured on two processors with a cluster of two processes (docs/scale.md); round_times.py measures those of a run.
"""

from __future__ import annotations

import math
from typing import NamedTuple

STEP_FLOPS = 50e9  # per second that one thread does in float32, and half as many in float64
ROUND_SECONDS = 0.03  # that a round takes on a cluster, whatever it computes
TASK_SECONDS = 0.002  # that Dask takes for a task; a lane has two, its steps and its part of the mean
COPY_BYTES = 1e9  # per second that a process sends to another: 10 Gbit/s, and about what one processor can copy
MEAN_BYTES = 1e9  # per second of which a mean is computed, and as many of which the next round begins
END_COPIES = 4  # of the state in each round from the client by the scheduler to a worker, and back
MAX_SHARE = 0.1  # of a round's time that communication takes
FEW_ROUNDS = 4  # with which a small network learns about as much as with more


class RoundTime(NamedTuple):
    """The seconds of a round: of the steps of one thread's lanes, and of everything else."""

    computing: float
    communication: float

    @property
    def seconds(self) -> float:
        """All of them."""
        return self.computing + self.communication

    @property
    def share(self) -> float:
        """The share of communication."""
        return self.communication / self.seconds


class StateSize(NamedTuple):
    """Parameters, the number of vectors of that length that are averaged, and the bytes of a number."""

    parameters: int
    vectors: int
    itemsize: int


def step_seconds(size: StateSize, batch_size: int) -> float:
    """The time of one step of one lane: 6 operations per parameter and sample."""
    return 6 * size.parameters * batch_size * (size.itemsize / 4) / STEP_FLOPS


def communication_seconds(size: StateSize, lanes: int) -> float:
    """The time in which the state reaches all lanes, each on a machine of its own, and a tree joins their results.

    Each level of the tree is a copy of the state on the way out; on the way back it is a copy and a mean.
    """
    state_bytes, levels = size.vectors * size.parameters * size.itemsize, math.ceil(math.log2(lanes))
    copying = (END_COPIES + 2 * levels) * state_bytes / COPY_BYTES
    return ROUND_SECONDS + 2 * lanes * TASK_SECONDS + copying + (1 + levels) * state_bytes / MEAN_BYTES


def steps_per_round(size: StateSize, batch_size: int, lanes: int, batches_per_epoch: int) -> int:
    """The fewest steps with which communication takes at most MAX_SHARE of a round, in rounds of equal length.

    An epoch that is too short for that is one round if it has at least half of these steps. Otherwise one process would
    be faster anyway, and an epoch has FEW_ROUNDS.
    """
    steps = communication_seconds(size, lanes) * (1 / MAX_SHARE - 1) / step_seconds(size, batch_size)
    rounds = int(batches_per_epoch / max(steps, 1)) or (1 if 2 * batches_per_epoch >= steps else FEW_ROUNDS)
    return -(-batches_per_epoch // rounds)
