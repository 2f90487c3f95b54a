"""The network between two steps as a Frame of web/src/lib/messages.ts: parameters, one sample's way through it, charts.

A FrameMaker belongs to a Training; it reads the run's live parameters, so it is called between steps, in the thread
that runs them or under `model.lock.between_steps()`. It writes nothing that the run reads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from glassnet.execution.executor import Executor
from glassnet.execution.inference import output_name, set_batch
from glassnet.frames.drawn_units import DrawnUnits, drawn_units
from glassnet.frames.encoding import Message, encoded, finite
from glassnet.frames.field import FieldMaker
from glassnet.frames.findings import HeldOut, findings, remember
from glassnet.frames.layer_statistics import LayerStatistics
from glassnet.frames.samples import Samples, spread
from glassnet.frames.scores import scores
from glassnet.program.builder import build
from glassnet.program.parameters import Array
from glassnet.see.wording import NETWORK
from glassnet.training.training import Training

MEASURED = 512  # training samples of the statistics and of dw
COSTED = 2000  # samples of the costs and scores


class Costs(NamedTuple):
    """C of the consecutive steps after the first `first` ones, NaN where not measured; or means of `every` steps."""

    first: int
    train: Array
    validation: Array
    every: int = 1

    def message(self) -> Message:
        """Frame.costs."""
        known: Message = {"from": self.first} | ({"every": self.every} if self.every > 1 else {})
        return known | {"train": encoded(self.train), "validation": encoded(self.validation)}


NO_COSTS = Costs(0, np.zeros(0), np.zeros(0))


class Clock(NamedTuple):
    """What a player knows beside the network: the frame's number, the last step of its branch, speed and rate."""

    number: int = 0
    last: int = 0
    playing: bool = False
    speed: float = 0.0
    rate: float = 0.0


NO_CLOCK = Clock()


class Pass(NamedTuple):
    """A pass over samples that stay the same in number: `run` computes it, `views` are its quantities as columns.

    Those rounded to bfloat16 are left out, because they are no views.
    """

    executor: Executor
    run: Callable[[], None]
    views: dict[str, Array]

    @classmethod
    def of(cls, executor: Executor, costs_only: bool) -> Pass:
        """The pass of an executor, to the cost or to its end."""
        program = executor.program
        run = partial(executor.run, 0, program.writer("C") + 1 if costs_only else None)
        names = [name for name in program.buffers if not program.pairings(name)]
        return cls(executor, run, {name: executor.columns(name) for name in names})


