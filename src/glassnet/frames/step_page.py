"""An explained step as a page: the walk of `glassnet play` on a recording of this one step, in one HTML file."""

from __future__ import annotations

from typing import Any

from glassnet.batches.sources import checked_sources
from glassnet.errors import printable
from glassnet.execution.model import Model
from glassnet.see.explain import NOTATIONS, Explanation
from glassnet.see.inspection import Inspection
from glassnet.tables import optimizers
from glassnet.tables.schedules import Constant
from glassnet.training.recipe import Recipe
from glassnet.training.training import Training

CHECK_SECONDS = 1.0


class StepPage:
    """Makes the page of an Explanation of a step of `model` on `data` (x, y, sample_weight), as columns.

    `names` (report_samples.Names) is what the numbers are called, where that is known.
    """

    def __init__(self, model: Model, data: tuple[Any, Any, Any], lr: float, optimizer: Any) -> None:
        self.model, self.data, self.lr, self.optimizer = model, data, lr, optimizer
        self.names: Any = None

    def __call__(self, explanation: Explanation) -> str:
        """The page, as the text of an HTML file."""
        from glassnet.frames.recording import fitted
        from glassnet.frames.report_page import MAX_RECORDED_BYTES, report_html

        return report_html(fitted(self.recorded(explanation), MAX_RECORDED_BYTES))

    def recorded(self, explanation: Explanation) -> dict[str, Any]:
        """The Recorded of web/src/lib/messages.ts: one frame and one walk."""
        from glassnet.frames.drawn_units import drawn_units
        from glassnet.frames.frame import FrameMaker
        from glassnet.frames.python_code import network_code
        from glassnet.frames.recorded_session import recorded_message, session_parts, versions
        from glassnet.frames.recording import MAX_SAMPLES
        from glassnet.frames.report_samples import Names, report_samples
        from glassnet.frames.run_info import run_info
        from glassnet.frames.walk import Walk
        from glassnet.see.every_gradient import check_gradients
        from glassnet.see.nudge import Experiment

        model, names = self.model, self.names or Names()
        sources = checked_sources(model.architecture, model.dtype, *self.data)
        samples = report_samples(model.architecture, sources, None, names, complete=True)
        entry = optimizers.optimizer(self.optimizer)
        recipe = Recipe(len(sources.y), 1, self.lr, entry, Constant())
        training = Training(model, sources, recipe)
        maker = FrameMaker(training, samples, drawn_units(model, samples))
        experiment = Experiment(model, self.data, at_step=0)
        walk = Walk(explanation, experiment, maker.drawn, range(len(sources.y)))
        walk.step, walk.state_hash, walk.max_samples = 0, training.hash(), MAX_SAMPLES
        call = f'network.explain_step(x, y, lr={self.lr!r}, optimizer="{entry.name}")'
        code = f"import glassnet\n\n{network_code(model)}\nprint({call})\n"
        about = {
            "title": printable(names.title or "One training step"),
            "lines": [printable(line) for line in (*explanation.about.split("\n"), NOTATIONS["columns"], *names.notes)],
            **{"check": check_gradients(experiment, CHECK_SECONDS).sentence, "versions": versions(), "code": code},
        }
        run = run_info(training, samples, maker.drawn) | session_parts(model, recipe, samples, 0)
        return recorded_message(run, [maker.frame()], [walk.message()], about) | {"view": "step"}


class StepPages(Inspection):
    """The methods that look into a network, whose explained steps can be written as pages."""

    step_page = StepPage
