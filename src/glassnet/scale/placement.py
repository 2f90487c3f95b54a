"""Which worker had best compute which lane: neighbours on one worker, which then sends one mean for all of them.

It is a wish: Dask gives a lane to another worker if this one is gone or busy, and the bits are the same wherever it is
computed. A block is read where its lane is computed, so that it does not have to travel.
"""

from __future__ import annotations

import time
from typing import Any

from glassnet.scale.cluster_watch import INFO_SECONDS

FEW_WORKERS = 3  # to which one worker can send as fast as a tree of them
MAX_AGE = 1.0  # seconds for which what is known of the workers counts


class LanePlacement:
    """The workers of a cluster in an order that stays; one that is started in the place of another takes its lanes."""

    def __init__(self, client: Any) -> None:
        self.client, self.workers = client, list[str]()
        self.threads: list[str] = []  # the worker of each thread
        self.time = -MAX_AGE

    def update(self) -> None:
        """Ask the scheduler for its workers, unless that was done just now. If it is busy, nothing changes."""
        if time.monotonic() - self.time < MAX_AGE:
            return
        try:
            threads = self.client.sync(self.client.scheduler.ncores, callback_timeout=INFO_SECONDS)
        except (OSError, TimeoutError, AttributeError):
            return
        self.time = time.monotonic()
        self.take(threads)

    def take(self, threads: dict[str, int]) -> None:
        """Take these workers, with their numbers of threads, as those of now."""
        new = [worker for worker in threads if worker not in self.workers]
        current = [worker if worker in threads else (new.pop(0) if new else None) for worker in self.workers]
        self.workers = [worker for worker in current if worker is not None] + new
        self.threads = [worker for worker in self.workers for _ in range(threads[worker])]

    def worker(self, lane: int, lanes: int) -> str | None:
        """The worker of a lane; None if there is no choice."""
        if len(self.workers) < 2:
            return None
        return self.threads[lane * len(self.threads) // lanes]


def sender(worker: int) -> int:
    """From which worker another one gets what all need: each that has it sends it on, so that their number doubles."""
    return worker & ~(1 << worker.bit_length() - 1)
