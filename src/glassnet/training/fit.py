"""Takes a Training to its end: epochs, progress, callbacks, time limit, Ctrl-C, and what observes the run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from glassnet.batches.sources import Sources
from glassnet.errors import ClusterError, DataError, DivergedError
from glassnet.training.history import History, Report
from glassnet.training.layer_measures import LayerHistory
from glassnet.training.layer_monitor import EndOfRun, LayerMonitor
from glassnet.training.progress import progress
from glassnet.training.training import Training

Callback = Callable[[Report], Any]
UPDATE_SECONDS = 0.1  # between two updates of the progress bar


class Observer(Protocol):
    """What follows a run epoch by epoch, such as the writer of a checkpoint or of a recording (files/)."""

    needs_layers: bool  # whether the layers are measured after each epoch, whatever that costs

    def steps_left(self) -> int | None:
        """After how many steps it has to be called next; None where it follows epochs only."""

    def after_steps(self) -> None:
        """Called after some steps, at the latest after those."""

    def after_epoch(self, report: Report, layers: LayerHistory) -> None:
        """Called after each epoch, with the measurements of the layers so far."""

    def end(self, history: History) -> None:
        """Called when the run has ended, also when it diverged."""

    def save(self) -> None:
        """Called when the run must end at a step where it can go on later: its data could not be read."""


class Keeper(Protocol):
    """What keeps a run for its report (frames/reporter.py): made when the run begins."""

    def ended(self, training: Training, history: History) -> None:
        """Called when the run has ended, also when it diverged."""


class Run(NamedTuple):
    """What happens during a run besides the computation.

    `keep` is called with the run and some of its samples when it begins. A callback that returns True ends it;
    `verbose` is as in progress.py, `time_limit` in seconds, `threads` the most threads the engine may use, None for as
    many as are faster. `is_stopped` is called at least every UPDATE_SECONDS.
    """

    callbacks: tuple[Callback, ...] = ()
    time_limit: float | None = None
    verbose: int | None = None
    threads: int | None = None
    is_stopped: Callable[[], bool] = bool
    observers: tuple[Observer, ...] = ()
    keep: Callable[[Training, Sources | None], Keeper] | None = None


def fit(training: Training, run: Run, samples: Sources | None = None) -> History:
    """Run to the end and return the History; `stopped` says why it ended before its last epoch.

    Ctrl-C ends it at a step, and the model stays usable. A DivergedError carries the History so far; a DataError (of a
    file that changed, for example), or a ClusterError, ends the run at a step, which its checkpoint keeps.
    `samples` are those on which the layers can be measured later, where the run was too short for it.
    """
    training.executor.threads, training.executor.may_compile_program = run.threads, True
    keeper = run.keep(training, samples) if run.keep else None
    monitor = LayerMonitor(training, always=any(observer.needs_layers for observer in run.observers))
    try:
        stopped = _run(training, run, monitor)
    except DivergedError as error:
        error.history = _history(training, monitor, samples)
        _end(run.observers, error.history)
        error.history.stopped = str(error)
        if keeper:
            keeper.ended(training, error.history)
        raise
    except (DataError, ClusterError):
        for observer in run.observers:
            observer.save()
        raise
    finally:
        training.executor.close()
    training.restore_best()
    if not stopped and training.counters.epoch < training.recipe.epochs:
        stopped = f"no better {training.recipe.best_by} for {training.counters.waited} epochs"
    history = _history(training, monitor, samples)
    history.stopped = stopped
    if keeper:
        keeper.ended(training, history)
    _end(run.observers, history)
    return history


def _history(training: Training, monitor: LayerMonitor, samples: Sources | None) -> History:
    history = training.history(monitor.layers)
    if samples is not None and not len(monitor.layers):
        history.end = EndOfRun(training, samples)
    return history


def _run(training: Training, run: Run, monitor: LayerMonitor) -> str:
    """Run to the end; return why it was stopped, or an empty string."""
    started, stopped = time.perf_counter(), ""
    epochs = 1 if run.callbacks or run.observers else None
    limit = math.inf if run.time_limit is None else run.time_limit
    with progress(training.recipe.epochs, run.verbose, run.time_limit) as show:
        show.advance(training.position)
        try:
            while not stopped and not training.finished:
                remaining = limit - (time.perf_counter() - started)
                if remaining <= 0:
                    return "the time limit was reached"
                limits = [left for observer in run.observers if (left := observer.steps_left()) is not None]
                seconds, steps = min(remaining, UPDATE_SECONDS), min(limits, default=None)
                reports = training.run(steps=steps, epochs=epochs, seconds=seconds, monitor=monitor)
                stopped = _report(reports, (show, *run.callbacks)) or ("interrupted" if run.is_stopped() else "")
                show.advance(training.position)
                for observer in run.observers if reports else ():
                    observer.after_epoch(reports[-1], monitor.layers)
                for observer in run.observers:
                    observer.after_steps()
        except KeyboardInterrupt:
            stopped = "interrupted"
    return stopped


def _report(reports: Sequence[Report], callbacks: Sequence[Callback]) -> str:
    """Pass the new reports to the callbacks; return why one of these ended the run, or an empty string."""
    for report in reports:
        results = [callback(report) for callback in callbacks]
        if any(result is True for result in results):
            return "a callback ended it"
    return ""


def _end(observers: Sequence[Observer], history: History) -> None:
    for observer in observers:
        observer.end(history)
