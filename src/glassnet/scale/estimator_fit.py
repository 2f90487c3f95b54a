"""Trains an MLPClassifier or MLPRegressor in lanes: the loop of its `fit` around a LaneTraining.

What is known before the data are read (classes, columns, dtype) comes from a few rows that stand for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from glassnet.batches.streamed_sources import HeldOut
from glassnet.errors import ClusterError, DataError, ParameterError, unknown_name
from glassnet.estimators import fit_warnings
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.estimators.callbacks import SklearnCallbacks
from glassnet.estimators.solvers import STOCHASTIC_SOLVERS
from glassnet.estimators.stochastic import FitData, StochasticFit, optimizer_entry
from glassnet.estimators.stopping import Patience
from glassnet.files.run_files import RunFiles, checked_files
from glassnet.scale.estimator_encoding import EstimatorEncoding
from glassnet.scale.lane_files import LaneCheckpoint, describe_estimator_lanes, restore
from glassnet.scale.lane_run import LaneTraining, Runner, training_sizes
from glassnet.scale.lane_settings import LaneOptions
from glassnet.scale.lane_validation import LaneValidation
from glassnet.scale.learnt_encoding import learnt_encoding
from glassnet.scale.local import limit_threads
from glassnet.scale.network_fit import FILE_OPTIONS, lane_training
from glassnet.scale.scores import BlockScore, r2
from glassnet.training.history import Report
from glassnet.training.layer_monitor import LayerMonitor
from glassnet.training.recipe import Recipe

BATCH_SIZE = 200  # "auto" of scikit-learn


class EstimatorArguments(NamedTuple):
    """What a fit in lanes is asked for, besides the estimator's own parameters; `validation` is a fraction or None."""

    lanes: LaneOptions
    files: RunFiles
    validation: float | None

    @classmethod
    def checked(
        cls, estimator: BaseMLP, lanes: LaneOptions, options: dict[str, Any], validation: float | None
    ) -> EstimatorArguments:
        """Check them, and that the estimator can be fitted so. Raises ParameterError and others."""
        for name in options:
            if name not in FILE_OPTIONS:
                raise unknown_name("the argument", name, FILE_OPTIONS)
        estimator._validate_params()
        if estimator.solver not in STOCHASTIC_SOLVERS:
            raise ParameterError(f"solver={estimator.solver!r} has no mini-batches; lanes need 'adam' or 'sgd'.")
        if estimator.scoring is not None:
            raise ParameterError("scoring needs all predictions at once, and here they lie in blocks; leave it out.")
        if getattr(estimator, "class_weight", None) == "balanced":
            raise ParameterError("class_weight='balanced' needs all of y at once, but it lies in blocks; pass a dict.")
        if getattr(estimator, "_skl_callbacks", None):
            raise ParameterError("scikit-learn's callbacks need all of X; pass functions as callbacks= instead.")
        files = checked_files(options.get("checkpoint"), options.get("every"), options.get("resume", False), None)
        return cls(lanes, files, validation)


def expected_batch_size(estimator: BaseMLP) -> int:
    """The samples per step, before the number of samples is known."""
    return BATCH_SIZE if estimator.batch_size == "auto" else int(estimator.batch_size)


def fit_estimator(
    estimator: BaseMLP,
    representative: tuple[Any, Any],
    open_runner: Callable[[EstimatorEncoding], Runner],
    arguments: EstimatorArguments,
) -> BaseMLP:
    """Fit and return the estimator. A call that is refused for its data leaves it as it was.

    `representative` are rows of X, and y with all classes in it; `open_runner` reads the data with an encoding.
    """
    rng, before = check_random_state(estimator.random_state), dict(vars(estimator))
    runner = None
    try:
        try:
            estimator._prepare(*representative, None, False, rng)
            runner = open_runner(learnt_encoding(estimator))
            limit_threads(runner, estimator.threads)
            run = LaneFit(estimator, runner, rng, arguments)
        except BaseException:
            estimator.__dict__.clear()
            estimator.__dict__.update(before)
            raise
        return _run(estimator, run)
    finally:
        if runner is not None:
            runner.close()


def _run(estimator: BaseMLP, run: LaneFit) -> BaseMLP:
    network = estimator._network
    problems = fit_warnings.data_findings(estimator, network, run.data.sources)
    try:
        not_converged = run.run()
    except (ClusterError, DataError):
        run.save()
        run._finish()
        raise
    estimator.lanes_ = run.training.settings.described()
    if network.history is not None:
        network.history.lanes = dict(estimator.lanes_)
        network.history.communication = run.training.runner.communication
        network.history.warnings += run.training.runner.warnings
    fit_warnings.warn_after_fit(estimator, network, not_converged, problems)
    return estimator