class FrameMaker:
    """Makes Frame messages of a run; `sample` is the followed sample by its place in RunInfo.data."""

    def __init__(self, training: Training, samples: Samples, drawn: DrawnUnits | None = None) -> None:
        self.training, self.samples, self.sample = training, samples, 0
        model = training.model
        self.drawn = drawn or drawn_units(model, samples)
        self.field_maker = FieldMaker(model, samples, self.drawn)
        self.layers = range(1, len(model.architecture.dense) + 1)
        measured, held_out = spread(samples.trained, MEASURED), np.flatnonzero(samples.held_out)
        trained = spread(samples.trained, COSTED)
        self.measured, self.one = self._pass(measured), self._pass(samples.listed[:1])
        self.trained = self.measured if len(trained) == len(measured) else self._pass(trained, costs_only=True)
        self.held_out = self._pass(spread(held_out, COSTED), costs_only=True) if len(held_out) else None
        self.scored = spread(held_out, COSTED) if len(held_out) else trained
        self.statistics = LayerStatistics(model.architecture, self.measured.executor)
        self.wording, self.followed = NETWORK, dict[int, HeldOut]()
        self._before: tuple[int, Array] | None = None

    def _pass(self, numbers: Array, costs_only: bool = False) -> Pass:
        """A pass over these samples: forward, cost and, unless only costs are wanted, gradients of its own."""
        model = self.training.model
        executor = model.executor(build(model.architecture), len(numbers))
        set_batch(executor, *self.samples.part(numbers))
        return Pass.of(executor, costs_only)

    def remember(self) -> None:
        """Call right before the last step before a frame: the frame then contains the change of that step."""
        self._before = self.training.counters.step, self.training.model.parameters.vector.copy()

    def frame(
        self,
        clock: Clock = NO_CLOCK,
        costs: Costs = NO_COSTS,
        *,
        field: bool = True,
        judged: bool = False,
    ) -> Message:
        """The Frame; without `field`, its field is null; with `judged`, it has the findings of a diagnosis."""
        with np.errstate(all="ignore"):
            quantities, layers = self._quantities()
            cost, validation = self._cost(self.trained), self._cost(self.held_out)
            result = scores(self.samples, self.scored, self._outputs())
        counters = self.training.counters
        remember(self.followed, counters.step, cost, validation)
        return {
            "type": "frame",
            **{"t": counters.step, "epoch": counters.epoch, "hash": self.training.hash()},
            **(clock._asdict() | {"last": max(clock.last, counters.step)}),
            **{"cost": cost, "validation": validation, "accuracy": result.value},
            **{"samples": self.measured.executor.m, "sample": self.sample, "quantities": quantities, "layers": layers},
            "costs": costs.message(),
            "field": self.field_maker.message() if field else None,
            "scores": result.message,
            "findings": findings(self.training, self.samples, self.wording, self.followed) if judged else [],
        }

    # Its parts --------------------------------------------------------------------------------------------------------

    def _quantities(self) -> tuple[dict[str, Message], list[Message]]:
        """The quantities by name, and the statistics of the layers."""
        self.measured.run()
        changes, values = self._changes(), {"C": self.measured.views["C"]}
        for layer in self.layers:
            for name in (f"w{layer}", f"dw{layer}"):
                values[name] = self.drawn.weights(self.measured.views[name], layer)
            for name in (f"b{layer}", f"db{layer}"):
                values[name] = self.drawn.rows(self.measured.views[name], layer)
            if f"w{layer}" in changes:
                values[f"change{layer}"] = self.drawn.weights(changes[f"w{layer}"], layer)
        values |= self._of_sample()
        return {name: encoded(value) for name, value in values.items()}, self.statistics.messages(changes)

    def _of_sample(self) -> dict[str, Array]:
        """a0, z, a, δ, σ'(z) of the followed sample as columns, its y and its own cost c."""
        set_batch(self.one.executor, *self.samples.part(self.samples.listed[self.sample : self.sample + 1]))
        self.one.run()
        views, program = self.one.views, self.one.executor.program
        values = {"a0": self.drawn.rows(views["a0"], 0), "c": views["c"]}
        values["y"] = self.drawn.rows(views["y"], self.layers[-1])
        for layer, dense in enumerate(self.training.model.architecture.dense, 1):
            named = {name: views[f"{name}{layer}"] for name in ("z", "a", "delta")}
            if dense.activation.elementwise:
                z = views[program.rows[program.writer(f"a{layer}")].reads[0]]
                named["gate"] = np.ones_like(z) * dense.activation.derivative(z, named["a"])
            values |= {f"{name}{layer}": self.drawn.rows(value, layer) for name, value in named.items()}
        return values

    def _changes(self) -> dict[str, Array]:
        """The change of each W by the last step, (fan_out, fan_in); empty where it was not remembered."""
        parameters = self.training.model.parameters
        if self._before is None or self._before[0] != self.training.counters.step - 1:
            return {}
        before = parameters.like()
        before.vector[:] = self._before[1]
        return {f"w{layer}": parameters[f"w{layer}"] - before[f"w{layer}"] for layer in self.layers}

    def _cost(self, costed: Pass | None) -> float | None:
        """C on the samples of a pass; the pass of the statistics has been run."""
        if costed is None:
            return None
        if costed is not self.measured:
            costed.run()
        return finite(costed.views["C"].item())

    def _outputs(self) -> Array:
        """What the network answers for the samples that it is judged on, whose costs were just computed; as rows."""
        judged = self.held_out or self.trained
        return judged.views[output_name(judged.executor.program)].T
