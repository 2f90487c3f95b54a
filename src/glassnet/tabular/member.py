"""One network of a tabular model: built and trained by its hyperparameters, with the weights of its best epoch.

The rows that a member leaves out choose the epoch; of equal epochs the last is taken. The networks of one model differ
in their seeds and in these rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from glassnet.data.copies import copies_among
from glassnet.errors import DivergedError
from glassnet.network import NeuralNetwork
from glassnet.tabular.cross_fitted import CrossFittedOutputs
from glassnet.tabular.hyperparameters import Hyperparameters
from glassnet.tabular.member_network import build_network, train_network
from glassnet.tabular.metrics import Metric
from glassnet.tabular.training_data import TrainingData
from glassnet.training.history import Report

Array = np.ndarray[Any, Any]

MAX_DATA_BYTES = 8 << 20  # of the data of a run, for its report
SLOWER, MAX_RETRIES = 0.1, 2  # a run that diverges before its first epoch begins again with a lower rate


@dataclass
class Member:
    """A trained network with the weights of its best epoch.

    `holdout` are the numbers of the fitted rows that chose the epoch, empty where the model was read from a file;
    `score` is that of the best epoch on them, the greater the better. `holdout_outputs` (rows, outputs) are predictions
    for them of which no row chose the epoch itself. `scores` are those of every epoch, empty after
    reading a file.
    """

    network: NeuralNetwork
    holdout: Array = field(default_factory=lambda: np.empty(0, np.int64))
    best_epoch: int = 0
    score: float = np.nan
    holdout_outputs: Array = field(default_factory=lambda: np.empty((0, 0), np.float32))
    scores: list[float] = field(default_factory=list)


class MemberRun:
    """The training of one member in a thread of its own.

    `stop` ends it at a step; the member then has the weights of the best epoch so far.
    """

    def __init__(
        self, data: TrainingData, holdout: Array, hyperparameters: Hyperparameters, seed: int, metric: Metric
    ) -> None:
        self.data, self.holdout, self.hyperparameters, self.seed, self.metric = (
            data,
            holdout,
            hyperparameters,
            seed,
            metric,
        )
        self.network: NeuralNetwork | None = None
        self.epochs_done = 0
        self.report: Callable[[Report, float], None] | None = None
        self.is_stopped = False

    def train(self, time_limit: Callable[[], float | None]) -> Member:
        """Train, and return the member; `time_limit` gives the seconds, asked when the run begins."""
        training = self.data.part(np.setdiff1d(np.arange(len(self.data.x)), self.holdout))
        copies = copies_among(self.holdout, self.data.copies)
        best = BestEpoch(self.data.part(self.holdout), self.metric, copies)
        for attempt in range(MAX_RETRIES + 1):
            self.network = network = build_network(training, self.hyperparameters, self.seed)
            hyperparameters = self.hyperparameters._replace(lr=self.hyperparameters.lr * SLOWER**attempt)
            try:
                train_network(network, training, hyperparameters, time_limit(), partial(self._after_epoch, best))
                break
            except DivergedError as error:
                if not best.epoch and attempt == MAX_RETRIES:
                    raise error.reworded("Check the columns for extreme values.") from error
                if best.epoch:
                    break
        if network.history is not None and network.history.reporter is not None:
            network.history.reporter.release_data(MAX_DATA_BYTES)  # every member has data of its own
        best.restore_into(network)
        return Member(network, self.holdout, best.epoch, best.score, best.outputs, best.all_scores)

    def _after_epoch(self, best: BestEpoch, report: Report) -> bool:
        assert self.network is not None
        score = best.consider(self.network, report.epoch)
        self.epochs_done = report.epoch
        if self.report is not None:
            self.report(report, score)
        return self.is_stopped

    def stop(self) -> None:
        """End the run at a step, or after the first epoch if it has not begun."""
        self.is_stopped = True
        if self.network is not None:
            self.network.stop()


class BestEpoch:
    """The weights of the epoch with the best score on the rows left out; of equal ones the last."""

    def __init__(self, holdout: TrainingData, metric: Metric, copies: Array | None = None) -> None:
        self.holdout, self.metric = holdout, metric
        self.score, self.epoch = -np.inf, 0
        self.all_scores: list[float] = []
        self.parameters: Array | None = None
        self.cross_fitted = CrossFittedOutputs(len(holdout.x), self._score, copies)

    @property
    def outputs(self) -> Array:
        """Predictions (rows, outputs) for the rows left out, none by an epoch that the row itself chose."""
        assert self.cross_fitted.outputs is not None
        return self.cross_fitted.outputs

    def consider(self, network: NeuralNetwork, epoch: int) -> float:
        """Keep the present weights if they are the best so far; returns their score."""
        outputs = network.predict(self.holdout.x.T).T
        score = self._score(outputs)
        score = -np.inf if np.isnan(score) else score
        if epoch:
            self.all_scores.append(score)
        is_best = score >= self.score
        if is_best:
            self.score, self.epoch, self.parameters = score, epoch, network.parameters.vector.copy()
        self.cross_fitted.consider(outputs, is_best)
        return score

    def _score(self, outputs: Array, rows: Array | None = None) -> float:
        """The score of predictions for the rows left out, or for some of them."""
        data = self.holdout if rows is None else self.holdout.part(rows)
        return self.metric(outputs, data.x, data.y, data.weights)

    def restore_into(self, network: NeuralNetwork) -> None:
        """Give the network the best weights; those it has, where no epoch was finished."""
        if self.parameters is None:
            self.consider(network, 0)
        assert self.parameters is not None
        network.parameters.vector = self.parameters
