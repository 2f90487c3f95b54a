"""A recording of a run for a report: frames at some of its steps, a few steps walked in full, within a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glassnet.frames.drawn_units import DrawnUnits
from glassnet.frames.encoding import Message, json_text
from glassnet.frames.frame import Clock, Costs, FrameMaker
from glassnet.frames.replay import Replay
from glassnet.frames.report_page import script_bytes
from glassnet.frames.samples import Samples
from glassnet.frames.walk import StepWalk
from glassnet.program.parameters import Array
from glassnet.training.history import History
from glassnet.training.training import Training

MAX_FRAMES, MIN_FRAMES = 40, 4
MAX_FIELDS = 6  # frames with a field
MAX_COSTS = 4000  # numbers of the cost curve; of more steps, means of several
MAX_SAMPLES = 12  # of a batch in a walk
FRAMES_SHARE, FIELDS_SHARE, WALK_SHARE = 0.33, 0.21, 0.14  # of the bytes; the last of one walk
WITH_CHANGES = 1.4  # times as long is a frame that has the changes of a step


class Recording(NamedTuple):
    """The messages of a recording."""

    frames: list[Message]
    walks: list[Message]
    checked_walk: StepWalk | None  # on whose batch the gradients are measured
    every: int = 1  # steps of which a point of the cost curve is the mean


class Recorder:
    """Makes the messages; `bytes_left` is how long they may be as JSON, together."""

    def __init__(self, samples: Samples, drawn: DrawnUnits, history: History, bytes_left: int) -> None:
        self.samples, self.drawn, self.history, self.bytes_left = samples, drawn, history, bytes_left

    def replayed(self, replay: Replay, steps: Sequence[int]) -> Recording:
        """Frames at these steps of a replay, and walks of the first, a middle and the last step among them."""
        maker = FrameMaker(replay, self.samples, self.drawn)
        chosen, pictured = self._affordable(maker, steps)
        every, validation = self._every(steps), self._validation(chosen[-1])
        walked = {chosen[0], chosen[(len(chosen) - 1) // 2], chosen[-2]} if len(chosen) > 1 else set()
        frames, walks = list[Message](), list[StepWalk]()
        for number, step in enumerate(chosen):
            first = replay.counters.step
            replay.go(step - 1)
            maker.remember()
            replay.go(step)
            costs = _costs(first, replay.take_costs(), validation[first:step], every)
            frames.append(_frame(maker, Clock(number, steps[-1]), costs, step in pictured, step == chosen[-1]))
            if step in walked:
                walks.append(StepWalk(replay, self.samples, self.drawn))
        checked_walk = walks[len(walks) // 2] if walks else None
        return Recording(frames, [self._walk_message(walk) for walk in walks], checked_walk, every)

    def of_end(self, training: Training, step: int) -> Recording:
        """One frame of a run as it is, with the costs of its epochs, and a walk of the step that would be next."""
        maker = FrameMaker(training, self.samples, self.drawn)
        every = max(1, step // max(1, len(self.history)))
        costs = Costs(0, self.history["cost"], self.history["validation_cost"], every)
        walk = StepWalk(training, self.samples, self.drawn)
        walk.step = step
        frame = _frame(maker, Clock(0, step), costs, True, True) | {"t": step, "epoch": len(self.history)}
        return Recording([frame], [self._walk_message(walk)], walk)

    def _affordable(self, maker: FrameMaker, steps: Sequence[int]) -> tuple[list[int], set[int]]:
        """As many of these steps as there is space for, and those whose frames have a field.

        The first and the last two are among the steps, the last among those with a field.
        """
        plain, pictured = (len(json_text(maker.frame(field=field))) for field in (False, True))
        fields = min(MAX_FIELDS, int(FIELDS_SHARE * self.bytes_left / max(1, pictured - plain)))
        count = max(MIN_FRAMES, min(MAX_FRAMES, int(FRAMES_SHARE * self.bytes_left / (WITH_CHANGES * plain))))
        if len(steps) > count:
            chosen = _spread_out(steps[:-2], count - 2)
            steps = [*sorted(chosen), *steps[-2:]]
        return list(steps), (_spread_out(steps, fields) if fields > 1 else set(steps[-1:])) if fields else set()

    def _walk_message(self, walk: StepWalk) -> Message:
        """A walk with some samples of a large batch, and fewer where it would be long."""
        walk.max_samples = MAX_SAMPLES
        message = walk.message()
        while len(json_text(message)) > WALK_SHARE * self.bytes_left and walk.max_samples > 1:
            walk.max_samples //= 2
            message = walk.message()
        return message

    def _every(self, steps: Sequence[int]) -> int:
        """Of how many steps one number of the cost curve is the mean."""
        return -(-(steps[-1] - steps[0]) // MAX_COSTS) or 1

    def _validation(self, last: int) -> Array:
        """The validation cost after each step up to the last, NaN where it was not measured."""
        values = np.full(last + 1, np.nan)
        ends = self.history["step"].astype(np.int64) - 1
        known = ends < last
        values[ends[known]] = self.history["validation_cost"][known]
        return values


def _frame(maker: FrameMaker, clock: Clock, costs: Costs, field: bool, is_last: bool) -> Message:
    """A frame; the last one has the findings. Pictures of neurons are large: the first and the last have them."""
    frame = maker.frame(clock, costs, field=field, judged=is_last)
    if field and clock.number and not is_last:
        frame["field"]["neurons"] = []
    return frame


def _spread_out(steps: Sequence[int], count: int) -> set[int]:
    indices = np.linspace(0, len(steps) - 1, min(count, len(steps))).round().astype(np.int64)
    return {steps[index] for index in indices}


def _costs(first: int, train: Array, validation: Array, every: int) -> Costs:
    """The costs of the steps after `first`, as means of every so many steps."""
    if every == 1:
        return Costs(first, train, validation)
    starts = range(0, len(train), every)
    means = np.array([train[start : start + every].mean() for start in starts])
    measured = [validation[start : start + every] for start in starts]
    latest = [float(part[~np.isnan(part)][-1]) if (~np.isnan(part)).any() else np.nan for part in measured]
    return Costs(first, means, np.array(latest), every)


def fitted(recorded: Message, limit: int) -> Message:
    """A Recorded of at most so many bytes: without pictures of neurons, fields and walks, as far as that is needed."""
    if script_bytes(recorded) <= limit:
        return recorded
    frames, walks = recorded["frames"], recorded["walks"]
    for frame in frames:
        if script_bytes(recorded) > limit and frame["field"] is not None:
            frame["field"]["neurons"] = []
    for frame in frames:
        if script_bytes(recorded) > limit:
            frame["field"] = None
    while script_bytes(recorded) > limit and walks:
        del walks[len(walks) // 2]
    return recorded
