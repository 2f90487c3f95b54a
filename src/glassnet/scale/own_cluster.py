"""The cluster that glassnet starts itself: worker processes of this machine, reachable from this machine only."""

from __future__ import annotations

import logging
import multiprocessing
import time
from contextlib import ExitStack
from typing import Any

import dask
from distributed import Client, LocalCluster

from glassnet.engine.processors import available_threads
from glassnet.errors import ParameterError

SECONDS_TO_START = 60
SECONDS_WITHOUT_PROCESS = 2.0  # after which another worker is started: Dask does so itself unless one dies too early
NOT_IN_MAIN = (
    "client=None starts worker processes, which import this script again: put what it does under "
    "`if __name__ == '__main__':`, or pass client=False to train in this process."
)
SETTINGS = {
    "distributed.scheduler.http.routes": ["distributed.http.health"],  # all that is served over HTTP: "I am alive"
    "distributed.worker.http.routes": ["distributed.http.health"],
    "distributed.deploy.lost-worker-timeout": "1 hour",  # a slow machine needs long to start a worker again
    # What Dask measures for its dashboard takes each process 4 % of a processor; without it, 1 %
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "1s",
}


class OwnCluster(ExitStack):
    """Worker processes on 127.0.0.1, one thread each, and a `client` of them; there is no dashboard."""

    def __init__(self, workers: int | None = None) -> None:
        super().__init__()
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise ParameterError(NOT_IN_MAIN)
        self.workers = workers or available_threads()
        self.missing: dict[Any, float] = {}
        self.enter_context(dask.config.set(SETTINGS))
        self.cluster: Any = self.enter_context(
            LocalCluster(
                n_workers=self.workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # a port that is free; without an address it would be 8787
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
            )
        )
        self.client: Any = self.enter_context(
            Client(self.cluster, timeout=SECONDS_TO_START, direct_to_workers=True)  # results need no way round
        )

    def revive(self) -> None:
        """Start a worker in the place of each that died while it was being started."""
        now = time.monotonic()
        for name, nanny in list(self.cluster.workers.items()):
            if nanny.is_alive():
                self.missing.pop(name, None)
            elif now - self.missing.setdefault(name, now) > SECONDS_WITHOUT_PROCESS:
                self.missing.pop(name)
                self.cluster.worker_spec.pop(name, None)
        self.cluster.scale(self.workers)
