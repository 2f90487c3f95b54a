"""A run in lanes: the Training whose steps are rounds, over whatever runs the lanes (local.py, dask.py).

All that a run has besides its steps is Training's: counts, History, best weights, patience, state and checkpoint. So
`fit` of training/fit.py takes it to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from glassnet.batches.sources import Sources, held_out_count
from glassnet.batches.streamed_sources import HeldOut
from glassnet.engine.signals import defer_signals
from glassnet.errors import DivergedError
from glassnet.execution.model import Model
from glassnet.scale.lanes import LanePlan, LaneSettings
from glassnet.scale.rates import LaneRates, with_given_rates
from glassnet.scale.round import Arrays, LaneNetwork, LaneResult, LaneTask
from glassnet.scale.scores import BlockScore, EvaluationTask
from glassnet.training.recipe import Recipe
from glassnet.training.training import Evaluate, Monitor, Training


class LaneData(NamedTuple):
    """What is known of the data of a run without reading them.

    `sizes` and `validation_sizes` are the rows of each block, `lanes` the number of lanes that they were dealt for,
    `samples` a few of the rows, as a network reads them; `digest` identifies all of them in a checkpoint.
    """

    sizes: tuple[int, ...]
    samples: Sources
    digest: str
    lanes: int
    validation_sizes: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


class Runner(Protocol):
    """What runs the lanes of a round. What it returns does not depend on how it does so."""

    data: LaneData

    def round(self, tasks: Sequence[LaneTask | None], shared: Arrays) -> LaneResult:
        """`lane_round` of each task (None: nothing to do) and their tree_mean. Ctrl-C ends it soon, with nothing left."""

    def evaluate(self, tasks: Sequence[EvaluationTask], shared: Arrays) -> list[BlockScore]:
        """`evaluate_block` of each task, in their order."""

    def close(self) -> None:
        """End what goes on beside the rounds."""


class LaneTraining(Training):
    """A run of `model` in lanes on the blocks of a runner."""

    def __init__(
        self,
        model: Model,
        runner: Runner,
        recipe: Recipe,
        settings: LaneSettings,
        held_out: HeldOut | None = None,
        evaluate: Evaluate = None,
    ) -> None:
        self.runner, self.settings, self.held_out, self.network = runner, settings, held_out, LaneNetwork.of(model)
        if settings.rate_factor != 1:
            recipe = recipe._replace(schedule=LaneRates(recipe.schedule, settings.rate_factor, settings.warm_up))
        sizes = training_sizes(runner.data.sizes, held_out)
        plan: Any = LanePlan(sizes, settings, recipe.batch_size, (model.seed, recipe.run), recipe.shuffle)
        super().__init__(model, runner.data.samples, recipe, evaluate, plan)
        self.lane_seconds = 0.0  # that lanes have computed, all together

    def run(self, *, steps: int | None = None, monitor: Monitor | None = None, **limits: Any) -> Any:
        """Advance the run by rounds: as in Training, but `steps` is a number of steps after which a round is the last."""
        return super().run(steps=steps, monitor=monitor, **limits)

    def _advance(self, steps: int, last: int) -> int:
        """Run one round, whatever `steps` is."""
        counters = self.counters
        count = self.plan.round_steps(counters.batch)  # type: ignore[attr-defined]
        numbers = np.arange(counters.step, counters.step + count, dtype=np.float64)
        recipe = with_given_rates(self.recipe, numbers, self.plan.batches_per_epoch)
        result = self.runner.round(self.tasks(recipe), self._run_vectors())
        if result.failure:
            raise _diverged(result.failure)
        with defer_signals():
            for name, vector in self._run_vectors().items():
                vector[:] = result.arrays[name]
            counters.batch, counters.step = counters.batch + count, counters.step + count
            counters.cost_sum += result.cost_sum
            counters.weight_sum += result.weight_sum
            self.lane_seconds += result.seconds
        if counters.batch == self.plan.batches_per_epoch:
            rate = recipe.schedule.rates(recipe.lr, numbers[-1:], 1, 1)
            self._end_epoch(float(rate[0]))
        return count

    def tasks(self, recipe: Recipe) -> list[LaneTask | None]:
        """What each lane does in the next round."""
        counters, plan = self.counters, self.plan
        key = (self.model.seed, self.recipe.run)
        position = (counters.epoch, counters.batch, counters.step, plan.batches_per_epoch)
        lanes = plan.parts(counters.epoch, counters.batch, self.executor.shuffle)  # type: ignore[attr-defined]
        return [
            LaneTask(self.network, recipe, key, lane, *position, parts, self.held_out) if parts else None
            for lane, parts in enumerate(lanes)
        ]

    def _take_snapshot(self) -> None:
        """No-op: a round that diverges changes nothing."""


def training_sizes(sizes: Sequence[int], held_out: HeldOut | None) -> list[int]:
    """The numbers of training samples of blocks of so many rows."""
    return [size - (0 if held_out is None else held_out_count(size, held_out.fraction)) for size in sizes]


def _diverged(sentence: str) -> DivergedError:
    advice = "Try a smaller lr, scaled inputs, or clip_norm=1."
    error = DivergedError(f"{sentence} {advice}")
    error.advice = advice
    return error
