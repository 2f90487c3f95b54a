"""Watches the layers of a run: between its compiled calls, now and then, it runs the plain program on some samples.

What it costs is measured, and it looks again only when that is a small share of the time the run has taken. It writes
nothing that a run reads: parameters, states, statistics and chance stay as they are, so that the bits of a run do not
depend on it.
"""

from __future__ import annotations

import time
import weakref
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.batches.sparse import dense
from glassnet.execution.executor import Executor, executor
from glassnet.execution.inference import set_batch
from glassnet.execution.reference import Sources
from glassnet.program.buffers import Vectors
from glassnet.program.builder import build
from glassnet.program.equations import clip_scale
from glassnet.program.parameters import Array
from glassnet.program.program import Row
from glassnet.training.layer_measures import LayerHistory, Measures, Meter, lines, rms

if TYPE_CHECKING:
    from glassnet.training.training import Training

SHARE = 0.01  # of the time of a run
FIRST = 0.006  # seconds that the first look is thought to take beside its equations: a shorter run pays nothing
SAMPLES = 256  # that are looked at
ROOM = 4 << 20  # bytes that a network's memory of its samples may take
MOST = 400  # looks that are kept


class Watch:
    """The looks at a run; `layers` holds them. With `always` it looks after every epoch, whatever that costs."""

    def __init__(self, training: Training, always: bool = False) -> None:
        self.training: Training = weakref.proxy(training)  # which holds this: a circle would outlive the run
        self.always, self.layers = always, LayerHistory(batch_size=training.recipe.batch_size)
        self.started, self.spent = time.perf_counter(), 0.0
        self.took: float | None = None  # seconds of the last look
        self.next_epoch, self.gap = 0, 1
        self._ready: tuple[Executor, Meter] | None = None

    def look(self) -> None:
        """Measure the layers, at most once an epoch, where the time spent so far allows it."""
        if self.training.counters.epoch < self.next_epoch or self.training.finished:
            return
        now = time.perf_counter()
        elapsed = now - self.started
        if not self.always and self.spent + self._expected(elapsed) > SHARE * elapsed:
            return
        counters = self.training.counters
        if self._ready is None:
            self._ready = self._prepared()
        began = time.perf_counter()
        self.layers.add(counters.epoch, counters.step, self._measure(*self._ready))
        ended = time.perf_counter()
        self.took = ended - began
        self.spent += ended - now
        if len(self.layers) >= MOST:
            self.layers.thin()
            self.gap = -(-2 * counters.epoch // MOST)
        self.next_epoch = counters.epoch + self.gap

    def is_due(self, seconds: float) -> bool:
        """Whether the first look may come within so many seconds of the run."""
        return self.always or SHARE * seconds >= FIRST

    def _expected(self, elapsed: float) -> float:
        """Seconds that the next look will take: as many as the last one; the first one, by what steps take."""
        if self.took is not None:
            return self.took
        samples = max(self.training.counters.step, 1) * self.training.recipe.batch_size
        return FIRST + 3 * elapsed * SAMPLES / samples

    def _measure(self, runner: Executor, meter: Meter) -> Measures:
        """Run the plain program, as it is in a training step, on the samples that are looked at."""
        runner.run()
        return meter.read(self._updates())

    def _prepared(self) -> tuple[Executor, Meter]:
        """An executor whose buffers hold the samples, and its meter.

        It shares the gradients with the run, which writes them anew in every step before it reads them.
        """
        training = self.training
        network, held = training.network, training.vectors
        sources = some(training.sources)
        program = build(network.architecture, training=True, weighted=sources.weights is not None)
        engine = "numpy" if training.executor.warnings else network.engine  # where the compiled one cannot run
        memory = Vectors(held.parameters, held.gradients, (), held.statistics)
        runner = executor(engine, program, memory, sources.x.shape[0], network.seed)
        divisor = training.recipe.batch_size if training.recipe.by_samples else 1
        runner.scalars = {"l1": network.architecture.l1 / divisor, "l2": network.architecture.l2 / divisor}
        set_batch(runner, *sources)
        return runner, Meter(network.architecture, runner)

    # The update -------------------------------------------------------------------------------------------------------

    def _updates(self) -> list[float]:
        """‖change of W‖ / ‖W‖ of each layer, if the next step had this gradient: by the rows of the update."""
        training, program = self.training, self.training.program
        step = np.array([float(training.counters.step)])
        batch = np.array([float(training.recipe.batch_size)])
        scalars = training._scalars(step, training._rates(step), batch, batch)[0]
        numbers = dict(zip(program.scalars, scalars, strict=True))
        rows = {row.writes[0]: row for row in program.rows if row.label == "update" and row.formula is not None}
        names = [segment.name for segment in program.segments if segment.is_weight]
        scale = self._clip()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            return [self._update(rows[name], numbers, scale) for name in names]

    def _update(self, row: Row, numbers: dict[str, Any], scale: Array) -> float:
        """One layer's, from the lines of W that are looked at."""
        w, gradient, *states = (lines(self._held(name)) for name in row.reads)
        limit = self.training.recipe.clip_value
        gradient = gradient if limit is None else np.clip(gradient, -limit, limit)
        assert row.formula is not None
        new = row.formula(w, gradient * scale, *states, *(numbers[name] for name in row.scalars))
        size = rms(w)
        return rms((new[0] if isinstance(new, tuple) else new) - w) / size if size > 0 else 0.0

    def _held(self, name: str) -> Array:
        """A quantity of the update, as the run holds it."""
        buffer = self.training.program.buffers[name]
        return self.training.vectors.at(buffer.home).rows(buffer.segment)

    def _clip(self) -> Array:
        """What clipping by the norm multiplies the gradients with."""
        limit, vector = self.training.recipe.clip_norm, self.training.vectors.gradients.vector
        if limit is None:
            return np.ones((), vector.dtype)
        return clip_scale(np.square(vector, dtype=np.float64), limit=limit).astype(vector.dtype)


def kept(sources: Sources, places: Array | None = None) -> Sources | None:
    """The samples that a network remembers of its run, to be diagnosed by; None where they would take much memory.

    `places` are those that are trained on, where that is not all.
    """
    row = sum(part.dtype.itemsize * prod(part.shape[1:]) for part in (sources.x, sources.y))
    return some(sources, places) if row * SAMPLES <= ROOM else None


def some(sources: Sources, places: Array | None = None) -> Sources:
    """Evenly spread samples that count."""
    counted = np.arange(sources.x.shape[0]) if places is None else places
    counted = counted if sources.weights is None else counted[sources.weights[counted] > 0]
    chosen = counted[np.linspace(0, len(counted) - 1, min(SAMPLES, len(counted))).astype(np.int64)]
    weights = None if sources.weights is None else sources.weights[chosen]
    return Sources(dense(sources.x[chosen]), sources.y[chosen], weights)
