"""A run in progress: parameters, optimiser state, position in the shuffled order, schedule, stopping counters.

`run` advances it by some steps or epochs, `state` and `restore` take it apart and put it together again bit for bit,
`hash` tells whether two runs are at the same point. `NeuralNetwork.train` runs one to its end (fit.py).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from glassnet.batches.block_order import Blocks
from glassnet.batches.mini_batches import BatchPlan, EpochBlock, StepRange
from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import StreamedSources, loaded
from glassnet.engine.signals import defer_signals
from glassnet.errors import DivergedError, ParameterError, ParameterTypeError
from glassnet.execution.executor import StepExecutor
from glassnet.execution.model import Model
from glassnet.program.lowering import step_lowerings
from glassnet.program.parameters import Array
from glassnet.training.divergence import first_not_finite, is_finite
from glassnet.training.history import History, Report
from glassnet.training.layer_measures import LayerHistory
from glassnet.training.plan import shuffled_plan
from glassnet.training.recipe import Counters, Recipe, running_sums
from glassnet.training.step_scalars import StepInputs, step_scalars
from glassnet.training.validation import Validation

CALL_SECONDS = 0.05  # of one compiled call; after it Python sees Ctrl-C, the time limit and callbacks
FIRST_CALL_WORK, MIN_STEP_WORK = 1 << 24, 1 << 17  # samples times parameters: of some milliseconds; of a tiny step
BEST = {"best_parameters": "parameters", "best_statistics": "statistics"}  # of the best epoch: copies of these vectors
Evaluate = Callable[[], tuple[float, float | None] | Validation] | None
SNAPSHOT_SECONDS = 1.0  # how far back a diverging run returns to search for the step that broke it
DIVERGED_ADVICE = "Try a smaller lr, scaled inputs, or clip_norm=1."  # other interfaces have words of their own


class Monitor(Protocol):
    """What may measure a run between two compiled calls (layer_monitor.py)."""

    def is_due_within(self, seconds: float) -> bool:
        """Whether the first measurement may come within so many seconds of the run."""

    def measure_if_due(self) -> None:
        """Measure now, if it is time to."""


class Training:
    """A run of `model` on `sources` (samples as rows). `evaluate` returns cost and accuracy on validation data.

    Without a `plan` the mini-batches come from the model's seed, the recipe and the `blocks` that are shuffled.
    """

    def __init__(
        self,
        model: Model,
        sources: Sources | StreamedSources,
        recipe: Recipe,
        evaluate: Evaluate = None,
        plan: BatchPlan | None = None,
        blocks: Blocks | None = None,
    ) -> None:
        self.model, self.sources, self.recipe, self.evaluate, self.blocks = model, sources, recipe, evaluate, blocks
        lowerings = step_lowerings(model.architecture, recipe.step_options(sources))
        capacity = min(recipe.batch_size, sources.x.shape[0]) if plan is None else plan.largest_batch
        self.program = lowerings.plain
        if recipe.dropout_schedule is not None and "dropout factor" not in self.program.scalars:
            raise ParameterError("dropout_schedule needs a layer whose rate it multiplies, such as Dropout(0.15).")
        self.executor: StepExecutor = model.step_executor(lowerings, capacity, sources)
        self.vectors = self.executor.vectors
        self.counters = Counters()
        self.best: dict[str, Array] = {}  # the best weights so far: never changed, only replaced by better ones
        self.seconds = 0.0
        self.plan = plan or shuffled_plan(self.executor, sources, recipe, model.seed, blocks)
        self._steps_per_call = 0  # 0: no call was made yet
        self._snapshot_arrays = {name: np.empty_like(vector) for name, vector in self._run_vectors().items()}
        self._take_snapshot()

    def feed(self, plan: BatchPlan, sources: Sources | None = None) -> None:
        """Continue with other data of the same kind, or new values in the same memory, in batches that are not larger.

        The count of epochs starts again; the state of the optimiser and the count of steps continue.
        """
        self.plan = plan
        if sources is not None:
            self.sources = sources
            self.executor.bind(sources)
        self.counters = Counters(step=self.counters.step)
        self._take_snapshot()

    # Running ----------------------------------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether all epochs are done or early stopping has ended the run."""
        patience = self.recipe.patience
        return self.counters.epoch >= self.recipe.epochs or (patience is not None and self.counters.waited >= patience)

    @property
    def position(self) -> float:
        """The number of epochs done, including the fraction of the current one."""
        return self.counters.epoch + self.counters.batch / self.plan.batches_per_epoch

    def run(
        self,
        *,
        steps: int | None = None,
        epochs: int | None = None,
        seconds: float = math.inf,
        monitor: Monitor | None = None,
    ) -> list[Report]:
        """Advance the run by some steps or epochs (to its end if neither is given); return the epochs it finished.

        `seconds` ends it early, at a step; `monitor` measures it between compiled calls. Raises DivergedError; the
        model then keeps its last finite weights.
        """
        started, first = time.perf_counter(), len(self.counters.reports)
        self._clock = started - self.seconds
        left = math.inf if steps is None else steps
        last = self.recipe.epochs if epochs is None else self.counters.epoch + epochs
        while left > 0 and self.counters.epoch < last and not self.finished:
            with self.model.lock.steps():
                left -= self._advance(int(min(left, self._steps_per_call or self._first_call_steps(monitor))), last)
            if monitor is not None:
                monitor.measure_if_due()
            if time.perf_counter() - started > seconds:
                break
        self.seconds = time.perf_counter() - self._clock
        return self.counters.reports[first:]

    def _advance(self, steps: int, last: int) -> int:
        """Run up to `steps` steps in one call, at most to the end of epoch `last`; return how many were run."""
        started = time.perf_counter()
        block, first = self.next_batch()
        epochs = len(block.starts) - 1 if self.evaluate is None else self.counters.epoch - block.first_epoch + 1
        stop = min(first + steps, int(block.starts[min(epochs, last - block.first_epoch)]))
        step_range, rates = self.step_range(block, first, stop)
        costs = np.zeros(len(step_range.batches))
        done = self.executor.steps(step_range, costs)
        if not (np.isfinite(costs[:done]).all() and self._is_finite()):
            self._diverged()
        self._account(block, first, costs[:done], rates)
        elapsed = max(time.perf_counter() - started, 1e-6)
        if done >= self._steps_per_call or elapsed > CALL_SECONDS:  # a shorter call mostly measures what a call costs
            self._steps_per_call = max(1, min(2 * max(self._steps_per_call, done), int(done * CALL_SECONDS / elapsed)))
        if time.perf_counter() - self._snapshot_time > SNAPSHOT_SECONDS:
            self._take_snapshot()
        return done

    def _first_call_steps(self, monitor: Monitor | None) -> int:
        """Steps of the first call, whose duration is unknown: some milliseconds, or one step that is measured next."""
        if monitor is not None and monitor.is_due_within(CALL_SECONDS):
            return 1
        work = self.executor.capacity * self.model.parameters.count
        return max(1, FIRST_CALL_WORK // max(work, MIN_STEP_WORK))

    def next_batch(self) -> tuple[EpochBlock, int]:
        """The block of the current epoch, and the number of the next batch in it."""
        block = self.plan.block(self.counters.epoch)
        return block, int(block.starts[self.counters.epoch - block.first_epoch]) + self.counters.batch

    def _account(self, block: EpochBlock, first: int, costs: Array, rates: Array) -> None:
        """Add the costs of finished steps to their epochs, and end the epochs that are complete."""
        counters, epoch = self.counters, self.counters.epoch - block.first_epoch
        last = int(np.searchsorted(block.starts, first + len(costs)))
        ends = np.minimum(block.starts[epoch + 1 : last + 1] - first, len(costs))
        weights = block.weights[first : first + len(costs)]
        if self.recipe.penalty_per_weight:
            weights = block.batches[first : first + len(costs), 1].astype(np.float64)
        with np.errstate(over="ignore"):
            cost_sums = running_sums(costs * weights, ends, counters.cost_sum)
        weight_sums = running_sums(weights, ends, counters.weight_sum)
        complete, last_rates = (first + ends == block.starts[epoch + 1 : last + 1]).tolist(), rates[ends - 1].tolist()
        lengths = np.diff(ends, prepend=0).tolist()
        for number, length in enumerate(lengths):
            counters.cost_sum, counters.weight_sum = cost_sums[number], weight_sums[number]
            counters.batch += length
            counters.step += length
            if complete[number]:
                self._end_epoch(last_rates[number])

    def step_range(self, block: EpochBlock, first: int, stop: int) -> tuple[StepRange, Array]:
        """The batches first .. stop-1 of a block with their step scalars, and their rates."""
        steps = np.arange(self.counters.step, self.counters.step + stop - first, dtype=np.float64)
        batches = block.batches[first:stop]
        inputs = self.step_inputs(steps, batches[:, 1], block.weights[first:stop])
        scalars = step_scalars(self.program, self.model.architecture, inputs, self.model.dtype)
        return StepRange(block.order, batches, scalars, self.counters.step), inputs.rates

    def step_inputs(self, steps: Array, samples: Array, weights: Array) -> StepInputs:
        """The quantities that set the scalars of these steps; `samples` and `weights` are m and Σw of their batches."""
        recipe, per_epoch = self.recipe, self.plan.batches_per_epoch  # counts batches of weight 0, which make no step
        total, divisors = per_epoch * recipe.epochs, weights if recipe.penalty_per_weight else 1.0
        rates = recipe.schedule.rates(recipe.lr, steps, total, per_epoch)
        decays = recipe.decay_schedule.rates(1.0, steps, total, per_epoch)
        clips = {"clip_norm": recipe.clip_norm, "clip_value": recipe.clip_value, "max_norm": recipe.max_norm}
        factors: dict[str, Any] = {"decays": decays}
        if recipe.dropout_schedule is not None:
            factors["dropouts"] = recipe.dropout_schedule.rates(1.0, steps, total, per_epoch)
        return StepInputs(steps, rates, samples, weights, divisors, **clips, **factors)

    def _end_epoch(self, rate: float) -> None:
        counters = self.counters
        cost = counters.cost_sum / counters.weight_sum
        validation, accuracy, *metric = self.evaluate() if self.evaluate else (None, None)
        for name, value in (("C", cost), ("the validation cost", validation)):
            if value is not None and not math.isfinite(value):
                self._raise_diverged(f"{name} became {'NaN' if math.isnan(value) else 'infinite'}", rate, "after")
        counters.epoch += 1
        counters.batch, counters.cost_sum, counters.weight_sum = 0, 0.0, 0.0
        seconds = time.perf_counter() - self._clock
        report = Report(counters.epoch, counters.step, cost, rate, validation, accuracy, seconds, *metric)
        counters.reports.append(report)
        if validation is not None and self.recipe.judges:
            self._judge(validation if report.validation_metric is None else report.validation_metric)

    def _judge(self, value: float) -> None:
        """Copy the weights if no epoch was better; count the epochs since the last one that was better than all before.

        Of several equal epochs the last is the best, though it is no progress.
        """
        counters = self.counters
        counters.waited = 0 if value < counters.best_cost else counters.waited + 1
        if value <= counters.best_cost:
            counters.best_cost, counters.best_epoch = value, counters.epoch
            self.best = {name: getattr(self.vectors, part).vector.copy() for name, part in BEST.items()}

    def restore_best(self) -> None:
        """If there is validation, copy the weights of the best epoch back into the model."""
        with self.model.lock.steps():
            for name, vector in self.best.items():
                getattr(self.vectors, BEST[name]).vector[:] = vector

    # Divergence -------------------------------------------------------------------------------------------------------

    def _take_snapshot(self) -> None:
        """Save this point as finite, over the last one; Ctrl-C leaves one or the other, never half of each."""
        with defer_signals():
            for name, vector in self._run_vectors().items():
                self._snapshot_arrays[name][:] = vector
            self._snapshot = (self._snapshot_arrays | self.best, replace(self.counters, reports=[]))
            self._snapshot_time = time.perf_counter()

    def _is_finite(self) -> bool:
        """Whether all parameters, running statistics and optimiser states are finite."""
        return all(is_finite(vector) for vector in self._run_vectors().values())

    def _diverged(self) -> None:
        """Return to the last snapshot and find the first quantity that is not finite, step by step."""
        reports = self.counters.reports
        arrays, counters = self._snapshot
        self._return_to(arrays, replace(counters, reports=[]))
        evaluate, self.evaluate = self.evaluate, None
        while not self.finished:
            before, counters = self._arrays(), replace(self.counters)
            block, batch = self.next_batch()
            step_range, rates = self.step_range(block, batch, batch + 1)
            cost = np.zeros(1)
            self.executor.steps(step_range, cost)
            if not (np.isfinite(cost).all() and self._is_finite()):
                self._return_to(before, counters)
                reports += [report for report in counters.reports if report.epoch > len(reports)]
                counters.reports, self.evaluate = reports, evaluate
                self._explain(step_range, float(rates[0]))
            self._account(block, batch, cost, rates)
        raise DivergedError("training met a cost that is not finite and could not find it again; please report this.")

    def _explain(self, step_range: StepRange, rate: float) -> None:
        """Run the step that broke in the plain lowering, put the weights back, and raise with the reason."""
        before = self._arrays()
        reference = self.model.executor(self.program, self.executor.capacity, vectors=self.vectors, engine="numpy")
        sources, step_range = loaded(self.sources, step_range)
        reference.bind(sources)
        reason = first_not_finite(reference, step_range)
        self._return_to(before, self.counters)
        self._raise_diverged(reason, rate)

    def _raise_diverged(self, reason: str, rate: float, weights: str = "before") -> None:
        counters, ahead = self.counters, int(weights == "before")
        advice = f"The network keeps the weights from {weights} that step. {DIVERGED_ADVICE}"
        error = DivergedError(
            f"training diverged in epoch {counters.epoch + 1}, step {counters.batch + ahead} (step "
            f"{counters.step + ahead} of the run, rate {rate:g}): {reason}. {advice}"
        )
        error.advice = advice
        raise error

    # State ------------------------------------------------------------------------------------------------------------

    def state(self, *, copied: bool = True) -> dict[str, Any]:
        """The whole run as arrays and plain numbers, from which it can continue bit for bit.

        With `copied=False` the arrays are those of the run itself, which its next step changes.
        """
        counters = {name: value for name, value in vars(self.counters).items() if name != "reports"}
        arrays = self._arrays() if copied else self._run_vectors() | self.best
        return {"arrays": arrays, **counters, "reports": [tuple(report) for report in self.counters.reports]}

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a point that `state` described. Raises ParameterError if the state belongs to another run."""
        if not isinstance(state, dict) or not isinstance(state.get("arrays"), dict):
            raise ParameterTypeError(f"state is {state!r:.60}; pass what state() of this run returned.")
        arrays, vectors = state["arrays"], self._run_vectors()
        best = {name: vectors[part] for name, part in BEST.items() if arrays.keys() & BEST.keys()}
        for name, vector in (vectors | best).items():
            if name not in arrays or arrays[name].shape != vector.shape or arrays[name].dtype != vector.dtype:
                reason = "it belongs to another network or optimiser"
                raise ParameterError(f"this state has no {name!r} that fits; {reason}.")
        counters = {name: value for name, value in state.items() if name not in ("arrays", "reports")}
        self._return_to(arrays, Counters(**counters, reports=[Report(*report) for report in state["reports"]]))
        self._take_snapshot()

    def _run_vectors(self) -> dict[str, Array]:
        """The vectors that a run changes."""
        result = {"parameters": self.vectors.parameters.vector, "statistics": self.vectors.statistics.vector}
        return result | {f"state{number}": state.vector for number, state in enumerate(self.vectors.states)}

    def _arrays(self) -> dict[str, Array]:
        """Copies of all vectors and of the best weights so far."""
        return {name: vector.copy() for name, vector in (self._run_vectors() | self.best).items()}

    def _return_to(self, arrays: dict[str, Array], counters: Counters) -> None:
        """Copy the vectors in and set the counters."""
        for name, vector in self._run_vectors().items():
            vector[:] = arrays[name]
        self.best = {name: arrays[name].copy() for name in BEST if name in arrays}
        self.counters = counters

    def hash(self) -> str:
        """The SHA-256 of everything that determines how the run continues."""
        digest = hashlib.sha256()
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode())
            digest.update(array.tobytes())
        digest.update(repr(replace(self.counters, reports=[])).encode())
        return digest.hexdigest()

    def history(self, layers: LayerHistory | None = None) -> History:
        """The History of the epochs finished so far, with the measurements of the layers where there are any."""
        history = History(self.counters.reports)
        history.best_epoch, history.best_by = self.counters.best_epoch or None, self.recipe.best_by
        history.warnings += self.executor.warnings
        history.layers = history.layers if layers is None else layers
        return history