class LaneFit(StochasticFit):
    """One fit in lanes. The order of the samples is drawn from a number of the estimator's RandomState."""

    training: LaneTraining

    def __init__(
        self, estimator: BaseMLP, runner: Runner, rng: np.random.RandomState, arguments: EstimatorArguments
    ) -> None:
        self.estimator, self.network, self.incremental, self.shuffles = estimator, estimator._network, False, None
        self.sklearn_callbacks = SklearnCallbacks(estimator, None, None, None)
        seed, held_out = int(rng.randint(2**31)), None
        if not runner.data.validation_sizes and (arguments.validation or estimator.early_stopping):
            held_out = HeldOut(arguments.validation or estimator.validation_fraction, seed)
        self.samples = sum(training_sizes(runner.data.sizes, held_out))
        self.optimizer, self.rate = optimizer_entry(estimator), float(estimator.learning_rate_init)
        self.rates = self._schedule(0)
        self.batch_size = min(expected_batch_size(estimator), self.samples)
        recipe = Recipe(
            self.batch_size,
            estimator.max_iter,
            self.rate,
            self.optimizer,
            self.rates,
            shuffle=estimator.shuffle,
            penalty_per_weight=True,
        )
        self.training = lane_training(self.network.model, runner, recipe, arguments.lanes, held_out, (seed, 0))
        self._begin(held_out is not None or bool(runner.data.validation_sizes))
        self.checkpoint = self._checkpoint(arguments.files)

    def _begin(self, has_validation: bool) -> None:
        """What judges the fit, and what measures it."""
        estimator, samples = self.estimator, self.training.runner.data.samples
        self.report: Report | None = None
        if has_validation:
            self.training.evaluate = LaneValidation(self.training, _score, penalty=False)
        score = self._score_of_report if estimator.early_stopping else None
        self.data = FitData(samples, np.arange(len(samples.y)), score, self.training.evaluate)
        count = estimator._no_improvement_count
        self.patience = Patience(estimator.tol, estimator.n_iter_no_change, self._previous_best(), count)
        self.scores_before = len(getattr(estimator, "validation_scores_", None) or ())
        self.monitor = LayerMonitor(self.training)
        estimator.n_iter_, self.stop_reason = 0, ""

    def _score_of_report(self) -> float:
        """The validation score of the epoch that is being processed."""
        assert self.report is not None
        metric, accuracy = self.report.validation_metric, self.report.accuracy
        return float(accuracy if metric is None else metric)  # type: ignore[arg-type]

    def _end_epoch(self, report: Report) -> None:
        self.report = report
        super()._end_epoch(report)

    def _judge_epoch(self) -> None:
        """Judge the epoch; a checkpoint has the best weights too."""
        super()._judge_epoch()
        best = self.estimator._best_vectors
        if best is not None:
            self.training.best = {"best_parameters": best[0], "best_statistics": best[1]}

    # The checkpoint ---------------------------------------------------------------------------------------------------

    def _checkpoint(self, files: RunFiles) -> LaneCheckpoint | None:
        """Go on from a checkpoint where that was asked for, and begin to write it."""
        if files.checkpoint is None:
            return None
        description = describe_estimator_lanes(self.training, self.estimator)
        if files.resume and files.checkpoint.exists():
            restore(self.training, files.checkpoint, description)
            self._repeat_epochs()
        return LaneCheckpoint(self.training, files.checkpoint, files.every, description)

    def _repeat_epochs(self) -> None:
        """Count the epochs of the checkpoint as if they had just been run: attributes, patience and rates follow."""
        self.report_callbacks, best = (), self.training.best
        self._process_reports()
        if best:
            self.estimator._best_vectors = [best["best_parameters"].copy(), best["best_statistics"].copy()]
            self.training.best = best

    def _run_epochs(self, left: int, started: float) -> None:
        super()._run_epochs(left, started)
        if self.checkpoint is not None:
            self.checkpoint.after_steps()

    def save(self) -> None:
        """Write the checkpoint, if there is one."""
        if self.checkpoint is not None:
            self.checkpoint.save()


def _score(score: BlockScore) -> float | None:
    """What a fit is judged by: R², or the weighted accuracy where that is not the plain one."""
    if score.right is None:
        return r2(score)
    return None if score.weight == score.samples else float(score.right_weight or 0.0) / score.weight
