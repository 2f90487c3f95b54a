"""A fit by mini-batches: scikit-learn's loop of epochs around a Training, with its attributes kept as it goes.

As many epochs as cannot end the fit are run in one call; losses, scores and rates are then looked at one by one.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.mini_batches import Plan
from glassnet.batches.sparse import is_sparse
from glassnet.errors import DivergedError
from glassnet.estimators.random_state import Shuffles
from glassnet.estimators.fit_warnings import FitWarning, diverged
from glassnet.estimators.callbacks import Hooks
from glassnet.estimators.learning_rates import EpochRates, inverse_scaling
from glassnet.estimators.stopping import Patience, sentence
from glassnet.execution.reference import Sources
from glassnet.network import NeuralNetwork
from glassnet.tables.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer, optimizer
from glassnet.tables.schedules import Schedule, schedule
from glassnet.training.fit import SHOWN_EVERY
from glassnet.training.history import Report
from glassnet.training.layer_monitor import Watch
from glassnet.training.layer_monitor import kept as kept_samples
from glassnet.training.progress import progress
from glassnet.training.recipe import Recipe
from glassnet.training.training import Training

Array = np.ndarray[Any, Any]
SMALL = 1 << 20  # bytes
LEAST_RATE = 1e-6  # of the adaptive mode
LEAST_EPSILON = 1e-37  # what Adam's row takes; no smaller one makes a difference


class OptimizerState(NamedTuple):
    """What partial_fit goes on from: the optimiser, its rate, the steps it has made, and its vectors."""

    row: Optimizer
    learning_rate: float
    step: int
    states: list[Array]


class Data(NamedTuple):
    """What a fit reads: all samples, the places of those that are trained on, and what judges the weights.

    `score` gives the score on held-out samples, `evaluate` the loss on them.
    """

    sources: Sources
    places: Array
    score: Callable[[], float] | None = None
    evaluate: Callable[[], tuple[float, float | None]] | None = None


def optimizer_row(model: Any) -> Optimizer:
    """The optimiser that an estimator's words mean."""
    if model.optimizer is not None:
        return optimizer(model.optimizer)
    if model.solver == "adam":
        epsilon = max(float(model.epsilon), LEAST_EPSILON)
        return Adam(float(model.beta_1), float(model.beta_2), epsilon, corrected_epsilon=False)
    if not model.momentum:
        return SGD()
    return (Nesterov if model.nesterovs_momentum else Momentum)(float(model.momentum), rate_inside=True)


def batch_size(model: Any, samples: int) -> int:
    """The samples of a step: 200 unless said, and never more than there are."""
    if model.batch_size == "auto":
        return min(200, samples)
    if model.batch_size > samples:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=2
        )
    return int(min(model.batch_size, samples))


