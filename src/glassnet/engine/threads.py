"""Several threads on one program: how many, started and ended together, and none left behind.

All calls to the operating system about processors are here. The numbers of a run never depend on the count, so it is
chosen while running: both ways are timed, the faster is taken, and the other is tried again every now and then.
"""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glassnet.engine.interruption import signals_wait

WORTH = 15e-6  # seconds a step must last on one thread before a second one can help
FIRST = 2.0  # seconds for which heavy steps take all threads before one thread is tried
TELLING = 1e-3  # seconds of a stretch from which on its time tells something
LAST = 3  # stretches of each way that are remembered
TRIED, PATIENCE = 50, 5  # a choice holds so many times as long as trying the other way has cost, and has taken
QUOTAS = ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")


def available() -> int:
    """How many threads this process may use: its affinity, its share of the machine, and GLASSNET_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wished = os.environ.get("GLASSNET_THREADS", "")
    most = min(cores, int(wished) if wished.isdigit() and int(wished) > 0 else cores)
    return most if most == 1 else max(1, math.floor(min(most, quota())))  # which reads files


def quota() -> float:
    """How many processors the control group of this process may use; infinite where none says."""
    for path in map(Path, QUOTAS):
        try:
            words = path.read_text().split()
            period = words[1] if len(words) > 1 else (path.parent / "cpu.cfs_period_us").read_text()
            if words[0] != "max" and int(words[0]) > 0:
                return max(1.0, int(words[0]) / int(period))
        except (OSError, ValueError, IndexError):
            continue
    return math.inf


class Calls:
    """Counts the calls of the engine that are being made, by all threads of this process."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """None is being made: so it is in a process that was forked, which has none of its parent's threads."""
        self.made: set[object] = set()

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Make one more; whether it is the only one, so that it may use more than one processor."""
        made, call = self.made, object()
        try:  # Ctrl-C may come anywhere, so what is undone need not have been done
            made.add(call)
            yield len(made) == 1
        finally:
            made.discard(call)


CALLS = Calls()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CALLS.restart)


class Pace:
    """Chooses the number of threads for each stretch of steps: 1 or `most`, whichever has lately been faster.

    Other work on the machine makes a stretch slower and never faster, so each way is judged by the best of its last
    few stretches. The way that is taken is judged anew all the time, the other one when it is tried. Where the steps
    are `heavy` it begins with `most`: a step on one thread, to begin with, would be a good part of a short run.
    """

    def __init__(self, most: int, heavy: bool = False) -> None:
        self.most = most
        self.now = most if heavy else 1
        self.step_seconds: dict[int, deque[float]] = {1: deque(maxlen=LAST), most: deque(maxlen=LAST)}
        self.settled = FIRST if heavy else 0.0  # seconds until the other way is tried

    def threads(self, wanted: int | None) -> int:
        """The number for the next stretch: the one that is wanted, or one chosen by what stretches took."""
        if wanted is not None:
            return wanted
        if self.settled > 0:
            return self.now
        if self.most == 1 or self.best(1) < WORTH or not self.step_seconds[1]:
            return 1
        return self.most if self.now == 1 else 1

    def best(self, count: int) -> float:
        """Seconds of a step, the least of the last stretches; infinite where there was none."""
        return min(self.step_seconds[count], default=math.inf)

    def took(self, threads: int, seconds: float, steps: int) -> None:
        """Remember how long a stretch took, unless it was so short that the start of its threads would count."""
        self.settled -= seconds
        if seconds < TELLING or threads not in self.step_seconds:
            return
        self.step_seconds[threads].append(seconds / max(steps, 1))
        tried = threads != self.now
        self.now = min(self.step_seconds, key=self.best)
        if tried:  # what that has cost may be a small part of the time until it is done again
            lost = max(0.0, 1 - self.best(self.now) * steps / seconds)
            self.settled = seconds * (PATIENCE + TRIED * lost)


def run_together(function: Callable[[Any], None], arguments: Sequence[Any], abort: Any) -> None:
    """Call `function` with each of the arguments at once, the first on this thread; return when all have returned.

    Ctrl-C is heard after that. Where anything fails, the abort flag ends the other threads.
    """
    if len(arguments) == 1:
        function(arguments[0])
        return

    def guarded(argument: Any) -> None:
        try:
            function(argument)
        except BaseException:
            abort[0] = 1
            raise

    with signals_wait():
        others = [threading.Thread(target=guarded, args=(argument,), daemon=True) for argument in arguments[1:]]
        try:
            for other in others:
                other.start()
            function(arguments[0])
        except BaseException:
            abort[0] = 1
            raise
        finally:
            join(others)
            abort[0] = 0


def join(threads: Sequence[threading.Thread]) -> None:
    """Wait for the end of those that were started."""
    for thread in threads:
        if thread.is_alive():
            thread.join()
