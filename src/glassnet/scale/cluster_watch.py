"""Watches the workers of a cluster while something is computed, so that nobody waits for one that never answers.

Dask itself notices a worker that dies. One that is frozen keeps its connections: only its heartbeats stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from glassnet.errors import ClusterError, counted

KILL_SECONDS = 30.0  # within which a nanny has to restart its worker
INFO_SECONDS = 5.0  # after which a scheduler that has not answered is asked again
MIN_SILENCE = 10.0  # seconds that a busy scheduler may need to answer, whatever the timeout
START_SECONDS = 60.0  # that a slow machine needs to start a worker, whatever the timeout
MORE_MEMORY = "its block may need more memory than a worker has: take smaller blocks or larger workers"
FEW_NAMES = 3  # of tasks that a message lists
BUSY_STATES = ("executing", "long-running", "flight", "cancelled", "resumed")  # a cancelled task may still be running
MAX_REPORT_AGE = 2.0  # seconds, up to which the last report of a worker still counts


class NoWorkerError(ClusterError):
    """A cluster has had no worker for too long."""


class ClusterWatch:
    """What a client knows of the workers: when each gave a sign of life, and since when it has been paused.

    `timeout` is how long a worker may be silent or paused, the scheduler may be silent, or there may be no worker, in
    seconds; `revive` is called each time, to start workers again where that is up to us; `token` is in the keys of all
    tasks of ours.
    """

    def __init__(self, client: Any, timeout: float, revive: Callable[[], None] | None = None, token: str = "") -> None:
        self.client, self.timeout, self.revive, self.token = client, timeout, revive, token
        self.last_addresses: list[str] = []  # of the workers that were seen last
        self.heartbeats: dict[str, tuple[float, float]] = {}  # the scheduler's time of it, and ours when that changed
        self.paused: dict[str, float] = {}
        self.last_worker = time.monotonic()
        self.last_activity = self.last_answer = time.monotonic()
        self.restarts: list[str] = []  # sentences about what was done

    def begin(self) -> None:
        """Begin to wait for something new."""
        self.last_worker = self.last_activity = self.last_answer = time.monotonic()
        self.heartbeats.clear()
        self.paused.clear()

    def check(self) -> None:
        """Look at the workers once; restart those that are frozen. Raises ClusterError where nothing can go on."""
        if self.revive is not None:
            self.revive()
        workers, now = self._workers(), time.monotonic()
        if workers is None:
            self.last_activity = now  # nobody knows that the workers are idle
            return
        if workers:
            self.last_worker, self.last_addresses = now, list(workers)
        elif now - self.last_worker > max(self.timeout, START_SECONDS):
            raise self._no_worker()
        silences = {address: self._silence(address, worker, now) for address, worker in workers.items()}
        if not workers or max(silences.values()) > MAX_REPORT_AGE or any(map(busy, workers.values())):
            self.last_activity = now
        for address, worker in workers.items():
            self._check_memory(address, worker, now)
            if silences[address] > self.timeout:
                self._restart(address, worker)

    @property
    def idle_seconds(self) -> float:
        """How long all workers have computed and fetched nothing, as far as they have said."""
        return time.monotonic() - self.last_activity

    @property
    def address(self) -> str:
        """That of the scheduler."""
        return str(self.client.scheduler.address if self.client.scheduler is not None else "")

    def _workers(self) -> dict[str, Any] | None:
        """What the scheduler says of its workers, by address; None where it is too busy to answer now.

        Raises ClusterError where it has not answered for too long.
        """
        if self.client.status not in ("running", "newly-created"):
            raise self.lost()
        try:
            info = self.client.sync(self.client.scheduler.identity, n_workers=-1, callback_timeout=INFO_SECONDS)
        except (OSError, TimeoutError, AttributeError) as error:
            if time.monotonic() - self.last_answer > max(self.timeout, MIN_SILENCE):
                raise self.lost() from error
            return None
        self.last_answer = time.monotonic()
        return dict(info["workers"])

    def _no_worker(self) -> NoWorkerError:
        """The error about a cluster without workers; it names what the last of them had to compute when they died."""
        waited = f"the scheduler {self.address} has had no worker for {max(self.timeout, START_SECONDS):g} s"
        keys, times = self._deadly_tasks()
        if not times:
            return NoWorkerError(f"{waited}; start workers, and go on from the checkpoint with resume=True.")
        name = one_of([key.split(f"-{self.token}")[0] for key in keys])
        last = f", the last of them {self.last_addresses[-1]}" if self.last_addresses else ""
        died = f"since {counted(times, 'worker')} died that had {name} to compute{last}"
        return NoWorkerError(f"{waited}, {died}; {MORE_MEMORY}, start them, and go on with resume=True.")

    def _deadly_tasks(self) -> tuple[list[str], int]:
        """The keys of the tasks that most workers had when they died, and how many these are; 0 if nobody knows."""
        try:
            keys, times = self.client.run_on_scheduler(_deadliest, token=self.token)
        except Exception:  # a scheduler need not have glassnet, and may be gone by now
            return [], 0
        return list(keys), int(times)

    def lost(self) -> ClusterError:
        """The error about a scheduler that no longer answers."""
        return ClusterError(
            f"the scheduler {self.address} no longer answers; start it and its workers again, and go on from the "
            "checkpoint with resume=True."
        )

    def _silence(self, address: str, worker: Any, now: float) -> float:
        """For how long a worker has given no sign of life, by our clock: those of two machines may differ."""
        stamp = float(worker["last_seen"])
        known = self.heartbeats.get(address)
        if known is None or known[0] != stamp:
            self.heartbeats[address] = (stamp, now)
            return 0.0
        return now - known[1]

    def _check_memory(self, address: str, worker: Any, now: float) -> None:
        if worker["status"] != "paused":
            self.paused.pop(address, None)
        elif now - self.paused.setdefault(address, now) > self.timeout:
            used, limit = worker["metrics"].get("memory", 0) >> 20, (worker["memory_limit"] or 0) >> 20
            raise ClusterError(
                f"the worker {address} has been paused for {self.timeout:g} s because it uses {used:,} of its "
                f"{limit:,} MB; take smaller blocks, more workers or a higher memory limit, and go on with resume=True."
            )

    def _restart(self, address: str, worker: Any) -> None:
        """Kill a frozen worker; its nanny starts another one, and the scheduler gives its tasks to others."""
        self.heartbeats.pop(address, None)
        self.restarts.append(f"the worker {address} gave no sign of life for {self.timeout:g} s and was restarted")
        try:
            if worker.get("nanny"):
                self.client.restart_workers([address], timeout=KILL_SECONDS, raise_for_error=False)
            else:
                self.client.run_on_scheduler(_remove_worker, address=address)
        except (OSError, TimeoutError, RuntimeError) as error:
            if self.client.status != "running":
                raise self.lost() from error


async def _remove_worker(dask_scheduler: Any, address: str) -> None:
    """Let a scheduler forget a worker, whose tasks then go to others."""
    await dask_scheduler.remove_worker(address=address, stimulus_id="glassnet-frozen-worker", close=False)


def _deadliest(dask_scheduler: Any, token: str) -> tuple[list[str], int]:
    """The keys of the tasks that Dask suspects most, and how many workers died that had them.

    For a task of the person's it is the key of the first of ours that depends on it.
    """
    tasks = list(dask_scheduler.tasks.values())
    times = max((task.suspicious for task in tasks), default=0)
    return sorted({_our_key(task, token) for task in tasks if times and task.suspicious == times}), times


def _our_key(task: Any, token: str) -> str:
    while token not in str(task.key) and task.dependents:
        task = next(iter(task.dependents))
    return str(task.key)


def busy(worker: Any) -> bool:
    """Whether a worker computes or fetches something, as it says itself."""
    metrics = worker.get("metrics", {})
    counts = metrics.get("task_counts", {})
    return any(counts.get(state) for state in BUSY_STATES) or bool(metrics.get("transfer", {}).get("incoming_bytes"))


def one_of(names: Sequence[str]) -> str:
    """Names of which one is meant."""
    listed = " or ".join(names[:FEW_NAMES])
    return f"{listed} or one of {len(names) - FEW_NAMES} others" if len(names) > FEW_NAMES else listed


def killed_sentence(what: str, worker: str, times: int) -> str:
    """The sentence about a task whose workers die again and again."""
    return (
        f"{what} was given up after {counted(times, 'worker')} died over it, the last of them {worker}; {MORE_MEMORY}, "
        "and go on with resume=True."
    )
