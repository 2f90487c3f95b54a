"""What a long run shows: a bar on a terminal, plain lines elsewhere, nothing where verbose=0."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glassnet.training.history import Report

if TYPE_CHECKING:
    from rich.progress import Progress

WIDE = 110  # columns of a terminal that has room for the bar beside its words
PATIENCE = 1.0  # seconds a run may last before it shows anything unasked


@contextmanager
def progress(epochs: int, verbose: int | None) -> Iterator[Callable[[Report], None]]:
    """A function that shows each epoch's Report.

    verbose=None: a bar on a terminal once the run has lasted a second, else nothing; 0: nothing; 1: the bar on a
    terminal, a line an epoch elsewhere.
    """
    terminal = sys.stderr.isatty()
    if verbose == 0 or (verbose is None and not terminal):
        yield lambda report: None
    elif not terminal:
        yield lambda report: print(report, file=sys.stderr, flush=True)
    else:
        with _Bar(epochs, 0.0 if verbose else PATIENCE) as bar:
            yield bar.show


class _Bar:
    """A rich progress bar that appears after a while."""

    def __init__(self, epochs: int, patience: float) -> None:
        self.epochs, self.start = epochs, time.perf_counter() + patience
        self.bar: Progress | None = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def show(self, report: Report) -> None:
        """Move the bar to this epoch; what is left of the run stands beside it, not how long it has taken."""
        if time.perf_counter() < self.start:
            return
        if self.bar is None:
            self._open()
        assert self.bar is not None
        self.bar.update(self.task, completed=report.epoch, text=str(report).removesuffix(f"  {report.seconds:.1f} s"))

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console, text, left = Console(stderr=True), TextColumn("{task.fields[text]}"), TimeRemainingColumn()
        wide = console.width >= WIDE
        bar = Progress(*((BarColumn(bar_width=24), text, left) if wide else (left, text)), console=console)
        self.task = bar.add_task("training", total=self.epochs, text="")
        bar.start()
        self.bar = bar
