"""Takes a Training to its end: epochs, progress, callbacks, time limit, checkpoints, Ctrl-C."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from glassnet.errors import DivergedError
from glassnet.files.checkpoint import read_checkpoint, write_checkpoint
from glassnet.files.recording import Recorder
from glassnet.training.history import History, Report
from glassnet.training.layer_monitor import Watch
from glassnet.training.progress import progress
from glassnet.training.training import Training

Callback = Callable[[Report], Any]
SHOWN_EVERY = 0.1  # seconds


class Run(NamedTuple):
    """What a run does beside computing.

    A callback that returns True ends it. With `checkpoint` the whole state is written each so many epochs, and
    `resume` takes it up where that file exists. `record` is the file of the flight recorder (recording.py). `verbose`
    is as in progress.py, `time_limit` in seconds; `threads` is the engine's number of threads, None for as many as are
    faster. `stopping` is asked at least every SHOWN_EVERY seconds whether to end the run.
    """

    callbacks: tuple[Callback, ...] = ()
    time_limit: float | None = None
    checkpoint: Path | None = None
    every: int = 1
    resume: bool = False
    verbose: int | None = None
    threads: int | None = None
    stopping: Callable[[], bool] = bool
    record: Path | None = None


def fit(training: Training, run: Run) -> History:
    """Run to the end and return the History; `stopped` says why it ended before its last epoch.

    Ctrl-C ends it at a step, and the network stays usable.
    """
    if run.checkpoint is not None and run.resume and run.checkpoint.exists():
        training.restore(read_checkpoint(run.checkpoint, training))
    training.executor.threads = run.threads
    training.watch = Watch(training, always=run.record is not None)
    if run.record is None:
        return _run(training, run)
    recorder = Recorder(training, run.record)
    try:
        history = _run(training, run, recorder.keep)
    except DivergedError:
        recorder.write(training.history(), ended=True)
        raise
    recorder.write(history, ended=True)
    return history


def _run(training: Training, run: Run, after: Callable[[], None] | None = None) -> History:
    """Run to the end; `after` is called after each epoch."""
    started, stopped = time.perf_counter(), ""
    each = 1 if run.callbacks or run.checkpoint or after else None
    limit = math.inf if run.time_limit is None else run.time_limit
    with progress(training.recipe.epochs, run.verbose) as show:
        try:
            while not stopped and not training.finished:
                left = limit - (time.perf_counter() - started)
                reports = training.run(epochs=each, seconds=min(left, SHOWN_EVERY)) if left > 0 else []
                stopped = _after(reports, run.callbacks, show) or ("" if left > 0 else "the time limit was reached")
                stopped = stopped or ("interrupted" if run.stopping() else "")
                if reports and after is not None:
                    after()
                if reports and run.checkpoint is not None and reports[-1].epoch % run.every == 0:
                    write_checkpoint(run.checkpoint, training)
        except KeyboardInterrupt:
            stopped = "interrupted"
    return _history(training, stopped)


def _after(reports: Sequence[Report], callbacks: Sequence[Callback], show: Callback) -> str:
    """Show and hand on the new reports; why a callback ended the run, or an empty string."""
    for report in reports:
        show(report)
        answers = [callback(report) for callback in callbacks]
        if any(answer is True for answer in answers):
            return "a callback ended it"
    return ""


def _history(training: Training, stopped: str) -> History:
    """The History, with the best weights in place where early stopping was asked for."""
    if training.best is not None:
        training.keep_best()
    history = training.history()
    if not stopped and training.counters.epoch < training.recipe.epochs:
        stopped = f"no better validation cost for {training.counters.waited} epochs"
    history.stopped = stopped
    return history
