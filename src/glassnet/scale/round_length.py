"""How long a round should be: so many steps that sending the state takes a small share of the time.

The prediction has fixed rates for a usual processor and network, so that the same data and network always get the same
rounds, on any machine.
"""

from __future__ import annotations

import math
from typing import NamedTuple

STEP_FLOPS = 50e9  # per second that one thread does in float32, and half as many in float64
ROUND_SECONDS = 0.015  # that a round takes on a cluster, whatever it computes
TASK_SECONDS = 0.001  # that Dask takes for a task; a lane has two, its steps and its part of the mean
NETWORK_BYTES = 1e9  # per second between two machines, 10 Gbit/s
MAX_SHARE = 0.1  # of a round's time that communication takes
FEW_ROUNDS = 4  # with which a small network learns about as much as with more


class StateSize(NamedTuple):
    """Parameters, the number of vectors of that length that are averaged, and the bytes of a number."""

    parameters: int
    vectors: int
    itemsize: int


def step_seconds(size: StateSize, batch_size: int) -> float:
    """The time of one step of one lane: 6 operations per parameter and sample."""
    return 6 * size.parameters * batch_size * (size.itemsize / 4) / STEP_FLOPS


def communication_seconds(size: StateSize, lanes: int) -> float:
    """The time in which the state reaches all lanes and their results are joined by a tree."""
    state_bytes = size.vectors * size.parameters * size.itemsize
    return ROUND_SECONDS + 2 * lanes * TASK_SECONDS + (2 + math.ceil(math.log2(lanes))) * state_bytes / NETWORK_BYTES


def steps_per_round(size: StateSize, batch_size: int, lanes: int, batches_per_epoch: int) -> int:
    """The fewest steps with which communication takes at most MAX_SHARE of a round, in rounds of equal length.

    Where a whole epoch is too short for that, which one process computes sooner anyway, an epoch has FEW_ROUNDS.
    """
    steps = communication_seconds(size, lanes) * (1 / MAX_SHARE - 1) / step_seconds(size, batch_size)
    rounds = int(batches_per_epoch / max(steps, 1)) or FEW_ROUNDS
    return -(-batches_per_epoch // rounds)
