"""What a long run prints on stderr: a bar on a terminal, plain lines elsewhere, nothing with verbose=0."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from glassnet.training.history import Report

if TYPE_CHECKING:
    from rich.progress import Progress

MIN_BAR_WIDTH = 110  # columns of a terminal that has room for the bar beside its text
QUIET_SECONDS = 1.0  # how long a run may last before an unrequested bar appears


@contextmanager
def progress(epochs: int, verbose: int | None) -> Iterator[Callable[[Report], None]]:
    """Yield a function that displays the Report of an epoch.

    verbose=None: a bar on a terminal once the run has lasted a second, nothing elsewhere; 0: nothing; 1: the bar on a
    terminal, one line per epoch elsewhere. A process without stderr gets nothing.
    """
    stream: Any = sys.stderr
    is_open = stream is not None and not getattr(stream, "closed", False)  # None in a service and under pythonw
    is_terminal = is_open and hasattr(stream, "isatty") and stream.isatty()
    if verbose == 0 or not is_open or (verbose is None and not is_terminal):
        yield lambda report: None
    elif not is_terminal:
        yield lambda report: print(report, file=sys.stderr, flush=True)
    else:
        with closing(_Bar(epochs, 0.0 if verbose else QUIET_SECONDS)) as bar:
            yield bar.update


class _Bar:
    """A rich progress bar that appears after a delay."""

    def __init__(self, epochs: int, delay: float) -> None:
        self.epochs, self.start = epochs, time.perf_counter() + delay
        self.bar: Progress | None = None

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()

    def update(self, report: Report) -> None:
        """Move the bar to this epoch; its text has the time left in place of the time taken."""
        if time.perf_counter() < self.start:
            return
        if self.bar is None:
            self._open()
        assert self.bar is not None
        self.bar.update(self.task, completed=report.epoch, text=str(report).removesuffix(f"  {report.seconds:.1f} s"))

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console, text, remaining = Console(stderr=True), TextColumn("{task.fields[text]}"), TimeRemainingColumn()
        has_room = console.width >= MIN_BAR_WIDTH
        columns = (BarColumn(bar_width=24), text, remaining) if has_room else (remaining, text)
        bar = Progress(*columns, console=console)
        self.task = bar.add_task("training", total=self.epochs, text="")
        bar.start()
        self.bar = bar
