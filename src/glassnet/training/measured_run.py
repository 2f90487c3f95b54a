"""What a measurement of the layers reads of a run: its vectors and settings, and the scalars of its next step.

layer_monitor.py decides when to measure; this runs the plain program on some samples, and the equations of the update.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.execution.inference import set_batch
from glassnet.execution.model import Model
from glassnet.program.buffers import Vectors
from glassnet.program.builder import build
from glassnet.program.equations import clip_scale
from glassnet.program.parameters import Array, Parameters
from glassnet.program.program import Program, Row
from glassnet.training.layer_measures import LayerMeter, Measures, rms, sampled_rows
from glassnet.training.recipe import Recipe
from glassnet.training.step_scalars import StepInputs, step_scalars
from glassnet.training.training import Training


class MeasuredRun(NamedTuple):
    """A run between two steps: `program` is that of its steps, `inputs` are what the scalars of the next depend on."""

    model: Model
    program: Program
    vectors: Vectors
    recipe: Recipe
    inputs: StepInputs
    engine: str

    @classmethod
    def of(cls, training: Training) -> MeasuredRun:
        """A run as it is now; its vectors go on changing."""
        step, batch = np.array([[training.counters.step], [training.recipe.batch_size]], np.float64)
        inputs = training.step_inputs(step, batch, batch)
        engine = training.executor.engine
        return cls(training.model, training.program, training.vectors, training.recipe, inputs, engine)

    def frozen(self) -> MeasuredRun:
        """The same with its own parameters and statistics; the states of a run that has ended change no more."""
        parameters, statistics = _copied(self.vectors.parameters), _copied(self.vectors.statistics)
        return self._replace(vectors=self.vectors._replace(parameters=parameters, statistics=statistics))

    def meter(self, samples: Sources) -> LayerMeter:
        """A meter of an executor of the plain program, in training mode, whose buffers hold the samples.

        It shares the gradients with the run, which rewrites them in every step before it reads them.
        """
        program = build(self.model.architecture, training=True, weighted=samples.weights is not None)
        vectors = self.vectors._replace(states=())
        executor = self.model.executor(program, samples.x.shape[0], vectors=vectors, engine=self.engine)
        executor.scalars = self._scalars(program)
        set_batch(executor, *samples)
        return LayerMeter(self.model.architecture, executor)

    def measure(self, meter: LayerMeter) -> Measures:
        """The layers as they are now."""
        meter.executor.run()
        return meter.measure(self._updates())

    def _scalars(self, program: Program) -> dict[str, Any]:
        """The scalars that a program needs for the next step, by name."""
        scalars = step_scalars(program, self.model.architecture, self.inputs, self.model.dtype)[0]
        return dict(zip(program.scalars, scalars, strict=True))

    def _updates(self) -> list[float]:
        """‖change of W‖ / ‖W‖ of each layer if the next step had this gradient, by the equations of the update.

        A limit on the norms of W is not part of it; a layer whose rate is 0 has no such equation.
        """
        program = self.program
        scalars = self._scalars(program)
        rows = {row.writes[0]: row for row in program.rows if row.role == "update"}
        names = [segment.name for segment in program.segments if segment.is_weight]
        limit, gradients = self.recipe.clip_norm, self.vectors.gradients.vector
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            factor = 1.0 if limit is None else clip_scale(np.square(gradients, dtype=np.float64), limit=limit)
            scale = np.asarray(factor, gradients.dtype)
            return [self._update(rows[name], scalars, scale) if name in rows else 0.0 for name in names]

    def _update(self, row: Row, scalars: dict[str, Any], scale: Array) -> float:
        """‖change of W‖ / ‖W‖ of one layer, from the sampled rows of W."""
        buffers = [self.program.buffers[name] for name in row.reads]
        w, gradient, *states = (sampled_rows(self.vectors.at(at.home).rows(at.segment)) for at in buffers)
        limit = self.recipe.clip_value
        gradient = gradient if limit is None else np.clip(gradient, -limit, limit)
        assert row.formula is not None
        new = row.formula(w, gradient * scale, *states, *(scalars[name] for name in row.scalars))
        size = rms(w)
        return rms((new[0] if isinstance(new, tuple) else new) - w) / size if size > 0 else 0.0


def _copied(parameters: Parameters) -> Parameters:
    copy = parameters.like()
    copy.vector[:] = parameters.vector
    return copy
