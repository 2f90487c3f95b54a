"""What a long run shows: a bar on a terminal and in a notebook, plain lines elsewhere, nothing with verbose=0."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from glassnet.training.notebook import NotebookBar, in_notebook
from glassnet.training.terminal_bar import GuardedStream, TerminalBar, is_open, is_terminal

QUIET_SECONDS = 1.0  # how long a run may last before an unrequested bar appears
UPDATE_SECONDS = 0.2  # between two updates of a bar


class Epoch(Protocol):
    """One of the parts that progress counts, such as a Report."""

    @property
    def epoch(self) -> int:
        """Its number, from 1."""

    def progress_texts(self, total: int) -> Sequence[str]:
        """What is said of it on a line, as one of so many: the most important first."""


class Bar(Protocol):
    """What can show how far a run is."""

    def update(self, done: float, texts: Sequence[str]) -> None:
        """Show that a part of the run is done, 0 to 1, with texts of which those before the last may be left out."""

    def close(self) -> None:
        """Leave the last state on the screen."""


class Progress:
    """Shows nothing: the base of what shows the epochs of a run."""

    def __call__(self, report: Epoch) -> None:
        """Show an epoch that has finished."""

    def advance(self, position: float) -> None:
        """Show that so many epochs are done, with a fraction for the present one."""

    def close(self) -> None:
        """Show that the run has ended."""


class Lines(Progress):
    """One line per epoch on a stream."""

    def __init__(self, stream: GuardedStream) -> None:
        self.stream = stream

    def __call__(self, report: Epoch) -> None:
        """Print the epoch."""
        print(report, file=self.stream, flush=True)


class TimedBar(Progress):
    """A bar that appears after a delay, with the last epoch and the time that is left."""

    def __init__(self, bar: Bar, total: int, unit: str, delay: float, time_limit: float) -> None:
        self.bar, self.total, self.unit, self.time_limit = bar, total, unit, time_limit
        self.started = time.perf_counter()
        self.next_update = self.started + delay
        self.position = 0.0
        self.first: tuple[float, float] | None = None  # a time and the position then: earlier time is not counted
        self.report: Epoch | None = None
        self.is_shown = False

    def __call__(self, report: Epoch) -> None:
        """Remember the epoch, and show it if it is time to."""
        self.report = report
        self.advance(report.epoch)

    def advance(self, position: float) -> None:
        """Show the position if it is time to."""
        now = time.perf_counter()
        self.position = position
        self.first = (now, position) if self.first is None else self.first
        if now >= self.next_update:
            self.next_update = now + UPDATE_SECONDS
            passed = (now - self.started) / self.time_limit
            left = self._seconds_left(now)
            clock = "starting" if left == math.inf else f"{duration(left)} left"
            self._show(max(passed, self.position / self.total), clock)

    def close(self) -> None:
        """Show the last epoch and the time taken, if the bar has appeared."""
        if self.is_shown:
            self._show(self.position / self.total, f"took {duration(time.perf_counter() - self.started)}")
        self.bar.close()

    def _show(self, done: float, clock: str) -> None:
        self.is_shown = True
        first = [f"{self.unit} 1/{self.total}"]
        texts = first if self.report is None else self.report.progress_texts(self.total)
        self.bar.update(min(done, 1.0), (*texts, clock))

    def _seconds_left(self, now: float) -> float:
        """Until the last epoch or the time limit; infinite where nothing is known yet."""
        limit = self.started + self.time_limit - now
        assert self.first is not None
        then, position = self.first
        if self.position <= position:
            return limit
        return min(limit, (now - then) / (self.position - position) * (self.total - self.position))


def duration(seconds: float) -> str:
    """Seconds as a person reads them."""
    if seconds < 60:
        return f"{max(seconds, 0.0):.{0 if seconds >= 10 else 1}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def progress(
    total: int, verbose: int | None, time_limit: float | None = None, unit: str = "epoch"
) -> Iterator[Progress]:
    """Yield what to call with the Report of each epoch, and to `advance` between them; `time_limit` is in seconds.

    verbose=None: a bar on a terminal or in a notebook once the run has lasted a second, nothing elsewhere; 0: nothing;
    1: the bar at once, one line per epoch on a stderr that is no terminal. A stderr that is missing or cannot be
    written gets nothing, and ends no run.
    """
    display = Progress() if verbose == 0 else _display(verbose)
    if not isinstance(display, Progress):
        delay = 0.0 if verbose else QUIET_SECONDS
        display = TimedBar(display, total, unit, delay, math.inf if time_limit is None else time_limit)
    try:
        yield display
    finally:
        display.close()


def _display(verbose: int | None) -> Progress | Bar:
    """What the output of this process can show: a bar, lines if asked for, or nothing."""
    if in_notebook():
        return NotebookBar()
    stream = GuardedStream(sys.stderr)
    if is_terminal(sys.stderr):
        return TerminalBar(stream)
    return Lines(stream) if verbose and is_open(sys.stderr) else Progress()
