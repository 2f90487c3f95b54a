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
from glassnet.program.parameters import Array
from glassnet.scale.lane_settings import LaneSettings
from glassnet.scale.lanes import LanePlan
from glassnet.scale.outer_step import outer_step_into
from glassnet.scale.rates import LaneRates, with_given_rates
from glassnet.scale.round import Arrays, LaneNetwork, LanePart, LaneResult, LaneTask
from glassnet.scale.scores import BlockScore, EvaluationTask
from glassnet.training.recipe import Recipe
from glassnet.training.training import DIVERGED_ADVICE, Training


class LaneData(NamedTuple):
    """What is known of the data of a run without reading them.

    `sizes` and `validation_sizes` are the rows of each block, `lanes` the number of lanes that they were dealt for,
    `samples` a few of the rows, as a network reads them; `digest` identifies all of them in a checkpoint. `names` is
    what messages call the blocks: those of the lanes may be joined or cut from those that a person has passed.
    """

    sizes: tuple[int, ...]
    samples: Sources
    digest: str
    lanes: int
    validation_sizes: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Runner(Protocol):
    """What runs the lanes of a round. What it returns does not depend on how it does so."""

    data: LaneData
    warnings: list[str]  # about how the rounds are run; the History has them

    @property
    def communication(self) -> float | None:
        """The share of the time of the rounds that was not spent on steps; None if it is not measured."""

    def round(self, tasks: Sequence[LaneTask | None], shared: Arrays) -> LaneResult:
        """`lane_round` of each task (None: nothing to do) and their `tree_mean`. After Ctrl-C none of them goes on."""

    def evaluate(self, tasks: Sequence[EvaluationTask], shared: Arrays) -> list[BlockScore]:
        """`evaluate_block` of each task, in their order."""

    def close(self) -> None:
        """End what goes on beside the rounds."""


class LaneTraining(Training):
    """A run of `model` in lanes on the blocks of a runner; `key` is what the orders of the samples are drawn from.

    `held_out` is the part of every block that is not trained on.
    """

    def __init__(
        self,
        model: Model,
        runner: Runner,
        recipe: Recipe,
        settings: LaneSettings,
        held_out: HeldOut | None = None,
        key: tuple[int, int] | None = None,
    ) -> None:
        self.runner, self.settings, self.held_out, self.network = runner, settings, held_out, LaneNetwork.of(model)
        self.key = key or (model.seed, recipe.run)
        if settings.rate_factor != 1:
            recipe = recipe._replace(schedule=LaneRates(recipe.schedule, settings.rate_factor, settings.warm_up))
        sizes = training_sizes(runner.data.sizes, held_out)
        self.lane_plan = LanePlan(sizes, settings, recipe.batch_size, self.key, recipe.shuffle)
        plan: Any = self.lane_plan
        self.velocity = model.parameters.like().vector if settings.outer_momentum else None
        super().__init__(model, runner.data.samples, recipe, None, plan)

    def _advance(self, steps: int, last: int) -> int:
        """Run one round, however few `steps` were asked for."""
        counters, plan = self.counters, self.lane_plan
        count = plan.round_steps(counters.batch)
        numbers = np.arange(counters.step, counters.step + count, dtype=np.float64)
        recipe = with_given_rates(self.recipe, numbers, plan.batches_per_epoch)
        result = self.runner.round(self.tasks(recipe), self.shared())
        if result.failure:
            raise _diverged(result.failure)
        with defer_signals():
            self._take(result.arrays, 0.0 if self._is_last(count) else self.settings.outer_momentum)
            counters.batch, counters.step = counters.batch + count, counters.step + count
            counters.cost_sum += result.cost_sum
            counters.weight_sum += result.weight_sum
        if counters.batch == plan.batches_per_epoch:
            self._end_epoch(float(recipe.schedule.rates(recipe.lr, numbers[-1:], 1, 1)[0]))
        return count

    def _is_last(self, steps: int) -> bool:
        """Whether a round of so many steps ends the last epoch."""
        counters, batches = self.counters, self.lane_plan.batches_per_epoch
        return counters.epoch + 1 == self.recipe.epochs and counters.batch + steps == batches

    def _take(self, arrays: Arrays, momentum: float) -> None:
        """Take what the lanes have learnt as the state that the next round begins from, or, without momentum, the end.

        The way that momentum adds is for a round to come: the mean itself is the better end.
        """
        for name, vector in self.shared().items():
            if name == "parameters" and self.velocity is not None:
                outer_step_into(vector, arrays[name], self.velocity, momentum)
            else:
                vector[:] = arrays[name]

    def _run_vectors(self) -> dict[str, Array]:
        """The vectors that the run changes: those that the lanes share, and the velocity of the outer step."""
        velocity = {} if self.velocity is None else {"velocity": self.velocity}
        return super()._run_vectors() | velocity

    def tasks(self, recipe: Recipe) -> list[LaneTask | None]:
        """What each lane does in the next round, with a recipe that has its rates."""
        counters, plan = self.counters, self.lane_plan
        position = (counters.epoch, counters.batch, counters.step, plan.batches_per_epoch)
        lanes = plan.parts(counters.epoch, counters.batch, self.executor.shuffle)
        return [
            LaneTask(self.network, recipe, self.key, lane, *position, self._named(parts), self.held_out)
            if parts
            else None
            for lane, parts in enumerate(lanes)
        ]

    def _named(self, parts: tuple[LanePart, ...]) -> tuple[LanePart, ...]:
        """The parts with the names of their blocks."""
        names = self.runner.data.names
        return tuple(part._replace(name=names[part.block]) for part in parts) if names else parts

    def _take_snapshot(self) -> None:
        """No-op: a round that diverges changes nothing."""

    def evaluation_tasks(self) -> list[EvaluationTask]:
        """One for each block that validates the run: the validation blocks, or what is held out of each block."""
        data = self.runner.data
        sizes = data.validation_sizes if self.held_out is None else data.sizes
        return [EvaluationTask(self.network, block, self.held_out) for block in range(len(sizes))]

    def shared(self) -> Arrays:
        """The state that all lanes begin a round from, not copied."""
        return super()._run_vectors()


def training_sizes(sizes: Sequence[int], held_out: HeldOut | None) -> list[int]:
    """The numbers of training samples of blocks of so many rows."""
    return [size - (0 if held_out is None else held_out_count(size, held_out.fraction)) for size in sizes]


def _diverged(sentence: str) -> DivergedError:
    error = DivergedError(f"{sentence} {DIVERGED_ADVICE}")
    error.advice = DIVERGED_ADVICE
    return error
