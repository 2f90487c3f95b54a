"""A run as one HTML file: the page of `glassnet play` with a recording inside, which opens without network or server.

A run is not recorded while it trains. What its report shows is computed when it is asked for: the run is repeated from
where it began, and its weights are compared with those that it left. Where that would take too long, or the data lay in
a file, the report shows only the end of the run, and says so.
"""

from __future__ import annotations

import time
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.errors import ParameterError, counted, printable
from glassnet.execution.model import Model
from glassnet.files.atomic_file import FilePath, atomic_file
from glassnet.frames.drawn_units import drawn_units
from glassnet.frames.encoding import Message
from glassnet.frames.python_code import python_code
from glassnet.frames.recorded_session import recorded_message, session_parts, versions
from glassnet.frames.recording import WALK_SHARE, Recorder, Recording, fitted
from glassnet.frames.replay import Replay, frame_steps
from glassnet.frames.report_page import MAX_BYTES, page_bytes, report_html
from glassnet.frames.report_samples import Names, report_samples
from glassnet.frames.run_info import run_info
from glassnet.frames.run_snapshot import RunSnapshot
from glassnet.frames.samples import Samples
from glassnet.see.every_gradient import check_gradients
from glassnet.see.notebook import model_text
from glassnet.training.history import History
from glassnet.training.training import Training

MAX_REPLAY_SECONDS = 60.0  # that the run itself took
FRAMES = 40
CHECK_SECONDS = 2.0
UNITS, WEIGHT_BYTES = (24, 16, 12, 8, 6, 4), 160  # of a layer; of a walk, for each weight that it shows
MARGIN = 200_000  # bytes of a report besides its page, frames and walks


def write_report(
    snapshot: RunSnapshot, history: History, path: FilePath, title: str = "", static: Path | None = None
) -> None:
    """Write the report of a run; `static` is another folder of the built page."""
    recorded = fitted(RunReport(snapshot, history, static).recorded(title), MAX_BYTES - page_bytes(static))
    text = report_html(recorded, static)
    with atomic_file(path, ParameterError) as file:
        file.write(text.encode())


class RecordedRun(NamedTuple):
    """What the report shows of a run: a run (or a second one with its weights), its recording, and how it was made."""

    run: Training
    recording: Recording
    how: list[str]


