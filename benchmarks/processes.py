"""The processes that measure: one per contestant and number of threads, kept alive between measurements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

OPENBLAS_OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # where set, they slow peers that use OpenBLAS


class Process:
    """A worker process, pinned to as many processors as it has threads."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self.threads = name, threads
        cores = sorted(os.sched_getaffinity(0))[:threads]
        environment = {key: value for key, value in os.environ.items() if key not in OPENBLAS_OVERRIDES}
        environment |= {key: str(threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        if threads == 1:
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def ask(self, **task: Any) -> dict[str, Any]:
        """Send one task and return its answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.name} ended while it measured {task}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
