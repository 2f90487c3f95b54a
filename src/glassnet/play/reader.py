"""What is shown of a run: frames and walks, made on a second Training, so that the run itself is left as it is.

It is put to a state of the run and measured; both show the same bits, and where they do not, the page is told.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.execution.inference import outputs
from glassnet.frames.encoding import encoded
from glassnet.frames.frame import Clock, FrameMaker
from glassnet.frames.scores import cell_samples
from glassnet.play.cost_log import CostPart
from glassnet.play.recorded_training import RecordedTraining
from glassnet.play.run import Run
from glassnet.play.timeline import Branch, State
from glassnet.see.quantities import parse_entry, prepare_pass
from glassnet.see.wording import PAGE
from glassnet.training.history import Report

EXACT_COSTS = 1000  # of one frame that are sent with all digits; more are a picture
Message = dict[str, Any]

if TYPE_CHECKING:
    from glassnet.frames.walk import StepWalk


class Moment(NamedTuple):
    """A run between two steps: its state, that of a step before (or the same), and costs since the last frame."""

    owner: Branch
    t: int
    last: int
    hash: str
    state: State
    before: State
    reports: list[Report]
    costs: CostPart


def moment_of(run: Run, before: State | None = None) -> Moment:
    """The moment at which a run stands; call it under its lock. `before` is the state one step earlier, if known."""
    owner, t, state = run.owner, run.t, run.training.light_state()
    if before is None:
        before = run.nearest(owner, max(owner.first, t - 1))
    reports = list(run.training.counters.reports)
    return Moment(owner, t, run.last, run.training.hash(), state, before, reports, run.log.take())


class Reader:
    """Measures the steps of one branch of a run."""

    def __init__(self, run: Run, owner: Branch) -> None:
        self.owner, self.samples = owner, run.samples
        self.training: RecordedTraining = run.open_owner(owner)
        self.maker = FrameMaker(self.training, run.samples)
        self.maker.wording, self.maker.followed = PAGE, owner.held_out  # whoever reads this branch knows what was shown
        self.walk: StepWalk | None = None
        self._walk_t = -1

    def move(self, moment: Moment) -> None:
        """Put the Training to a moment, and note the change of its last step."""
        if moment.before["step"] == moment.t - 1:  # both sides of the last step are here: it need not be run again
            Run.restore_into(self.training, moment.before, moment.reports)
            self.maker.remember()
            Run.restore_into(self.training, moment.state, moment.reports)
        elif not moment.before["step"] <= self.training.counters.step < moment.t:
            Run.restore_into(self.training, moment.before, moment.reports)
        if self.training.counters.step < moment.t:
            self._run_to(moment.t - 1)
            self.maker.remember()
            self._run_to(moment.t)
        self.training.counters.reports = list(moment.reports)

    def go(self, run: Run, t: int) -> None:
        """Put the Training to step t of the branch."""
        with run.lock:
            state = run.nearest(self.owner, t)
        if not state["step"] <= self.training.counters.step <= t:
            Run.restore_into(self.training, state, [])
        self._run_to(t)

    def _run_to(self, t: int) -> None:
        if t > self.training.counters.step:
            self.training.run(steps=t - self.training.counters.step)

    def frame(self, moment: Moment, clock: Clock, *, field: bool, judged: bool) -> Message:
        """The Frame of a moment."""
        self.move(moment)
        frame = self.maker.frame(clock, field=field, judged=judged)
        frame["costs"] = _cost_message(moment, frame["validation"])
        return frame

    def number(self, text: str) -> tuple[float, float | None, str]:
        """A number of the network as it is: a parameter with ∂C/∂ of it on the training samples, or one of the
        followed sample; and its name.
        """
        number = self.maker.samples.listed[self.maker.sample]
        of_parameter = text.strip()[:1] in ("w", "b", "W")
        numbers = self.samples.trained if of_parameter else np.array([number])
        part = self.samples.part(numbers)
        prepared = prepare_pass(self.training.model, part)
        entry = parse_entry(text, prepared.executor, list(prepared.program.buffers))
        prepared.executor.run()
        gradient = float(prepared.executor.columns(f"d{entry.name}")[entry.at]) if of_parameter else None
        return float(prepared.executor.columns(entry.name)[entry.at]), gradient, str(entry)

    def cell_samples(self, run: Run, t: int, cell: tuple[int, int]) -> Message:
        """The samples behind a cell (true, predicted) of the confusion matrix at step t; the scores judge the same."""
        self.go(run, t)
        numbers = self.maker.scored
        with np.errstate(all="ignore"):
            answers = outputs(self.training.model, self.samples.x[numbers]).T
        return {"t": t} | cell_samples(self.samples, numbers, answers, cell)

    def walk_at(self, run: Run, t: int) -> StepWalk:
        """The walk through the step after t; it is kept for further questions."""
        from glassnet.frames.walk import StepWalk

        if self.walk is None or self._walk_t != t:
            self.go(run, t)
            self.walk, self._walk_t = StepWalk(self.training, self.samples, self.maker.drawn), t
        return self.walk


def _cost_message(moment: Moment, validation: float | None) -> Message:
    """The costs of the steps since the last frame; that of the held-out samples was measured at the last one only."""
    first, end, every, values = moment.costs
    kind = "f8" if len(values) <= EXACT_COSTS else "f4"
    held_out = np.full(len(values), np.nan)
    if len(held_out) and end == moment.t:
        held_out[-1] = math.nan if validation is None else validation
    known = {"from": first} | ({"every": every} if every > 1 else {})
    return known | {"train": encoded(values, kind), "validation": encoded(held_out, kind)}
