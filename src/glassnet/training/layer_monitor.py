"""Measures the layers of a run from time to time: between compiled calls it runs the plain program on some samples.

It times itself, and measures again only when that costs a small share of the run's time. It writes nothing that the run
reads: parameters, states, statistics and random numbers stay as they are, so the bits of a run do not depend on it.
"""

from __future__ import annotations

import time
from math import prod
from typing import Any

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.sparse import dense
from glassnet.execution.inference import set_batch
from glassnet.program.builder import build
from glassnet.program.equations import clip_scale
from glassnet.program.parameters import Array
from glassnet.program.program import Program, Row
from glassnet.training.layer_measures import LayerHistory, LayerMeter, Measures, rms, sampled_rows
from glassnet.training.step_scalars import step_scalars
from glassnet.training.training import Training

TIME_SHARE = 0.01  # of a run that measurements may take
FIRST_SECONDS = 0.006  # estimate for the first measurement, without its equations: a shorter run pays nothing
SAMPLES = 256  # that are measured
MAX_SAMPLE_BYTES = 4 << 20  # that the recent samples of a network may take
MAX_MEASUREMENTS = 400  # that are kept


class LayerMonitor:
    """The measurements of a run, in `layers`. With `always` it measures after every epoch, whatever that costs."""

    def __init__(self, training: Training, always: bool = False) -> None:
        self.training, self.always = training, always
        self.layers = LayerHistory(batch_size=training.recipe.batch_size)
        self.started, self.spent = time.perf_counter(), 0.0
        self.last_seconds: float | None = None  # that the last measurement took
        self.next_epoch, self.gap = 0, 1
        self._meter: LayerMeter | None = None

    def measure_if_due(self) -> None:
        """Measure the layers, at most once per epoch, if the time spent so far allows it."""
        if self.training.counters.epoch < self.next_epoch or self.training.finished:
            return
        started = time.perf_counter()
        elapsed = started - self.started
        if not self.always and self.spent + self._expected_seconds(elapsed) > TIME_SHARE * elapsed:
            return
        counters = self.training.counters
        if self._meter is None:
            self._meter = self._new_meter()
        prepared = time.perf_counter()
        self.layers.add(counters.epoch, counters.step, self._measure(self._meter))
        ended = time.perf_counter()
        self.last_seconds = ended - prepared
        self.spent += ended - started
        if len(self.layers) >= MAX_MEASUREMENTS:
            del self.layers.measurements[1::2]
            self.gap = -(-2 * counters.epoch // MAX_MEASUREMENTS)
        self.next_epoch = counters.epoch + self.gap

    def is_due_within(self, seconds: float) -> bool:
        """Whether the first measurement may come within so many seconds of the run."""
        return self.always or TIME_SHARE * seconds >= FIRST_SECONDS

    def _expected_seconds(self, elapsed: float) -> float:
        """How long the next measurement will take: as long as the last one; the first is judged by the steps so far."""
        if self.last_seconds is not None:
            return self.last_seconds
        samples = max(self.training.counters.step, 1) * self.training.recipe.batch_size
        return FIRST_SECONDS + 3 * elapsed * SAMPLES / samples

    def _measure(self, meter: LayerMeter) -> Measures:
        meter.executor.run()
        return meter.measure(self._updates())

    def _new_meter(self) -> LayerMeter:
        """A meter of an executor of the plain program, in training mode, whose buffers hold the samples.

        It shares the gradients with the run, which rewrites them in every step before it reads them.
        """
        training, model = self.training, self.training.model
        sources = spread_samples(training.sources)
        program = build(model.architecture, training=True, weighted=sources.weights is not None)
        engine = "numpy" if training.executor.warnings else model.engine  # where the compiled one cannot run
        vectors = training.vectors._replace(states=())
        executor = model.executor(program, sources.x.shape[0], vectors=vectors, engine=engine)
        executor.scalars = self._scalars(program)
        set_batch(executor, *sources)
        return LayerMeter(model.architecture, executor)

    def _scalars(self, program: Program) -> dict[str, Any]:
        """The scalars that a program needs for the next step, by name."""
        training = self.training
        step, batch = np.array([[training.counters.step], [training.recipe.batch_size]], np.float64)
        inputs = training.step_inputs(step, batch, batch)
        scalars = step_scalars(program, training.model.architecture, inputs, training.model.dtype)[0]
        return dict(zip(program.scalars, scalars, strict=True))

    # The update -------------------------------------------------------------------------------------------------------

    def _updates(self) -> list[float]:
        """‖change of W‖ / ‖W‖ of each layer if the next step had this gradient, by the equations of the update."""
        program = self.training.program
        scalars = self._scalars(program)
        rows = {row.writes[0]: row for row in program.rows if row.label == "update" and row.formula is not None}
        names = [segment.name for segment in program.segments if segment.is_weight]
        limit, gradients = self.training.recipe.clip_norm, self.training.vectors.gradients.vector
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            factor = 1.0 if limit is None else clip_scale(np.square(gradients, dtype=np.float64), limit=limit)
            scale = np.asarray(factor, gradients.dtype)
            return [self._update(rows[name], scalars, scale) for name in names]

    def _update(self, row: Row, scalars: dict[str, Any], scale: Array) -> float:
        """‖change of W‖ / ‖W‖ of one layer, from the sampled rows of W."""
        training = self.training
        buffers = [training.program.buffers[name] for name in row.reads]
        w, gradient, *states = (sampled_rows(training.vectors.at(at.home).rows(at.segment)) for at in buffers)
        limit = training.recipe.clip_value
        gradient = gradient if limit is None else np.clip(gradient, -limit, limit)
        assert row.formula is not None
        new = row.formula(w, gradient * scale, *states, *(scalars[name] for name in row.scalars))
        size = rms(w)
        return rms((new[0] if isinstance(new, tuple) else new) - w) / size if size > 0 else 0.0


def recent_samples(sources: Sources, indices: Array | None = None) -> Sources | None:
    """The samples of a run that its network keeps for a diagnosis; None where they would take much memory.

    `indices` are the samples that are trained on, where these are not all.
    """
    sample_bytes = sum(part.dtype.itemsize * prod(part.shape[1:]) for part in (sources.x, sources.y))
    return spread_samples(sources, indices) if sample_bytes * SAMPLES <= MAX_SAMPLE_BYTES else None


def spread_samples(sources: Sources, indices: Array | None = None) -> Sources:
    """Evenly spread samples whose weight is not 0, dense."""
    counted = np.arange(sources.x.shape[0]) if indices is None else indices
    counted = counted if sources.weights is None else counted[sources.weights[counted] > 0]
    chosen = counted[np.linspace(0, len(counted) - 1, min(SAMPLES, len(counted))).astype(np.int64)]
    part = sources.part(chosen)
    return part._replace(x=dense(part.x))