class Stochastic:
    """One call of fit, or of partial_fit where `incremental`, on `model`, whose network is `network`."""

    def __init__(
        self,
        model: Any,
        network: NeuralNetwork,
        data: Data,
        rng: np.random.RandomState,
        incremental: bool,
        hooks: Hooks,
    ) -> None:
        self.model, self.network, self.data, self.incremental, self.hooks = model, network, data, incremental, hooks
        self.samples = len(data.places)
        self.orders = Shuffles(rng, data.places) if model.shuffle else None
        orders = self.orders or self._in_order
        self.batch_size = batch_size(model, self.samples)
        epochs = 1 if incremental else model.max_iter
        self.plan = Plan(self.samples, self.batch_size, data.sources.weights, orders, epochs)
        held: OptimizerState | None = getattr(model, "_optimizer", None) if incremental else None
        self.row = held.row if held else optimizer_row(model)
        self.rate = held.learning_rate if held else float(model.learning_rate_init)
        self.training = self._training(held)
        self.patience = Patience(model.tol, model.n_iter_no_change, self._best(), model._no_improvement_count)

    def _best(self) -> float:
        """The lowest loss or the highest score before this fit; a warm start may begin to watch the other one."""
        model = self.model
        if self.data.score is None:
            return np.inf if model.best_loss_ is None else float(model.best_loss_)
        if model.validation_scores_ is None:
            model.validation_scores_, model.best_validation_score_ = [], -np.inf
        return float(model.best_validation_score_)

    def _in_order(self, number: int, places: Array) -> None:
        """The samples that are trained on, as they lie."""
        places[:] = self.data.places

    # The run ----------------------------------------------------------------------------------------------------------

    def _training(self, held: OptimizerState | None) -> Training:
        """A run that begins, or that goes on from where the last partial_fit ended."""
        first = held.step if held else 0
        self.rates = self._schedule(first)
        recipe = Recipe(
            batch_size=self.batch_size,
            epochs=self.model.max_iter,
            lr=self.rate,
            optimizer=self.row,
            schedule=self.rates,
            by_samples=True,
        )
        found: Training | None = getattr(self.model, "_training", None) if held else None
        sources = self.data.sources
        if found is not None and self._fits(found):
            found.recipe, found.evaluate = recipe, self.data.evaluate
            found.feed(self.plan, None if replaced(found.sources, sources) else kept(sources))
        else:
            sources = kept(sources) if self.incremental else sources
            found = Training(self.network, sources, recipe, self.data.evaluate, self.plan)
            found.counters.step = first
            found.watch = None if self.incremental else Watch(found)
            for vector, given in zip(found.vectors.states, held.states if held else (), strict=False):
                vector.vector[:] = given
        found.executor.threads = self.model.threads
        return found

    def _fits(self, training: Training) -> bool:
        """Whether a kept run can read the present data."""
        before, now = training.sources, self.data.sources
        same = before.y.ndim == now.y.ndim and (before.weights is None) == (now.weights is None)
        return same and training.network is self.network and training.executor.capacity >= self.batch_size

    def _schedule(self, first: int) -> Schedule:
        model = self.model
        if model.schedule is not None:
            return schedule(model.schedule)
        if model.solver == "sgd" and model.learning_rate == "invscaling":
            seen = model.t_ + self.samples * np.arange(1, 2 if self.incremental else model.max_iter + 1)
            return EpochRates(inverse_scaling(self.rate, model.learning_rate_init, model.power_t, seen), first)
        return EpochRates(self.rate, first)

    def run(self) -> str:
        """Run to the end; the weights of the best epoch are kept where a score judges them.

        Returns scikit-learn's words where the fit has not converged, which are to be said, or an empty string.
        """
        model, epochs = self.model, 1 if self.incremental else self.model.max_iter
        model.n_iter_, self.stopped = 0, ""
        started = time.perf_counter()
        try:
            with progress(epochs, int(model.progress)) as show:
                self.callbacks = (show, *model.callbacks)
                while model.n_iter_ < epochs and not self.stopped:
                    self._stretch(epochs - model.n_iter_, started)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        except DivergedError as error:
            self._diverge(error)
        self._finish()
        if self.incremental or self.stopped or model.n_iter_ < model.max_iter:
            return ""
        return (
            f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the optimization hasn't "
            "converged yet."
        )

    def _stretch(self, left: int, started: float) -> None:
        """Run some epochs, and take in those that are finished."""
        watched = self.data.score is not None or self.model.callbacks or self.hooks.active
        limit = self.model.time_limit
        seconds = SHOWN_EVERY if limit is None else min(SHOWN_EVERY, limit - (time.perf_counter() - started))
        if seconds <= 0:
            self.stopped = "the time limit was reached"
            return
        if self.training.counters.batch == 0:
            self.hooks.begin_epoch()
        self.training.run(epochs=1 if watched else self.patience.certain(left), seconds=seconds)
        self._take_in()

    def _take_in(self) -> None:
        """Take in the reports of all epochs that are new."""
        while self.model.n_iter_ < len(self.training.counters.reports) and not self.stopped:
            self._end_epoch(self.training.counters.reports[self.model.n_iter_])
        self._follow_rate()

    def _end_epoch(self, report: Report) -> None:
        model = self.model
        model.n_iter_ += 1
        model.t_ += self.samples
        model.loss_ = report.cost
        model.loss_curve_.append(report.cost)
        if report.validation_cost is not None:
            model.validation_loss_curve_.append(report.validation_cost)
        if model.verbose:
            print(f"Iteration {model.n_iter_}, loss = {report.cost:.8f}")
        self._judge()
        if self.patience.exhausted:
            self._stop_or_slow_down()
        answers = [self.hooks.end_epoch(), *(callback(report) for callback in self.callbacks)]
        if any(answer is True for answer in answers):
            self.stopped = "a callback ended it"

    def _judge(self) -> None:
        """Count the epoch by its score or its loss; remember the best weights."""
        model = self.model
        if self.data.score is None:
            self.patience.loss(model.loss_)
            model.best_loss_ = self.patience.best
        else:
            model.validation_scores_.append(self.data.score())
            if model.verbose:
                print(f"Validation score: {model.validation_scores_[-1]:f}")
            if self.patience.score(model.validation_scores_[-1]):
                model.best_validation_score_ = self.patience.best
                model._keep_best()
        model._no_improvement_count = self.patience.count

    def _follow_rate(self) -> None:
        """The rate as the mode has it after the epochs that were run."""
        if isinstance(self.rates, EpochRates):
            self.rate = float(self.rates.after(self.model.n_iter_))

    def _stop_or_slow_down(self) -> None:
        """The fit ends, or in the adaptive mode goes on with a fifth of the rate."""
        model = self.model
        self._follow_rate()
        why = sentence(self.data.score is not None, self.patience.tol, self.patience.limit)
        adaptive = model.solver == "sgd" and model.learning_rate == "adaptive"
        if adaptive and isinstance(self.rates, EpochRates) and self.rate > LEAST_RATE:
            self.rate /= 5
            self.rates.change(model.n_iter_, self.rate)
            self.patience.count = model._no_improvement_count = 0
            end = f"Setting learning rate to {self.rate:f}"
        else:
            self.stopped, end = why, "Learning rate too small. Stopping." if adaptive else "Stopping."
        if model.verbose:
            print(f"{why} {end}")

    # The end ----------------------------------------------------------------------------------------------------------

    def _diverge(self, error: DivergedError) -> None:
        """Where a score kept good weights, say what happened and keep them; else raise what scikit-learn would."""
        self._take_in()
        if self.data.score is None or not math.isfinite(self.patience.best):
            self._finish()
            raise diverged(error) from error
        self.model.validation_scores_.append(math.nan)
        self.model.n_iter_ += 1
        self.model.loss_ = math.nan
        self.model.loss_curve_.append(math.nan)
        self.stopped = "it diverged"
        warnings.warn(FitWarning(f"{error} The weights of the best epoch before are kept."), stacklevel=2)

    def _finish(self) -> None:
        """Leave the attributes, the chance and the optimiser as the next fit or partial_fit needs them."""
        model, counters = self.model, self.training.counters
        begun = counters.epoch + (counters.batch > 0)
        if not model.n_iter_ and counters.weight_sum:
            model.loss_ = counters.cost_sum / counters.weight_sum
        if self.orders is not None:
            self.orders.finish(max(begun, 1))
        states = [state.vector for state in self.training.vectors.states]
        model._optimizer = OptimizerState(self.row, self.rate, counters.step, states)
        model._training = self.training if self.incremental else None
        if self.data.score is not None:
            model._restore_best()
        self._remember()

    def _remember(self) -> None:
        """Leave with the network what a diagnosis goes by."""
        self.network.history = self.network.seen = None
        if not self.incremental:
            history = self.network.history = self.training.history()
            self.network.seen = kept_samples(self.data.sources, self.data.places)
            if self.data.score is not None and len(history):
                history.best_epoch = 1 + int(np.nanargmax(self.model.validation_scores_[-len(history) :]))


def kept(sources: Sources) -> Sources:
    """Small data in memory of their own, so that the next ones of partial_fit can take their place."""
    if not is_small(sources):
        return sources
    return Sources(sources.x.copy(), sources.y.copy(), None if sources.weights is None else sources.weights.copy())


def is_small(sources: Sources) -> bool:
    """Whether copying costs less than naming other data to the executor."""
    return not is_sparse(sources.x) and sources.x.nbytes + sources.y.nbytes <= SMALL


def replaced(old: Sources, new: Sources) -> bool:
    """Copy new data over old ones that `kept` copied, where both are small and of one form; whether that was done."""
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a is not None and b is not None]
    if not (is_small(old) and is_small(new) and all((a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)):
        return False
    for a, b in pairs:
        a[...] = b
    return True


def validation_loss(network: NeuralNetwork, sources: Sources) -> Callable[[], tuple[float, float | None]]:
    """The loss on held-out samples, the penalty left out."""
    return partial(network._inference.evaluate, sources, penalty=False)
