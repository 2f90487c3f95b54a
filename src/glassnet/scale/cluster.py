"""Sends tasks to a cluster of Dask, and waits for what they give whatever happens to its workers meanwhile.

A worker that dies is Dask's business: its tasks go to others. What is left are workers that freeze, tasks over which
workers die again and again, and schedulers that are gone.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import dask
from dask.base import annotate
from dask.delayed import delayed
from distributed import KilledWorker

from glassnet.errors import ClusterError, GlassnetError
from glassnet.scale.cluster_watch import INFO_SECONDS, ClusterWatch, NoWorkerError, killed_sentence, one_of
from glassnet.scale.placement import LanePlacement

POLL_SECONDS = 1.0
STALL_SECONDS = 8.0  # after which a computation that no worker works on is sent again; doubled with each attempt
MAX_ATTEMPTS = 4
SENDING = threading.Lock()  # while Dask's warning about large graphs is off, for all threads


GO_ON = "start the cluster again, and go on from the checkpoint with resume=True"


class StalledError(Exception):
    """No worker computes anything, although a result is missing."""


class Cluster:
    """Sends tasks to a cluster and waits for what they give, whatever happens to its workers meanwhile."""

    def __init__(self, client: Any, timeout: float, revive: Callable[[], None] | None = None) -> None:
        self.token = uuid.uuid4().hex[:10]
        self.client, self.watch = client, ClusterWatch(client, timeout, revive, self.token)
        self.placement = LanePlacement(client)
        self.pool = ThreadPoolExecutor(1, "glassnet-gather")
        self.count = 0
        self.failed: list[int] = []  # the numbers of the tasks that raised an error

    def task(self, function: Callable[..., Any], name: str, *arguments: Any, worker: str | None = None) -> Any:
        """A task, to be sent later; `name` is what messages call it, `worker` the one that had best compute it."""
        self.count += 1
        wish = {} if worker is None else {"workers": [worker], "allow_other_workers": True}
        with annotate(**wish):
            return delayed(function, pure=False)(*arguments, dask_key_name=f"{name}-{self.token}-{self.count}")

    def send(self, tasks: Sequence[Any]) -> list[Any]:
        """Send tasks; their results stay on the workers."""
        with SENDING, dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TiB"}):
            return list(self.client.compute(list(tasks), optimize_graph=False))

    def results(self, build: Callable[[], Sequence[Any]], names: Sequence[str] = ()) -> list[Any]:
        """What the tasks that `build` makes give, in their order; it is called again where they are lost.

        `names` are what messages call them. Raises ClusterError, and whatever error of glassnet a task raises.
        """
        for attempt in range(MAX_ATTEMPTS):
            futures: list[Any] = []
            try:
                futures = self.send(build())
                return self._gathered(futures, STALL_SECONDS * 2**attempt)
            except KilledWorker as error:
                if attempt == MAX_ATTEMPTS - 1:
                    raise self._killed(error, names) from error
            except NoWorkerError as error:  # what has killed them says more
                raise self._killed_before(futures, names) or error from None
            except StalledError as error:
                if attempt == MAX_ATTEMPTS - 1:
                    raise ClusterError(f"the workers of {self.watch.address} have nothing to do; {GO_ON}.") from error
            except GlassnetError:
                raise
            except Exception as error:  # of a task, or where none has failed, of Dask, which has lost something
                if self.failed:
                    raise self._task_error(error, names) from error
                if attempt == MAX_ATTEMPTS - 1 or self.client.status != "running":
                    raise self.watch.lost() from error
            finally:
                for future in futures:
                    future.release()
        raise AssertionError

    def _gathered(self, futures: list[Any], stall_seconds: float) -> list[Any]:
        """The results; a thread waits for them, while this one watches the workers."""
        self.watch.begin()
        job: ThreadFuture[list[Any]] = self.pool.submit(self.client.gather, futures)
        try:
            while True:
                try:
                    return job.result(timeout=POLL_SECONDS)
                except TimeoutError:
                    if job.done():
                        raise
                self.watch.check()
                if self.watch.idle_seconds > stall_seconds and not job.done():
                    raise StalledError
        except BaseException:
            self.failed = [number for number, future in enumerate(futures) if future.status == "error"]
            self._give_up(futures)
            raise

    def _give_up(self, futures: list[Any]) -> None:
        """Cancel tasks, and leave the thread that waits for them behind."""
        threading.Thread(target=quietly, args=(partial(self.client.cancel, futures, force=True),), daemon=True).start()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.pool = ThreadPoolExecutor(1, "glassnet-gather")

    def _task_error(self, error: Exception, names: Sequence[str]) -> ClusterError:
        """The error about what a task has raised, such as the person's own function that reads a block."""
        if isinstance(error, MemoryError) and f"-{self.token}" in str(error):
            return ClusterError(self._too_large(str(error)))
        where = f"{names[self.failed[0]]}: " if names else ""
        return ClusterError(f"{where}{type(error).__name__}: {error}; this came from a worker.")

    def _too_large(self, text: str) -> str:
        """The sentence about a task whose blocks fit on no worker, of which Dask says "Task 'KEY' has ..."."""
        task, _, reason = text.partition(f"-{self.token}")
        reason = reason.partition("' ")[2].rstrip(". ")
        advice = "take smaller steps_per_round, smaller blocks or larger workers, and go on with resume=True"
        return f"{task.removeprefix('Task ').lstrip(chr(39))} {reason}; {advice}."

    def _killed_before(self, futures: Sequence[Any], names: Sequence[str]) -> ClusterError | None:
        """The error about the task over which workers have died, where Dask has given one up."""
        errors = [futures[number].exception(timeout=INFO_SECONDS) for number in self.failed]
        return next((self._killed(error, names) for error in errors if isinstance(error, KilledWorker)), None)

    def _killed(self, error: KilledWorker, names: Sequence[str]) -> ClusterError:
        """The error about a task over which workers die: one of ours, or one of the person's that a block needs."""
        worker = getattr(error.last_worker, "address", error.last_worker)
        name = str(error.task).split(f"-{self.token}")[0]
        if names and self.failed:  # Dask blames all that a worker had to compute
            name = one_of([names[number] for number in self.failed])
        return ClusterError(killed_sentence(name, str(worker), 1 + error.allowed_failures))

    def close(self) -> None:
        """Leave the cluster as it was."""
        self.pool.shutdown(wait=False, cancel_futures=True)


def quietly(function: Callable[[], Any]) -> None:
    """Call a function whose failure does not matter any more."""
    try:
        function()
    except Exception:
        return
