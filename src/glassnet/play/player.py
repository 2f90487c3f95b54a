"""The thread that trains: from one step per second to as fast as the engine goes.

It holds the run's lock while it runs a slice of steps, and never waits for a page.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from glassnet.errors import DivergedError
from glassnet.play.run import Run

MAX_SPEED = 1e6  # steps per second that can be asked for; 0 is as fast as possible
RATE_SECONDS = 1.0


class Player(threading.Thread):
    """Plays a run. `advance` runs a slice of at most so many steps, `diverged` is called with the error of one."""

    def __init__(self, advance: Callable[[Run, int], None], diverged: Callable[[DivergedError], None]) -> None:
        super().__init__(name="glassnet player", daemon=True)
        self.run_: Run | None = None
        self.speed, self.playing, self.closed = 0.0, False, False
        self._advance, self._diverged, self._changed = advance, diverged, threading.Condition()
        self._marks: list[tuple[float, int]] = []  # when, and how many steps had been run
        self._done = 0
        self._since, self._played = 0.0, 0

    @property
    def rate(self) -> float:
        """Steps per second of the last second; 0 where it does not play."""
        marks = self._marks
        if not self.playing or len(marks) < 2 or marks[-1][0] <= marks[0][0]:
            return 0.0
        return (marks[-1][1] - marks[0][1]) / (marks[-1][0] - marks[0][0])

    def play(self, speed: float | None = None) -> None:
        """Start, or go on with another speed."""
        with self._changed:
            self.speed = self.speed if speed is None else speed
            self.playing, self._since, self._played = True, time.perf_counter(), 0
            self._marks = [(time.perf_counter(), self._done)]
            self._changed.notify_all()

    def pause(self) -> None:
        """Stop at a step, and wait until the steps that run have ended."""
        with self._changed:
            self.playing = False
            self._changed.notify_all()
        if self.run_ is not None:
            with self.run_.lock:
                pass

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self.playing, self.closed = False, True
            self._changed.notify_all()

    def run(self) -> None:
        """Train while it plays."""
        while not self.closed:
            with self._changed:
                while not (self.playing or self.closed):
                    self._changed.wait()
                steps, wait = self._due()
                if not steps:
                    self._changed.wait(wait)
                    continue
            self._slice(steps)

    def _due(self) -> tuple[int, float]:
        """How many steps the speed asks for now, and how long to wait where there are none."""
        if self.closed:
            return 0, 0.0
        if self.speed == 0:
            return 1 << 30, 0.0
        ahead = (time.perf_counter() - self._since) * self.speed - self._played + 1
        return max(0, math.floor(ahead)), max(0.0, (1 - ahead) / self.speed)

    def _slice(self, steps: int) -> None:
        run = self.run_
        if run is None:
            self.playing = False
            return
        try:
            with run.lock.last():
                if not self.playing:
                    return
                before = run.t
                self._advance(run, steps)
                self._note(run.t - before, steps)
        except DivergedError as error:
            self.playing = False
            self._diverged(error)

    def _note(self, done: int, steps: int) -> None:
        now = time.perf_counter()
        self._done += done
        self._played += done
        if done < steps and self.speed:  # the engine is slower than the speed: do not hurry afterwards
            self._since, self._played = now, 0
        self._marks.append((now, self._done))
        while len(self._marks) > 2 and self._marks[1][0] < now - RATE_SECONDS:
            self._marks.pop(0)
