"""How many threads run a program, chosen while it runs.

The numbers of a run never depend on the number of threads, so one thread and all threads are timed, the faster is
taken, and the other is tried again from time to time.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

MIN_PARALLEL_STEP = 15e-6  # seconds that a step takes on one thread from which on a second one can help
HEAVY_TRIAL_DELAY = 2.0  # seconds for which heavy steps use all threads before one thread is tried
MIN_TIMED = 1e-3  # seconds: shorter calls say nothing about the speed of a step
TIMINGS_KEPT = 3  # calls of each choice that are remembered
LOSS_FACTOR, TIME_FACTOR = 50, 5  # a choice is kept for so many times what the trial of the other one lost, and took


class ActiveCalls:
    """Counts the calls of the engine that are in progress, on all threads of this process."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all calls: a forked process has none of its parent's threads."""
        self.calls: set[object] = set()

    @contextmanager
    def enter(self) -> Iterator[bool]:
        """Count one more call; yields whether it is the only one, so that it may use more than one processor."""
        calls, call = self.calls, object()
        try:  # Ctrl-C may come anywhere, so what is undone may not have been done
            calls.add(call)
            yield len(calls) == 1
        finally:
            calls.discard(call)


ACTIVE_CALLS = ActiveCalls()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ACTIVE_CALLS.reset)


class ThreadTuner:
    """Chooses the number of threads for each call: 1 or `limit`, whichever has been faster lately.

    Other work on the machine makes a call slower and never faster, so each choice is judged by the best of its last few
    calls. The current choice is timed all the time, the other one when it is tried. Where the steps are `heavy`, the
    tuner starts with `limit`, because a single step on one thread would be a large part of a short run.
    """

    def __init__(self, limit: int, heavy: bool = False) -> None:
        self.limit = limit
        self.current = limit if heavy else 1
        self.step_seconds: dict[int, deque[float]] = {n: deque(maxlen=TIMINGS_KEPT) for n in (1, limit)}
        self.trial_delay = HEAVY_TRIAL_DELAY if heavy else 0.0  # seconds until the other choice is tried

    def threads(self) -> int:
        """The number of threads for the next call, chosen from earlier timings."""
        if self.trial_delay > 0:
            return self.current
        if self.limit == 1 or self.best(1) < MIN_PARALLEL_STEP or not self.step_seconds[1]:
            return 1
        return self.limit if self.current == 1 else 1

    def best(self, threads: int) -> float:
        """Seconds per step, the smallest of the last calls; infinite where there was none."""
        return min(self.step_seconds[threads], default=math.inf)

    def record(self, threads: int, seconds: float, steps: int) -> None:
        """Record how long a call took, unless it was so short that starting its threads would count."""
        self.trial_delay -= seconds
        if seconds < MIN_TIMED or threads not in self.step_seconds:
            return
        self.step_seconds[threads].append(seconds / max(steps, 1))
        was_trial = threads != self.current
        self.current = min(self.step_seconds, key=self.best)
        if was_trial:  # trials may take only a small part of the time
            lost = max(0.0, 1 - self.best(self.current) * steps / seconds)
            self.trial_delay = seconds * (TIME_FACTOR + LOSS_FACTOR * lost)
