"""A run in progress: parameters, optimiser state, place in the shuffled order, schedule, stopping counters.

`run` takes it some steps or epochs further, `state` and `restore` take it apart and put it together again bit for bit,
`hash` tells whether two runs stand at the same point. `NeuralNetwork.train` runs one to its end (fitting.py).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from glassnet.batches.mini_batches import Block, Plan, in_order, shuffled
from glassnet.batches.sparse import SliceBySlice, is_sparse, on_demand
from glassnet.engine.signals import defer_signals
from glassnet.errors import DivergedError, ParameterError, ParameterTypeError
from glassnet.execution.executor import Executor, executor
from glassnet.execution.reference import Schedule, Sources
from glassnet.program.architecture import Architecture
from glassnet.program.buffers import vectors
from glassnet.program.builder import Step, build
from glassnet.program.lowering import fused
from glassnet.program.parameters import Array
from glassnet.program.program import Program
from glassnet.training.divergence import first_not_finite, is_finite
from glassnet.training.history import History, Report
from glassnet.training.layer_monitor import Watch
from glassnet.training.recipe import Counters, Recipe, running_sums

SLICE_SECONDS = 0.05  # one compiled call: after it Python sees Ctrl-C, the time limit and callbacks
FIRST_WORK, LEAST_WORK = 1 << 24, 1 << 17  # samples times parameters: of some milliseconds, of the smallest step
SNAPSHOT_SECONDS = 1.0  # how far back a diverging run is taken to find the step that broke it


class Training:
    """A run of `network` on `sources` (samples as rows). `evaluate` gives (cost, accuracy) on validation data.

    `plan` says what every step reads; without one it comes from the network's seed and the recipe.
    """

    def __init__(
        self,
        network: Any,
        sources: Sources,
        recipe: Recipe,
        evaluate: Callable[[], tuple[float, float | None]] | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.network, self.sources, self.recipe, self.evaluate = network, sources, recipe, evaluate
        step = Step(
            recipe.optimizer,
            weighted=sources.weights is not None,
            labels=sources.y.ndim == 1,
            clip_norm=recipe.clip_norm is not None,
            clip_value=recipe.clip_value is not None,
            factors=recipe.factors,
        )
        self.program, joined = programs(network.architecture, step)
        running = self.program if network.engine == "numpy" else joined
        self.vectors = vectors(self.program, network.parameters, network.statistics)
        self.counters = Counters()
        self.best: tuple[Array, Array] | None = None
        self.seconds = 0.0
        self.watch: Watch | None = None
        capacity = min(recipe.batch_size, sources.x.shape[0]) if plan is None else int(plan.cuts[0, 1])
        self.executor: Executor = executor(network.engine, running, self.vectors, capacity, network.seed)
        if is_sparse(sources.x):
            self.executor = SliceBySlice(self.executor, sources)
        self.executor.bind(sources)
        self.plan = self._drawn() if plan is None else plan
        self._slice = 0  # steps of the next call; 0: no call was made yet
        self._kept = {name: np.empty_like(vector) for name, vector in self._held().items()}
        self._keep_snapshot()

    def _drawn(self) -> Plan:
        """The batches of a run whose chance comes from the seed."""
        recipe, x = self.recipe, self.sources.x
        orders = shuffled((self.network.seed, recipe.run), self.executor.shuffle) if recipe.shuffle else in_order
        return Plan(x.shape[0], recipe.batch_size, self.sources.weights, orders, recipe.epochs)

    def feed(self, plan: Plan, sources: Sources | None = None) -> None:
        """Go on with other data of the same kind, or new values where the old ones lay, in batches that are not larger.

        The count of epochs starts again; the optimiser's state and the count of steps stay.
        """
        self.plan = plan
        if sources is not None:
            self.sources = sources
            self.executor.bind(sources)
        self.counters = Counters(step=self.counters.step)
        self._keep_snapshot()

    # Running ----------------------------------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether all epochs are done or early stopping has ended the run."""
        patience = self.recipe.patience
        return self.counters.epoch >= self.recipe.epochs or (patience is not None and self.counters.waited >= patience)

    def run(self, *, steps: int | None = None, epochs: int | None = None, seconds: float = math.inf) -> list[Report]:
        """Take the run some steps or epochs further (to its end if neither is given); return the epochs it finished.

        `seconds` ends it early, at a step. Raises DivergedError; the network then keeps its last finite weights.
        """
        started, first = time.perf_counter(), len(self.counters.reports)
        self._clock = started - self.seconds
        left = math.inf if steps is None else steps
        last = self.recipe.epochs if epochs is None else self.counters.epoch + epochs
        while left > 0 and self.counters.epoch < last and not self.finished:
            left -= self._advance(int(min(left, self._slice or self._first_slice())), last)
            if self.watch is not None:
                self.watch.look()
            if time.perf_counter() - started > seconds:
                break
        self.seconds = time.perf_counter() - self._clock
        return self.counters.reports[first:]

    def _advance(self, steps: int, last: int) -> int:
        """Run up to `steps` steps in one call, at most to the end of epoch `last`; return how many were run."""
        started = time.perf_counter()
        block, first = self._place()
        epochs = len(block.starts) - 1 if self.evaluate is None else self.counters.epoch - block.first_epoch + 1
        stop = min(first + steps, int(block.starts[min(epochs, last - block.first_epoch)]))
        schedule, rates = self._schedule(block, first, stop)
        costs = np.zeros(len(schedule.batches))
        done = self.executor.steps(schedule, costs)
        if not (np.isfinite(costs[:done]).all() and self._is_finite()):
            self._diverged()
        self._account(block, first, costs[:done], rates)
        elapsed = time.perf_counter() - started
        self._slice = max(1, min(2 * max(self._slice, done), int(done * SLICE_SECONDS / max(elapsed, 1e-6))))
        if time.perf_counter() - self._snapshot_time > SNAPSHOT_SECONDS:
            self._keep_snapshot()
        return done

    def _first_slice(self) -> int:
        """Steps of the first call, before their time is known: few milliseconds, or one that a watch looks at."""
        if self.watch is not None and self.watch.is_due(SLICE_SECONDS):
            return 1
        work = self.executor.capacity * self.network.parameters.count
        return max(1, FIRST_WORK // max(work, LEAST_WORK))

    def _place(self) -> tuple[Block, int]:
        """The block of the present epoch, and the number in it of the batch that comes next."""
        block = self.plan.block(self.counters.epoch)
        return block, int(block.starts[self.counters.epoch - block.first_epoch]) + self.counters.batch

    def _account(self, block: Block, first: int, costs: Array, rates: Array) -> None:
        """Add the costs of steps that were run to their epochs, and end the epochs that are complete."""
        counters, epoch = self.counters, self.counters.epoch - block.first_epoch
        last = int(np.searchsorted(block.starts, first + len(costs)))
        ends = np.minimum(block.starts[epoch + 1 : last + 1] - first, len(costs))
        shares = block.batches[:, 1].astype(np.float64) if self.recipe.by_samples else block.weights
        weights = shares[first : first + len(costs)]
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

    def _schedule(self, block: Block, first: int, stop: int) -> tuple[Schedule, Array]:
        """The batches first .. stop-1 of a block with their step scalars, and their rates."""
        steps = np.arange(self.counters.step, self.counters.step + stop - first, dtype=np.float64)
        rates = self._rates(steps)
        batches = block.batches[first:stop]
        scalars = self._scalars(steps, rates, batches[:, 1], block.weights[first:stop])
        return Schedule(block.order, batches, scalars, self.counters.step), rates

    def _scalars(self, steps: Array, rates: Array, samples: Array, weights: Array) -> Array:
        """The table of step scalars: computed in float64, rounded once to the program's dtype.

        `samples` and `weights` are m and Σw of each step's batch.
        """
        recipe = self.recipe
        found: dict[str, Any] = {}
        for number, (factor, decays) in enumerate(self.program.groups):
            for word, values in recipe.optimizer.scalars(steps + 1, rates * factor, float(decays)).items():
                found[f"{word} {number}"] = values
        architecture, divisors = self.network.architecture, weights if recipe.by_samples else 1.0
        found |= {"l1": architecture.l1 / divisors, "l2": architecture.l2 / divisors}
        found |= {"clip norm": recipe.clip_norm, "clip value": recipe.clip_value}
        found["weight factor"] = samples / weights
        table = np.empty((len(steps), len(self.program.scalars)), self.vectors.parameters.vector.dtype)
        for column, name in enumerate(self.program.scalars):
            table[:, column] = found[name]
        return table

    def _rates(self, steps: Array) -> Array:
        """The learning rate of each step, counted from 0."""
        per_epoch = len(self.plan.cuts)  # also where batches of weight 0 make no step
        return self.recipe.schedule.rates(self.recipe.lr, steps, per_epoch * self.recipe.epochs, per_epoch)

    def _end_epoch(self, rate: float) -> None:
        """Report, and watch the validation cost."""
        counters = self.counters
        cost = counters.cost_sum / counters.weight_sum
        validation, accuracy = self.evaluate() if self.evaluate else (None, None)
        for name, value in (("C", cost), ("the validation cost", validation)):
            if value is not None and not math.isfinite(value):
                self._raise_diverged(f"{name} became {'NaN' if math.isnan(value) else 'infinite'}", rate, "after")
        counters.epoch += 1
        counters.batch, counters.cost_sum, counters.weight_sum = 0, 0.0, 0.0
        seconds = time.perf_counter() - self._clock
        counters.reports.append(Report(counters.epoch, counters.step, cost, rate, validation, accuracy, seconds))
        if validation is not None and self.recipe.patience is not None:
            self._watch(validation)

    def _watch(self, validation: float) -> None:
        """Keep the best weights; count the epochs since."""
        if validation < self.counters.best_cost:
            self.counters.best_cost, self.counters.best_epoch, self.counters.waited = validation, self.counters.epoch, 0
            self.best = (self.vectors.parameters.vector.copy(), self.vectors.statistics.vector.copy())
        else:
            self.counters.waited += 1

    def keep_best(self) -> None:
        """Copy the weights of the best epoch back into the network."""
        if self.best is not None:
            self.vectors.parameters.vector[:], self.vectors.statistics.vector[:] = self.best

    # Divergence -------------------------------------------------------------------------------------------------------

    def _keep_snapshot(self) -> None:
        """Remember this point as a good one, in the memory of the last one; Ctrl-C finds either, never half of each."""
        with defer_signals():
            for name, vector in self._held().items():
                self._kept[name][:] = vector
            self._snapshot = (self._kept | self._best_arrays(), replace(self.counters, reports=[]))
            self._snapshot_time = time.perf_counter()

    def _is_finite(self) -> bool:
        """Whether every parameter, statistic and state of the optimiser is."""
        return all(is_finite(vector) for vector in self._held().values())

    def _diverged(self) -> None:
        """Go back to the last good point and find the first quantity that is not finite, step by step."""
        known = self.counters.reports
        arrays, counters = self._snapshot
        self._return_to(arrays, replace(counters, reports=[]))
        evaluate, self.evaluate = self.evaluate, None
        while not self.finished:
            before, counters = self._arrays(), replace(self.counters)
            block, place = self._place()
            schedule, rates = self._schedule(block, place, place + 1)
            cost = np.zeros(1)
            self.executor.steps(schedule, cost)
            if not (np.isfinite(cost).all() and self._is_finite()):
                self._return_to(before, counters)
                known += [report for report in counters.reports if report.epoch > len(known)]
                counters.reports, self.evaluate = known, evaluate
                self._explain(schedule, float(rates[0]))
            self._account(block, place, cost, rates)
        raise DivergedError("training met a cost that is not finite and could not find it again; please report this.")

    def _explain(self, schedule: Schedule, rate: float) -> None:
        """Run the step that broke in the plain lowering, put the weights back, and raise with what was found."""
        before = self._arrays()
        sources = self.sources._replace(x=on_demand(self.sources.x))
        found = first_not_finite(self.network, self.program, self.vectors, sources, schedule)
        self._return_to(before, self.counters)
        self._raise_diverged(found, rate)

    def _raise_diverged(self, found: str, rate: float, kept: str = "before") -> None:
        counters, ahead = self.counters, int(kept == "before")
        raise DivergedError(
            f"training diverged in epoch {counters.epoch + 1}, step {counters.batch + ahead} (step "
            f"{counters.step + ahead} of the run, rate {rate:g}): {found}; the network keeps the weights from {kept} "
            "that step. Try a smaller lr, scaled inputs, or clip_norm=1."
        )

    # State ------------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The whole run as arrays and plain numbers, copied: enough to go on bit for bit."""
        counters = {name: value for name, value in vars(self.counters).items() if name != "reports"}
        return {"arrays": self._arrays(), **counters, "reports": [tuple(report) for report in self.counters.reports]}

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a point that `state` described. Raises ParameterError where it belongs to another run."""
        if not isinstance(state, dict) or not isinstance(state.get("arrays"), dict):
            raise ParameterTypeError(f"state is {state!r:.60}; give what state() of this run gave.")
        arrays = state["arrays"]
        for name, vector in self._held().items():
            if name not in arrays or arrays[name].shape != vector.shape or arrays[name].dtype != vector.dtype:
                raise ParameterError(f"this state has no fitting {name!r}; it belongs to another network or optimiser.")
        counters = {name: value for name, value in state.items() if name not in ("arrays", "reports")}
        self._return_to(arrays, Counters(**counters, reports=[Report(*report) for report in state["reports"]]))
        self._keep_snapshot()

    def _held(self) -> dict[str, Array]:
        """The vectors that a run changes."""
        held = {"parameters": self.vectors.parameters.vector, "statistics": self.vectors.statistics.vector}
        return held | {f"state{number}": state.vector for number, state in enumerate(self.vectors.states)}

    def _arrays(self) -> dict[str, Array]:
        """Copies of all vectors, and of the best weights so far."""
        return {name: vector.copy() for name, vector in (self._held() | self._best_arrays()).items()}

    def _best_arrays(self) -> dict[str, Array]:
        """The best weights so far; nothing changes them, better ones take their place."""
        return dict(zip(("best_parameters", "best_statistics"), self.best or (), strict=False))

    def _return_to(self, arrays: dict[str, Array], counters: Counters) -> None:
        """Copy vectors in and stand where the counters say."""
        for name, vector in self._held().items():
            vector[:] = arrays[name]
        best = [arrays[name].copy() for name in ("best_parameters", "best_statistics") if name in arrays]
        self.best = (best[0], best[1]) if best else None
        self.counters = counters

    def hash(self) -> str:
        """sha256 of everything that decides how the run goes on."""
        digest = hashlib.sha256()
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode())
            digest.update(array.tobytes())
        digest.update(repr(replace(self.counters, reports=[])).encode())
        return digest.hexdigest()

    def history(self) -> History:
        """The History of the epochs finished so far."""
        history = History(self.counters.reports)
        history.best_epoch = self.counters.best_epoch or None
        history.warnings += self.executor.warnings
        history.layers = self.watch.layers if self.watch else history.layers
        return history


@lru_cache(maxsize=16)
def programs(architecture: Architecture, step: Step) -> tuple[Program, Program]:
    """The program of a step as it is built and as it is fused, made once for all runs of such a network."""
    program = build(architecture, step)
    return program, fused(program)
