"""One lane's part of a round: some steps from the shared state on its next mini-batches, on one thread.

`lane_round` is a function of its arguments alone, so whoever runs it, where, and how often, gets the same bits. Before
it, lanes.py says which mini-batches they are; after it, averaging.py joins the lanes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.block_order import permutation
from glassnet.batches.mini_batches import EpochBlock, batch_weights, epoch_batches
from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import HeldOut
from glassnet.errors import DivergedError
from glassnet.execution.model import Model
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.tables.initializers import Initializer
from glassnet.training.recipe import Counters, Recipe
from glassnet.training.training import Training

Arrays = Mapping[str, Array]
STOP_SECONDS = 0.1  # between two questions whether a round is stopped


class LaneNetwork(NamedTuple):
    """A network without its numbers."""

    architecture: Architecture
    initializer: Initializer
    dtype: str
    seed: int
    engine: str

    @classmethod
    def of(cls, model: Model) -> LaneNetwork:
        """The description of a model."""
        return cls(model.architecture, model.initializer, str(model.dtype), model.seed, model.engine)

    def model(self, seed: int | None = None) -> Model:
        """A model with zeros in its vectors; `seed` replaces the network's own."""
        return Model.zeros(
            self.architecture, self.initializer, self.dtype, self.seed if seed is None else seed, self.engine
        )


class LanePart(NamedTuple):
    """The mini-batches first .. stop-1 of a block, in the order of the epoch; messages call the block `name`."""

    block: int
    first: int
    stop: int
    name: str = ""


class LaneTask(NamedTuple):
    """What a lane does in a round: plain data, a few kilobytes.

    `recipe` has the rates of these steps; `key` is (seed, run) of the order of the samples; `batch` is the number of
    the lane's batches before this round in `epoch`, `step` the count of steps, both from 0 and the same for all lanes.
    """

    network: LaneNetwork
    recipe: Recipe
    key: tuple[int, int]
    lane: int
    epoch: int
    batch: int
    step: int
    batches_per_epoch: int
    parts: tuple[LanePart, ...]
    held_out: HeldOut | None = None

    @property
    def blocks(self) -> tuple[int, ...]:
        """The blocks that the lane reads, in the order in which `lane_round` takes them."""
        return tuple(part.block for part in self.parts)


class LaneResult(NamedTuple):
    """What a lane, or several lanes together, have learnt in a round.

    `weight` is the number of rows (Σw of those with sample weights), `arrays` the state afterwards, `cost_sum` the sum
    of the batches' costs times their weights, and `weight_sum` that of these weights; `seconds` is the time that the
    steps took. `failure` says what diverged, in which lane and block; the arrays are then empty.
    """

    weight: float
    arrays: Arrays
    cost_sum: float
    weight_sum: float
    seconds: float = 0.0
    failure: str = ""


def lane_round(
    task: LaneTask, shared: Arrays, blocks: Sequence[Sources], is_stopped: Callable[[], bool] = bool
) -> LaneResult:
    """Run the steps of a lane from the shared state; the arrays that are passed stay as they are.

    `blocks` are those that `task.blocks` names, all of their samples. Raises InterruptedError when `is_stopped` says
    so, which is asked from time to time.
    """
    started = time.perf_counter()
    try:
        steps = _run(LaneSteps(task, shared, blocks[0]), blocks, is_stopped)
    except DivergedError:
        return LaneResult(0.0, {}, 0.0, 0.0, 0.0, _failure(task, shared, blocks))
    counters, seconds = steps.counters, time.perf_counter() - started
    return LaneResult(steps.weight, steps.run_arrays(), counters.cost_sum, counters.weight_sum, seconds)


def _run(steps: LaneSteps, blocks: Sequence[Sources], is_stopped: Callable[[], bool] = bool) -> LaneSteps:
    """Run all steps of the lane."""
    for part, block in zip(steps.task.parts, blocks, strict=True):
        steps.run_part(part, block, is_stopped)
    return steps


def _failure(task: LaneTask, shared: Arrays, blocks: Sequence[Sources]) -> str:
    """The sentence of a lane that diverges: its steps are run again, with copies of the state to search from."""
    try:
        _run(LaneSteps(task, shared, blocks[0], searching=True), blocks)
    except DivergedError as error:
        return str(error)
    return f"lane {task.lane} diverged in epoch {task.epoch + 1}, but not when its steps were run again."


