"""How members share a time limit: fewer epochs each, then fewer members, so that their schedules come to an end.

A schedule that is cut off leaves the network at a high rate, which costs more than the epochs that are left out. Only
with a time limit do the results depend on how fast the machine is.
"""

from __future__ import annotations

import math
import threading
import time

import numpy as np

from glassnet.tabular.hyperparameters import Hyperparameters
from glassnet.tabular.member_network import build_network, train_network
from glassnet.tabular.training_data import TrainingData

PROBE_EPOCHS = 2  # the first may wait for the compiler
MAX_PROBE_SHARE = 0.2  # of the time limit
PLANNED_SHARE = 0.85  # of the time limit, for the epochs; the rest is for what is not foreseen
MIN_EPOCHS = 12  # below these, fewer members are better than fewer epochs


class TimeShares:
    """The time for each member: what is left, divided by the rounds of members that are left."""

    def __init__(self, time_limit: float | None) -> None:
        self.end = math.inf if time_limit is None else time.perf_counter() + time_limit
        self.waiting, self.threads, self.lock = 1, 1, threading.Lock()

    def divide(self, members: int, threads: int) -> None:
        """From here on, the time is shared among so many members."""
        self.waiting, self.threads = members, threads

    def seconds_left(self) -> float | None:
        """The seconds that are left, more than 0; None without a limit."""
        return None if self.end == math.inf else max(self.end - time.perf_counter(), 1e-3)

    def next_limit(self) -> float | None:
        """The seconds for the member that begins now; None without a limit."""
        with self.lock:
            rounds = max(math.ceil(self.waiting / self.threads), 1)
            self.waiting -= 1
        left = self.seconds_left()
        return None if left is None else left / rounds


def within_time(
    data: TrainingData, hyperparameters: Hyperparameters, shares: TimeShares, threads: int, seed: int
) -> Hyperparameters:
    """The hyperparameters with as many epochs, and then members, as the time allows, as some epochs tell."""
    seconds = epoch_seconds(data, hyperparameters, seed, (shares.seconds_left() or math.inf) * MAX_PROBE_SHARE)
    return planned(hyperparameters, (shares.seconds_left() or math.inf) * PLANNED_SHARE / seconds, threads)


def planned(hyperparameters: Hyperparameters, epochs: float, threads: int) -> Hyperparameters:
    """The hyperparameters where a thread has time for so many epochs in total."""
    rounds = math.ceil(hyperparameters.members / threads)
    if rounds * hyperparameters.epochs <= epochs:
        return hyperparameters
    least = min(MIN_EPOCHS, hyperparameters.epochs)
    rounds = min(rounds, max(int(epochs / least), 1))
    members = min(hyperparameters.members, rounds * threads)
    return hyperparameters._replace(members=members, epochs=min(hyperparameters.epochs, max(int(epochs / rounds), 1)))


def epoch_seconds(data: TrainingData, hyperparameters: Hyperparameters, seed: int, limit: float) -> float:
    """The seconds of an epoch of one member; from a part of one where the limit is reached before."""
    started, times = time.perf_counter(), [0.0]
    rows = np.arange(round(len(data.x) * (1 - 1 / hyperparameters.holdouts)))
    probe = hyperparameters.of_member(0)._replace(epochs=PROBE_EPOCHS)
    network = build_network(data, probe, seed)
    history = train_network(
        network, data.part(rows), probe, limit, lambda report: times.append(time.perf_counter() - started)
    )
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    if len(times) > 1:
        return times[-1] - times[-2]
    return time.perf_counter() - started
