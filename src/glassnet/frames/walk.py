"""The step that a run takes next as a Walk of web/src/lib/messages.ts, and the answers to what a page asks about it.

Everything is computed on a copy of the network, in its own dtype; the run is left as it was and may go on meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.execution.model import Model
from glassnet.frames.drawn_units import DrawnUnits
from glassnet.frames.encoding import Message, encoded, finite
from glassnet.frames.samples import Samples
from glassnet.program.program import symbol
from glassnet.see.answers import judged_answer
from glassnet.see.every_gradient import check_gradients
from glassnet.see.explain import Explanation
from glassnet.see.next_step import NextStep, explain_next_step
from glassnet.see.nudge import Experiment, Nudge
from glassnet.see.quantities import quantity_name
from glassnet.see.spelled_sum import SpelledSum, spelled_sum
from glassnet.see.stage import Axis, LabelledArray, Stage, axes
from glassnet.see.trace import Trace
from glassnet.see.walk import WalkStage, walk_stages
from glassnet.training.training import Training

MAX_SENTENCES = 16  # of samples of the batch, for each stage
SAMPLE_OF_BATCH = re.compile(r"\(sample (\d+)\)")


class Walk:
    """An explained step with its messages; `step` and `state_hash` say where the run stood."""

    def __init__(
        self, explanation: Explanation, experiment: Experiment, drawn: DrawnUnits, numbers: Sequence[int] = ()
    ) -> None:
        self.explanation, self.experiment, self.drawn, self.numbers = explanation, experiment, drawn, list(numbers)
        self.step, self.state_hash = 0, ""
        self.max_samples: int | None = None  # of the batch that are sent; None: all

    @property
    def trace(self) -> Trace:
        """Every quantity of the step, computed from the weights before it."""
        return self.explanation.trace

    @cached_property
    def stages(self) -> list[WalkStage]:
        """The stages, the batch first."""
        return walk_stages(self.explanation, self.numbers)

    def message(self) -> Message:
        """The Walk."""
        explanation = self.explanation
        return {
            **{"t": self.step, "hash": self.state_hash, "m": self.trace.m, "samples": self.numbers},
            "stages": [self._stage_message(stage) for stage in self.stages],
            "quantities": {name: encoded(self._cut(name, values)) for name, values in self._quantities().items()},
            **{"before": finite(explanation.before), "after": finite(explanation.after)},
            **{"predicted": finite(explanation.predicted), "real": finite(explanation.real)},
            "verdict": explanation.verdict,
        }

    def _quantities(self) -> dict[str, Any]:
        """All numbers of the trace, and σ'(z) of each layer."""
        gates = {
            term.quantity: term.values
            for stage in self.stages
            for term in stage.stage.terms
            if isinstance(term, LabelledArray) and term.quantity.startswith("gate")
        }
        return {**self.trace, **gates}

    def _cut(self, name: str, values: Any) -> Any:
        """The drawn part of a quantity."""
        program = self.trace.program
        if name in program.buffers:
            return self._drawn(values, axes(name, program))
        return self._drawn(values, (int(name.removeprefix("gate")), "m"))

    def _drawn(self, values: Any, axis_names: Sequence[Axis]) -> Any:
        """The drawn part of an array: some units of a large layer, in a recording some samples of a large batch."""
        for axis, axis_name in enumerate(axis_names):
            if axis_name == "m" and self.max_samples is not None and values.shape[axis] > self.max_samples:
                values = values.take(range(self.max_samples), axis)
        return self.drawn.cut(values, axis_names)

    # Stages -----------------------------------------------------------------------------------------------------------

    def _stage_message(self, walk_stage: WalkStage) -> Message:
        stage = walk_stage.stage
        return {
            **{"key": stage.key, "label": stage.label, "title": stage.title, "formula": stage.formula},
            "mathml": walk_stage.mathml,
            "terms": [term if isinstance(term, str) else self._term_message(term) for term in stage.terms],
            **{"product": walk_stage.product, "mean": walk_stage.mean, "sentence": _page_sentence(stage.sentence)},
            **{"layer": stage.layer, "direction": walk_stage.direction, "sentences": self._sentences(stage)},
        }

    def _sentences(self, stage: Stage) -> list[str]:
        """The sentence for each sample of the batch alone; of a large one, for the first of them."""
        if stage.of_sample is None or self.trace.m == 1:
            return []
        return [stage.of_sample(sample) for sample in range(min(self.trace.m, self.max_samples or MAX_SENTENCES))]

    def _term_message(self, term: LabelledArray, whole: bool = False) -> Message:
        values = term.values if whole else self._drawn(term.values, term.axes)
        known = {"symbol": term.symbol, "quantity": term.quantity, "values": encoded(values), "axes": list(term.axes)}
        return known | {"shape": list(term.values.shape), "transposed": term.is_transposed}

    def spell(self, stage: str, row: int, column: int, sample: int | None = None) -> Message:
        """SpelledSum of a number of a stage's result, by its row and column in the table as it was sent."""
        walk_stage = next((each for each in self.stages if each.stage.key == stage), None)
        if walk_stage is None:
            keys = ", ".join(each.stage.key for each in self.stages)
            raise ParameterError(f"there is no stage {stage!r}; those of this step are {keys}.")
        result = [term for term in walk_stage.stage.terms if isinstance(term, LabelledArray)][-1]
        axis_names = [np.arange(size) for size in result.values.shape]
        for number, (axis, size) in enumerate(zip(result.axes, result.values.shape, strict=True)):
            axis_names[number] = self.drawn.of(axis, size) if isinstance(axis, int) else axis_names[number]
        for name, number, drawn in zip(("row", "column"), (row, column), axis_names, strict=True):
            if not 0 <= number < len(drawn):
                raise ParameterError(f"stage {stage!r} has no {name} {number}; it has {len(drawn)}.")
        return _spelled_message(spelled_sum(walk_stage, int(axis_names[0][row]), int(axis_names[1][column]), sample))

    def per_sample(self, quantity: str) -> Message:
        """The gradient of each sample's own cost, and the mean of these tables over the batch."""
        name = quantity_name(quantity, self.trace)
        values, program = self.trace.per_sample(name), self.trace.program
        axis_names = axes(name, program)
        cut = np.stack([self.drawn.cut(each, axis_names) for each in values])
        return {"values": encoded(cut), "mean": encoded(self.drawn.cut(self.trace[name], axis_names))}

    def quantity(self, quantity: str) -> Message:
        """A Term with all numbers of a quantity."""
        name, program = quantity_name(quantity, self.trace), self.trace.program
        return self._term_message(LabelledArray(symbol(name), self.trace[name], axes(name, program), name), whole=True)

    # Experiments ------------------------------------------------------------------------------------------------------

    def nudge(self, quantity: str, step: float | None = None, sweep: bool = False) -> Message:
        """NudgeResult of one number of the batch, moved by ±step; with the V curve of many steps on request."""
        nudge = self.experiment.nudge(quantity, step)
        curve = self.experiment.sweep(quantity) if sweep else []
        one = "abxyzδ" if self.trace.m == 1 else "b"  # what has a single column
        return _nudge_message(nudge, curve, re.compile(rf"([{one}]\d+\[\d+), 0\]"))

    def cost_with(self, override: Mapping[str, float]) -> Message:
        """C of the batch where some numbers are set, and without."""
        return {"cost": finite(self.experiment.cost_with(override)), "before": finite(self.experiment.cost_with({}))}

    def check_gradient(self) -> Message:
        """Every gradient of the step (of very many, evenly spread ones) beside a measured slope of C."""
        check = check_gradients(self.experiment)
        return {"checked": check.checked, "largest": finite(check.largest), "sentence": check.sentence}

    def answer(self, quantity: str, values: Sequence[float | None]) -> Message:
        """AnswerVerdict on a person's numbers for the drawn part of a quantity, row by row; None is not answered."""
        name = quantity_name(quantity, self.trace)
        indices = np.arange(self.trace[name].size).reshape(self.trace[name].shape)
        drawn = self._cut(name, indices).ravel()
        verdict = judged_answer(self.experiment.model.architecture, self.trace, name, values, drawn)
        return verdict._asdict() | {"cells": list(verdict.cells)}