class LaneSteps(Training):
    """The Training that runs one lane's steps of a round, block after block.

    Only with `searching` it keeps copies of its state, which take memory, to say which step diverged.
    """

    def __init__(self, task: LaneTask, shared: Arrays, block: Sources, searching: bool = False) -> None:
        self.task, self.searching, self.weight, self.block_name = task, searching, 0.0, ""
        model = task.network.model(lane_seed(task.network.seed, task.lane))
        plan: Any = PartPlan(task, block, None)
        super().__init__(model, block, task.recipe, plan=plan)
        self.executor.threads = 1
        counters = Counters(task.epoch, task.batch, task.step)
        self.restore({"arrays": dict(shared), **vars(counters)})

    def run_part(self, part: LanePart, block: Sources, is_stopped: Callable[[], bool] = bool) -> None:
        """Run the batches of one block."""
        self.block_name = part.name or f"block {part.block}"
        plan: Any = PartPlan(self.task, block, part, self.counters.batch, self.executor.shuffle)
        if block is not self.sources:
            self.sources = block
            self.executor.bind(block)
        self.plan = plan
        self._take_snapshot()
        end = self.counters.step + len(plan.batches)
        while self.counters.step < end:
            self.run(steps=end - self.counters.step, seconds=STOP_SECONDS)
            if is_stopped():
                raise InterruptedError("the round was stopped")
        self.weight += float(plan.weights.sum())

    def run_arrays(self) -> dict[str, Array]:
        """The vectors that the run has changed, not copied."""
        return self._run_vectors()

    def _take_snapshot(self) -> None:
        self._snapshot_time = math.inf  # never again between two calls
        if self.searching:
            super()._take_snapshot()

    def _diverged(self) -> None:
        if not self.searching:
            raise DivergedError("the steps of this lane have to be run again.")
        super()._diverged()

    def _raise_diverged(self, reason: str, rate: float, weights: str = "before") -> None:
        counters = self.counters
        where = f"epoch {counters.epoch + 1}, lane {self.task.lane}, {self.block_name}"
        step = f"step {counters.batch + 1} of the lane (step {counters.step + 1} of the run, rate {rate:g})"
        kept = "the network keeps the weights from before that round"
        raise DivergedError(f"training diverged in {where}, at {step}: {reason}; {kept}.")


class PartPlan:
    """The mini-batches of a part of a block, with the interface of BatchPlan; `offset` is how many came before it."""

    def __init__(
        self, task: LaneTask, block: Sources, part: LanePart | None, offset: int = 0, shuffle: Any = None
    ) -> None:
        self.batches_per_epoch, self.offset = task.batches_per_epoch, offset
        self.largest_batch = min(task.recipe.batch_size, len(block.y))
        if part is not None:
            self.order = block_order(task, part.block, len(block.y), shuffle)
            batches = epoch_batches(len(self.order), task.recipe.batch_size)[part.first : part.stop]
            weights = batch_weights_of(block.weights, self.order, batches)
            self.batches, self.weights = batches[weights > 0], weights[weights > 0]

    def block(self, epoch: int) -> EpochBlock:
        """The mini-batches, as a part of an epoch that goes on after them."""
        starts = np.array([-self.offset, len(self.batches) + 1])
        return EpochBlock(epoch, self.order, self.batches, self.weights, starts)


def block_order(task: LaneTask, block: int, samples: int, shuffle: Any) -> Array:
    """The training samples of a block in the order of the epoch, counted from its first one."""
    chosen = np.arange(samples) if task.held_out is None else training_samples(task.held_out, block, samples)
    if not task.recipe.shuffle:
        return chosen
    return chosen[permutation((*task.key, task.epoch), block + 1, len(chosen), shuffle)]


def training_samples(held_out: HeldOut, block: int, samples: int) -> Array:
    """The samples of a block that are trained on, in rising order."""
    return held_out.of_block(block, samples)[0]


def batch_weights_of(weights: Array | None, order: Array, batches: Array) -> Array:
    """Σw of some mini-batches of an order."""
    if weights is None:
        return batches[:, 1].astype(np.float64)
    first, stop = int(batches[0, 0]), int(batches[-1].sum())
    return batch_weights(weights, order[first:stop], batches - [first, 0])


def lane_seed(seed: int, lane: int) -> int:
    """The seed of chance inside a step of a lane: the network's own for the first."""
    return seed if lane == 0 else int(np.random.SeedSequence([seed, lane]).generate_state(1, np.uint64)[0] >> 1)
