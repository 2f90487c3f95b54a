"""Measures the layers of a run from time to time: between compiled calls it runs the plain program on some samples.

It times itself, and measures again only when that costs a small share of the run's time. It writes nothing that the run
reads: parameters, states, statistics and random numbers stay as they are, so the bits of a run do not depend on it.
"""

from __future__ import annotations

import time
from math import prod

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.sparse import dense
from glassnet.batches.streamed_sources import StreamedSources
from glassnet.program.parameters import Array
from glassnet.training.layer_measures import LayerHistory, LayerMeter
from glassnet.training.measured_run import MeasuredRun
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
        counters, run = self.training.counters, MeasuredRun.of(self.training)
        if self._meter is None:
            self._meter = run.meter(spread_samples(self.training.sources))
        prepared = time.perf_counter()
        self.layers.add(counters.epoch, counters.step, run.measure(self._meter))
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


class EndOfRun:
    """Measures the layers as a run has left them, when somebody asks for it: for a run too short to measure them.

    It costs the run a copy of its parameters.
    """

    def __init__(self, training: Training, samples: Sources) -> None:
        self.samples, self.run = samples, MeasuredRun.of(training).frozen()
        self.layers = LayerHistory(batch_size=training.recipe.batch_size)
        self.epoch, self.step = training.counters.epoch, training.counters.step

    def __call__(self) -> LayerHistory:
        """The one measurement, made by the first call."""
        if not len(self.layers):
            self.layers.add(self.epoch, self.step, self.run.measure(self.run.meter(self.samples)))
        return self.layers


def recent_samples(sources: Sources | StreamedSources, indices: Array | None = None) -> Sources | None:
    """The samples of a run that its network keeps for a diagnosis; None where they would take much memory.

    `indices` are the samples that are trained on, where these are not all.
    """
    sample_bytes = sum(part.dtype.itemsize * prod(part.shape[1:]) for part in (sources.x, sources.y))
    return spread_samples(sources, indices) if sample_bytes * SAMPLES <= MAX_SAMPLE_BYTES else None


def spread_samples(sources: Sources | StreamedSources, indices: Array | None = None) -> Sources:
    """Evenly spread samples whose weight is not 0, dense; of a file, samples of a few blocks."""
    if isinstance(sources, StreamedSources):
        return sources.samples(SAMPLES)
    counted = np.arange(sources.x.shape[0]) if indices is None else indices
    counted = counted if sources.weights is None else counted[sources.weights[counted] > 0]
    chosen = counted[np.linspace(0, len(counted) - 1, min(SAMPLES, len(counted))).astype(np.int64)]
    part = sources.part(chosen)
    return part._replace(x=dense(part.x))
