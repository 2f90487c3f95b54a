"""A fit by mini-batches: scikit-learn's loop over epochs around a Training, which updates the fitted attributes.

One call of Training runs as many epochs as cannot end the fit; their losses, scores and rates are then processed one
epoch at a time.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.mini_batches import BatchPlan
from glassnet.batches.sources import Sources
from glassnet.batches.sparse import is_sparse
from glassnet.errors import DivergedError
from glassnet.estimators.callbacks import SklearnCallbacks
from glassnet.estimators.fit_warnings import FitWarning, diverged
from glassnet.estimators.learning_rates import EpochRates, inverse_scaling
from glassnet.estimators.random_state import Shuffles
from glassnet.estimators.stopping import Patience
from glassnet.frames.reporter import Reporter
from glassnet.network import NeuralNetwork
from glassnet.tables.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer, optimizer
from glassnet.tables.schedules import Schedule, schedule
from glassnet.training.fit import UPDATE_SECONDS
from glassnet.training.history import Report
from glassnet.training.layer_monitor import EndOfRun, LayerMonitor, recent_samples
from glassnet.training.progress import progress
from glassnet.training.recipe import Recipe
from glassnet.training.training import Evaluate, Training

Array = np.ndarray[Any, Any]
MAX_COPY_BYTES = 1 << 20  # up to this size, copying data is faster than binding the executor to other data
MIN_RATE = 1e-6  # at which the adaptive mode stops
MIN_EPSILON = 1e-37  # the least that Adam accepts; a smaller one makes no difference


class OptimizerState(NamedTuple):
    """What partial_fit continues from: the optimiser, its rate, the number of its steps, and its vectors."""

    optimizer: Optimizer
    learning_rate: float
    step: int
    states: list[Array]


class FitData(NamedTuple):
    """What a fit reads: all samples, the indices of the training samples, and what judges the weights.

    `score` returns the validation score, `evaluate` the validation loss.
    """

    sources: Sources
    indices: Array
    score: Callable[[], float] | None = None
    evaluate: Evaluate = None


def optimizer_entry(estimator: Any) -> Optimizer:
    """The optimiser that an estimator's parameters describe."""
    if estimator.optimizer is not None:
        return optimizer(estimator.optimizer)
    if estimator.solver == "adam":
        epsilon = max(float(estimator.epsilon), MIN_EPSILON)
        return Adam(float(estimator.beta_1), float(estimator.beta_2), epsilon, corrected_epsilon=False)
    if not estimator.momentum:
        return SGD()
    return (Nesterov if estimator.nesterovs_momentum else Momentum)(float(estimator.momentum), rate_inside=True)


def batch_size(estimator: Any, samples: int) -> int:
    """The number of samples per step: 200 by default, and never more than there are."""
    if estimator.batch_size == "auto":
        return min(200, samples)
    if estimator.batch_size > samples:
        problem = "Got `batch_size` less than 1 or larger than sample size"
        warnings.warn(f"{problem}. It is going to be clipped", stacklevel=2)
    return int(min(estimator.batch_size, samples))


