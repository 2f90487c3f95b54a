"""The members of a tabular model, trained at the same time, one thread each; the results do not depend on how many.

Members that left a row out predict it as they would a new one.
Ctrl-C or the time limit end the training with the members that have begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from glassnet.engine.processors import available_threads
from glassnet.tabular.holdouts import holdouts
from glassnet.tabular.hyperparameters import Hyperparameters
from glassnet.tabular.member import Member, MemberRun
from glassnet.tabular.metrics import Metric
from glassnet.tabular.observer import NO_OBSERVER, FitObserver
from glassnet.tabular.time_shares import TimeShares, within_time
from glassnet.tabular.training_data import TrainingData
from glassnet.training.progress import progress

Array = np.ndarray[Any, Any]

POLL_SECONDS = 0.05  # between two checks of the members; an endless wait would block Ctrl-C
MIN_PARALLEL_ROWS = 2048  # rows from which the members predict in threads of their own


class Execution(NamedTuple):
    """How a training runs, which has no influence on its results but where the time limit ends it."""

    n_jobs: int | None = None
    time_limit: float | None = None
    verbose: int | None = 0
    observer: FitObserver = NO_OBSERVER

    @property
    def threads(self) -> int:
        """How many members are trained at the same time; negative counts go back from all processors, as joblib's."""
        cores = available_threads()
        if self.n_jobs is None:
            return cores
        return min(self.n_jobs, cores) if self.n_jobs > 0 else max(1, cores + 1 + self.n_jobs)


class Finished(NamedTuple):
    """How many members are finished, as the progress bar shows it, with the score of the last one."""

    epoch: int
    members: int
    score: str

    def __str__(self) -> str:
        return "  ".join(self.progress_texts(self.members))

    def progress_texts(self, total: int) -> list[str]:
        """What a progress bar says."""
        return [f"network {self.epoch} of {self.members}", self.score]


def train_members(
    data: TrainingData, hyperparameters: Hyperparameters, seed: int, metric: Metric, execution: Execution
) -> tuple[list[Member], str]:
    """Train the members; also return why the training ended early, or an empty string.

    Raises DivergedError where a member diverges with lower rates too, and KeyboardInterrupt before any member began.
    """
    shares, threads = TimeShares(execution.time_limit), execution.threads
    plan = (
        hyperparameters if shares.seconds_left() is None else within_time(data, hyperparameters, shares, threads, seed)
    )
    seeds = np.random.default_rng(seed).integers(2**31, size=plan.members).tolist()
    left_out = holdouts(data.y, plan.holdouts, plan.members, seed, classes=data.are_classes, copies=data.copies)
    runs = []
    for number, (rows, member_seed) in enumerate(zip(left_out, seeds, strict=True)):
        runs.append(MemberRun(data, rows, plan.of_member(number), member_seed, metric))
        runs[-1].report = partial(execution.observer.epoch, number + 1)
    futures, interrupted = list[Future[Member]](), False
    with ThreadPoolExecutor(min(threads, len(runs)), "glassnet") as pool:
        shares.divide(len(runs), threads)
        try:
            for run in runs:
                futures.append(pool.submit(run.train, shares.next_limit))
            _show(runs, futures, execution, metric)
        except BaseException as error:
            _stop(runs, futures)
            interrupted = isinstance(error, KeyboardInterrupt)
            if not interrupted:
                raise
    begun = [future.result() for future in futures if not future.cancelled()]
    if not begun:
        raise KeyboardInterrupt
    members = [member for member in begun if member.best_epoch] or begun  # those that finished an epoch
    return members, "interrupted" if interrupted else _ending(begun, plan, hyperparameters)


def _ending(begun: Sequence[Member], plan: Hyperparameters, hyperparameters: Hyperparameters) -> str:
    """Why the training ended early; empty where it did not."""
    reasons = [member.network.history.stopped for member in begun if member.network.history is not None]
    shorter = "the time limit allowed no more" if plan != hyperparameters else ""
    return next((reason for reason in reasons if reason), shorter)


def _stop(runs: Sequence[MemberRun], futures: Sequence[Future[Member]]) -> None:
    """Stop all members at a step; repeatedly, because one that is just beginning clears an earlier stop."""
    for future in futures:
        future.cancel()
    for run in runs:  # also one that was submitted while Ctrl-C came, whose future is lost
        run.stop()
    while wait(futures, POLL_SECONDS).not_done:
        for run in runs:
            run.stop()


def _show(runs: Sequence[MemberRun], futures: Sequence[Future[Member]], execution: Execution, metric: Metric) -> None:
    """Wait for all members, and show how far they are."""
    pending, total = set(futures), runs[0].hyperparameters.epochs
    with progress(len(runs), execution.verbose, execution.time_limit, unit="network") as show:
        while pending:
            done, pending = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
            for future in done:
                show(Finished(len(runs) - len(pending), len(runs), metric.text(future.result().score)))
            show.advance(sum(run.epochs_done for run in runs) / total)


def mean_outputs(members: Sequence[Member], x: Array) -> Array:
    """The mean of the outputs (n, outputs) float64 of the members for inputs (n, features) float32."""
    outputs = member_outputs(members, x)
    total = np.zeros(outputs[0].shape)
    for part in outputs:  # in their order, so that the bits do not depend on the threads
        total += part
    total /= len(members)
    return total


def member_outputs(members: Sequence[Member], x: Array) -> list[Array]:
    """The outputs (n, outputs) of each member, in threads of their own where there are many rows."""

    def predict(member: Member) -> Array:
        return member.network.predict(x.T).T

    threads = min(available_threads(), len(members)) if len(x) >= MIN_PARALLEL_ROWS else 1
    if threads == 1:
        return [predict(member) for member in members]
    with ThreadPoolExecutor(threads, "glassnet") as pool:
        return list(pool.map(predict, members))