class RunReport:
    """Makes the report of one run."""

    def __init__(self, snapshot: RunSnapshot, history: History, static: Path | None = None) -> None:
        self.snapshot, self.history, self.static = snapshot, history, static
        self.recipe, self.names = snapshot.recipe, snapshot.names or Names()

    @cached_property
    def sources(self) -> Sources:
        """The data of the run, or some samples of them."""
        sources = self.snapshot.sources or self.snapshot.samples
        if sources is None:
            raise ParameterError("no samples of this run were kept (each is too large), so it has no report.")
        return sources

    @cached_property
    def model(self) -> Model:
        """A copy of the network as the run left it; of a large one, as it is now."""
        model = self.snapshot.model.astype(self.snapshot.model.dtype)
        if self.snapshot.end:
            model.parameters.vector[:] = self.snapshot.end["parameters"]
            model.statistics.vector[:] = self.snapshot.end["statistics"]
        return model

    def recorded(self, title: str = "") -> Message:
        """The Recorded of web/src/lib/messages.ts."""
        is_complete = self.snapshot.sources is not None
        samples = report_samples(
            self.model.architecture, self.sources, self.snapshot.validation, self.names, complete=is_complete
        )
        space = MAX_BYTES - page_bytes(self.static) - MARGIN
        drawn = drawn_units(self.model, samples, units_drawn(self.model, space))
        recorder = Recorder(samples, drawn, self.history, space)
        seconds = self.history[-1].seconds if len(self.history) else 0.0
        ran = self.snapshot.end_step > self.snapshot.start["step"]
        is_replayed = ran and is_complete and seconds <= MAX_REPLAY_SECONDS
        recorded_run = self._replayed(recorder) if is_replayed else self._end_alone(recorder)
        run = run_info(recorded_run.run, samples, recorder.drawn)
        run |= session_parts(self.model, self.recipe, samples, self.snapshot.end_step)
        recording = recorded_run.recording
        return recorded_message(run, recording.frames, recording.walks, self._about(title, recorded_run, samples))

    # The recording ----------------------------------------------------------------------------------------------------

    def _replayed(self, recorder: Recorder) -> RecordedRun:
        """Run again, and compare the weights."""
        started = time.perf_counter()
        replay = Replay(self.snapshot)
        recording = recorder.replayed(replay, frame_steps(replay.counters.step, self.snapshot.end_step, FRAMES))
        took = time.perf_counter() - started
        how = (
            f"The run was not recorded while it trained: it was run again from its start in {took:.1f} s for this "
            f"report, with the same data, seed and settings. It is shown at {len(recording.frames)} of its steps up to "
            f"step {self.snapshot.end_step:,}, close together at the beginning."
        )
        points = f"Each point of the cost curve is the mean of at most {recording.every:,} consecutive steps."
        lines = [how, points] if recording.every > 1 else [how]
        return RecordedRun(replay, recording, [*lines, self._comparison(replay)])

    def _comparison(self, replay: Replay) -> str:
        """Whether the second run ended where the first did."""
        best = self.history.best_epoch
        best_steps = [report.step for report in self.history if report.epoch == best]
        if best_steps and best_steps[0] != replay.counters.step:
            replay = Replay(self.snapshot)
            replay.go(best_steps[0])
        where = f"at the best epoch, {best}, whose weights were restored," if best_steps else "at its end"
        if np.array_equal(replay.model.parameters.vector, self.snapshot.end["parameters"]):
            return f"Its weights {where} are those of the run, bit for bit."
        return f"Its weights {where} differ from those that the run left: what is shown is a similar run."

    def _end_alone(self, recorder: Recorder) -> RecordedRun:
        """The end of a run that is not run again, on the samples that were snapshot."""
        recipe = self.recipe._replace(patience=None, validation_metric=None, epochs=max(1, self.recipe.epochs))
        size = min(recipe.batch_size, len(self.sources.y))
        training = Training(self.model, self.sources, recipe._replace(batch_size=size))
        how = (
            f"Only the end of the run is shown, measured on {len(self.sources.y):,} samples: {self._why_not()}. The "
            "step that is explained is a first step of the optimiser from these weights; costs are means over epochs."
        )
        return RecordedRun(training, recorder.of_end(training, self.snapshot.end_step), [how])

    def _why_not(self) -> str:
        """Why the run is not run again."""
        if self.snapshot.is_streamed:
            return "its data lay in a file, and it is not run again"
        if not self.snapshot.is_small:
            return "no copy of so large a network is kept, so that its weights are those of now"
        if self.snapshot.sources is None:
            return "its data were too large to keep, or it was fitted by an estimator, and it is not run again"
        if self.snapshot.end_step == self.snapshot.start["step"]:
            return "it made no step"
        return "it took more than a minute, and it is not run again"

    # What the report says ---------------------------------------------------------------------------------------------

    def _about(self, title: str, recorded_run: RecordedRun, samples: Samples) -> Message:
        walk = recorded_run.recording.checked_walk
        return {
            "title": printable(title or self.names.title or "A training run"),
            "lines": [printable(line) for line in (*self._lines(samples), *recorded_run.how)],
            "check": "" if walk is None else check_gradients(walk.experiment, CHECK_SECONDS).sentence,
            "versions": versions(),
            "code": python_code(self.model, self.recipe, len(self.history) or self.recipe.epochs),
        }

    def _lines(self, samples: Samples) -> list[str]:
        """The network, the training, what is known of the data, and what the run warned of."""
        recipe, history = self.recipe, self.history
        trained = f"{counted(len(history), 'epoch')}, {counted(self.snapshot.end_step, 'step')}"
        seconds = f" in {history[-1].seconds:.2g} s" if len(history) else ""
        best = f" Epoch {history.best_epoch} has the best {history.best_by}; its weights were restored."
        stopped = f" It ended early: {history.stopped}." if history.stopped else ""
        return [
            f"{model_text(self.model)}; engine {self.model.engine}.",
            f"{recipe.optimizer.name} at rate {recipe.lr:g}, {recipe.schedule.name} schedule, batches of "
            f"{recipe.batch_size:,}: {trained}{seconds}.{best if history.best_epoch else ''}{stopped}",
            samples.summary(),
            *self.names.notes,
            *history.warnings,
        ]


def units_drawn(model: Model, space: int) -> int:
    """How many units of a layer are shown, so that a walk has its share of the space."""
    widths = [model.architecture.inputs, *(dense.fan_out for dense in model.architecture.dense)]
    for units in UNITS:
        weights = sum(min(one, units) * min(two, units) for one, two in pairwise(widths))
        if weights * WEIGHT_BYTES <= WALK_SHARE * space:
            return units
    return UNITS[-1]