class StepWalk(Walk):
    """The walk of the step that a run takes next."""

    def __init__(self, training: Training, samples: Samples, drawn: DrawnUnits) -> None:
        step = NextStep.of(training)
        model: Model = training.model.astype(training.model.dtype)  # which the run does not change
        experiment = Experiment(model, step.data, at_step=step.steps.first_step)
        super().__init__(explain_next_step(training, step), experiment, drawn, samples.listed_indices(step.indices))
        self.step, self.state_hash = training.counters.step, training.hash()
        self.data = step.data


def _page_sentence(sentence: str) -> str:
    """A sentence of a stage as the page has it: its tables call the second sample of the batch s1."""
    return SAMPLE_OF_BATCH.sub(r"(s\1)", sentence)


def _spelled_message(spelled: SpelledSum) -> Message:
    terms = [
        {
            **{"left": share.left, "left_value": finite(share.left_value)},
            **{"right": share.right, "right_value": finite(share.right_value), "product": finite(share.product)},
        }
        for share in spelled.shares
    ]
    known = {"name": spelled.name, "terms": terms, "rest": finite(spelled.rest), "more": spelled.more}
    return known | {"sum": finite(spelled.total), "text": spelled.text}


def _nudge_message(nudge: Nudge, sweep: Sequence[Nudge], single: re.Pattern[str]) -> Message:
    """The NudgeResult; what has a `single` column is called z2[0], not z2[0, 0]."""
    quantity, kind, sentence = (single.sub(r"\1]", text) for text in (nudge.quantity, nudge.kind, f"{nudge}."))
    return {
        **{"quantity": quantity, "value": nudge.value, "step": nudge.step},
        **{"down": finite(nudge.down), "cost": finite(nudge.cost), "up": finite(nudge.up)},
        **{
            "slope": finite(nudge.slope),
            "derivative": finite(nudge.derivative),
            "difference": finite(nudge.difference),
        },
        **{"kind": kind.rstrip(","), "kink": bool(nudge.kink), "sentence": _page_sentence(sentence)},
        "sweep": [{"step": each.step, "difference": finite(each.difference)} for each in sweep],
    }