class StochasticFit:
    """One call of fit, or of partial_fit where `incremental`, on `estimator`, whose network is `network`."""

    def __init__(
        self,
        estimator: Any,
        network: NeuralNetwork,
        data: FitData,
        rng: np.random.RandomState,
        incremental: bool,
        sklearn_callbacks: SklearnCallbacks,
    ) -> None:
        self.estimator, self.network, self.data, self.incremental = estimator, network, data, incremental
        self.sklearn_callbacks = sklearn_callbacks
        self.samples = len(data.indices)
        self.shuffles = Shuffles(rng, data.indices) if estimator.shuffle else None
        self.batch_size = batch_size(estimator, self.samples)
        epochs = 1 if incremental else estimator.max_iter
        orders = self.shuffles or self._in_order
        self.plan = BatchPlan(self.samples, self.batch_size, data.sources.weights, orders, epochs)
        previous: OptimizerState | None = getattr(estimator, "_optimizer", None) if incremental else None
        self.optimizer = previous.optimizer if previous else optimizer_entry(estimator)
        self.rate = previous.learning_rate if previous else float(estimator.learning_rate_init)
        self.training = self._training(previous)
        count = estimator._no_improvement_count
        self.patience = Patience(estimator.tol, estimator.n_iter_no_change, self._previous_best(), count)
        self.scores_before = len(getattr(estimator, "validation_scores_", None) or ())  # of earlier, warm fits
        estimator.n_iter_, self.stop_reason = 0, ""

    def _previous_best(self) -> float:
        """The lowest loss or the highest score before this fit; a warm start may switch from one to the other."""
        estimator = self.estimator
        if self.data.score is None:
            return np.inf if estimator.best_loss_ is None else float(estimator.best_loss_)
        if estimator.validation_scores_ is None:
            estimator.validation_scores_, estimator.best_validation_score_ = [], -np.inf
        return float(estimator.best_validation_score_)

    def _in_order(self, number: int, orders: Array) -> None:
        """Write the training samples in their own order, for every epoch."""
        orders[:] = self.data.indices

    # The run ----------------------------------------------------------------------------------------------------------

    def _training(self, previous: OptimizerState | None) -> Training:
        """A new run, or the one of the last partial_fit, continued."""
        first_step = previous.step if previous else 0
        self.rates = self._schedule(first_step)
        size, epochs = self.batch_size, self.estimator.max_iter
        recipe = Recipe(size, epochs, self.rate, self.optimizer, self.rates, penalty_per_weight=True)
        training: Training | None = getattr(self.estimator, "_training", None) if previous else None
        sources = self.data.sources
        if training is not None and self._can_read(training):
            assert isinstance(training.sources, Sources)
            training.recipe, training.evaluate = recipe, self.data.evaluate
            training.feed(self.plan, None if overwrite(training.sources, sources) else copied_if_small(sources))
        else:
            sources = copied_if_small(sources) if self.incremental else sources
            training = Training(self.network.model, sources, recipe, self.data.evaluate, self.plan)
            training.counters.step = first_step
            for vector, state in zip(training.vectors.states, previous.states if previous else (), strict=False):
                vector.vector[:] = state
        training.executor.threads = self.estimator.threads
        self.monitor = None if self.incremental else LayerMonitor(training)
        return training

    def _can_read(self, training: Training) -> bool:
        before, now = training.sources, self.data.sources
        same = before.y.ndim == now.y.ndim and (before.weights is None) == (now.weights is None)
        same = same and is_sparse(before.x) == is_sparse(now.x)
        return same and training.model is self.network.model and training.executor.capacity >= self.batch_size

    def _schedule(self, first_step: int) -> Schedule:
        estimator = self.estimator
        if estimator.schedule is not None:
            return schedule(estimator.schedule)
        if estimator.solver == "sgd" and estimator.learning_rate == "invscaling":
            t = estimator.t_ + self.samples * np.arange(1, 2 if self.incremental else estimator.max_iter + 1)
            rates = inverse_scaling(self.rate, estimator.learning_rate_init, estimator.power_t, t)
            return EpochRates(rates, first_step)
        return EpochRates(self.rate, first_step)

    def run(self) -> str:
        """Run to the end, and restore the weights of the best epoch where a validation score judges them.

        Returns scikit-learn's message if it did not converge, for the caller to warn with, else an empty string.
        """
        estimator, epochs = self.estimator, 1 if self.incremental else self.estimator.max_iter
        started = time.perf_counter()
        try:
            with progress(epochs, int(estimator.progress)) as show:
                show.advance(estimator.n_iter_)
                self.report_callbacks = (show, *estimator.callbacks)
                while estimator.n_iter_ < epochs and not self.stop_reason:
                    self._run_epochs(epochs - estimator.n_iter_, started)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        except DivergedError as error:
            self._handle_divergence(error)
        self._finish()
        if self.incremental or self.stop_reason or estimator.n_iter_ < estimator.max_iter:
            return ""
        limit = f"Maximum iterations ({estimator.max_iter})"
        return f"Stochastic Optimizer: {limit} reached and the optimization hasn't converged yet."

    def _run_epochs(self, left: int, started: float) -> None:
        """Run some of the epochs that are left, and process those that finish."""
        every_epoch = self.data.score is not None or self.estimator.callbacks or self.sklearn_callbacks.active
        limit = self.estimator.time_limit
        seconds = UPDATE_SECONDS if limit is None else min(UPDATE_SECONDS, limit - (time.perf_counter() - started))
        if seconds <= 0:
            self.stop_reason = "the time limit was reached"
            return
        if self.training.counters.batch == 0:
            self.sklearn_callbacks.begin_epoch()
        epochs = 1 if every_epoch else self.patience.safe_epochs(left)
        self.training.run(epochs=epochs, seconds=seconds, monitor=self.monitor)
        self._process_reports()

    def _process_reports(self) -> None:
        while self.estimator.n_iter_ < len(self.training.counters.reports) and not self.stop_reason:
            self._end_epoch(self.training.counters.reports[self.estimator.n_iter_])
        self._update_rate()

    def _end_epoch(self, report: Report) -> None:
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.t_ += self.samples
        estimator.loss_ = report.cost
        estimator.loss_curve_.append(report.cost)
        if report.validation_cost is not None:
            estimator.validation_loss_curve_.append(report.validation_cost)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {report.cost:.8f}")
        self._judge_epoch()
        if self.patience.exhausted:
            self._stop_or_reduce_rate()
        results = [self.sklearn_callbacks.end_epoch(), *(callback(report) for callback in self.report_callbacks)]
        if any(result is True for result in results):
            self.stop_reason = "a callback ended it"

    def _judge_epoch(self) -> None:
        """Count the epoch by its score or its loss, and save the weights of the best score."""
        estimator = self.estimator
        if self.data.score is None:
            self.patience.add_loss(estimator.loss_)
            estimator.best_loss_ = self.patience.best
        else:
            estimator.validation_scores_.append(self.data.score())
            if estimator.verbose:
                print(f"Validation score: {estimator.validation_scores_[-1]:f}")
            if self.patience.add_score(estimator.validation_scores_[-1]):
                estimator.best_validation_score_ = self.patience.best
                network = self.network
                estimator._best_vectors = [network.parameters.vector.copy(), network.statistics.vector.copy()]
        estimator._no_improvement_count = self.patience.count

    def _update_rate(self) -> None:
        if isinstance(self.rates, EpochRates):
            self.rate = float(self.rates.after(self.estimator.n_iter_))

    def _stop_or_reduce_rate(self) -> None:
        """End the fit, or in the adaptive mode continue with a fifth of the rate."""
        estimator = self.estimator
        self._update_rate()
        message = self.patience.message("Training loss" if self.data.score is None else "Validation score")
        adaptive = estimator.solver == "sgd" and estimator.learning_rate == "adaptive"
        if adaptive and isinstance(self.rates, EpochRates) and self.rate > MIN_RATE:
            self.rate /= 5
            self.rates.change(estimator.n_iter_, self.rate)
            self.patience.count = estimator._no_improvement_count = 0
            consequence = f"Setting learning rate to {self.rate:f}"
        else:
            self.stop_reason = message
            consequence = "Learning rate too small. Stopping." if adaptive else "Stopping."
        if estimator.verbose:
            print(f"{message} {consequence}")

    # The end ----------------------------------------------------------------------------------------------------------

    def _handle_divergence(self, error: DivergedError) -> None:
        """Warn if a validation score has saved good weights, which are then kept; else raise scikit-learn's error."""
        self._process_reports()
        error = error.reworded("Try a smaller learning_rate_init, or make_pipeline(StandardScaler(), ...).")
        if self.data.score is None or not math.isfinite(self.patience.best):
            self._finish()
            raise diverged(error) from error
        self.estimator.validation_scores_.append(math.nan)
        self.estimator.n_iter_ += 1
        self.estimator.loss_ = math.nan
        self.estimator.loss_curve_.append(math.nan)
        self.stop_reason = "it diverged"
        warnings.warn(FitWarning(f"{error} The estimator keeps the weights of the best epoch."), stacklevel=2)

    def _finish(self) -> None:
        """Leave the attributes, the RandomState and the optimiser as the next fit or partial_fit needs them."""
        estimator, counters = self.estimator, self.training.counters
        begun = counters.epoch + (counters.batch > 0)
        if not estimator.n_iter_ and counters.weight_sum:
            estimator.loss_ = counters.cost_sum / counters.weight_sum
        if self.shuffles is not None:
            self.shuffles.finish(max(begun, 1))
        states = [state.vector for state in self.training.vectors.states]
        estimator._optimizer = OptimizerState(self.optimizer, self.rate, counters.step, states)
        estimator._training = self.training if self.incremental else None
        if self.data.score is not None and estimator._best_vectors is not None:
            self.network.parameters.vector[:], self.network.statistics.vector[:] = estimator._best_vectors
        self._record_history()

    def _record_history(self) -> None:
        """Store with the network what a diagnosis reads."""
        self.network.history = self.network.recent_samples = None
        if self.monitor is not None:
            history = self.network.history = self.training.history(self.monitor.layers)
            samples = self.network.recent_samples = recent_samples(self.data.sources, self.data.indices)
            if samples is not None and not len(history.layers):
                history.end = EndOfRun(self.training, samples)
            Reporter(self.training, samples, keep_data=False).ended(self.training, history)
            scores = self.estimator.validation_scores_[self.scores_before :] if self.data.score is not None else []
            if np.isfinite(scores).any():
                history.best_epoch, history.best_by = 1 + int(np.nanargmax(scores)), "validation score"


def copied_if_small(sources: Sources) -> Sources:
    """A copy of small data, which the data of the next partial_fit may overwrite; large data as they are."""
    if not is_small(sources):
        return sources
    return Sources(sources.x.copy(), sources.y.copy(), None if sources.weights is None else sources.weights.copy())


def is_small(sources: Sources) -> bool:
    """Whether copying the data costs less than binding the executor to other data."""
    return not is_sparse(sources.x) and sources.x.nbytes + sources.y.nbytes <= MAX_COPY_BYTES


def overwrite(old: Sources, new: Sources) -> bool:
    """Copy new data over those that `copied_if_small` copied, if both are small and of one shape; returns whether."""
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a is not None and b is not None]
    if not (is_small(old) and is_small(new) and all((a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)):
        return False
    for a, b in pairs:
        a[...] = b
    return True
