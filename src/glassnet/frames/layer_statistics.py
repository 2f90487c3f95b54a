"""The layers in a few numbers each, for the charts of gradient flow and saturation.

The executor has run forward, cost and BP1 to BP4 on some samples; nothing is computed here but statistics of what its
buffers contain, and σ and σ' by the activation's own entry.
"""

from __future__ import annotations

from math import isfinite, sqrt

import numpy as np

from glassnet.execution.executor import Executor
from glassnet.frames.encoding import Message, encoded
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.training.layer_measures import LayerMeter

QUANTILES = (0.1, 0.5, 0.9)
BINS = 24  # of the histogram of z
SHARES = np.arange(BINS + 1) / BINS
LARGEST = 1e300  # in it


class LayerStatistics:
    """Makes LayerStats of the layers of one executor, whose number of samples stays the same."""

    def __init__(self, architecture: Architecture, executor: Executor) -> None:
        self.meter = LayerMeter(architecture, executor)
        self.layers = range(1, len(architecture.dense) + 1)
        names = [f"{name}{layer}" for layer in self.layers for name in ("delta", "dw", "w", "z")]
        program = executor.program
        reads = {layer: program.rows[program.writer(f"a{layer}")].reads[0] for layer in self.layers}
        elementwise = {layer for layer, entry in enumerate(self.meter.activations, 1) if entry.elementwise}
        self.curved = {layer for layer in elementwise if reads[layer] == f"z{layer}"}
        self.views = {name: executor.rows(name) for name in names}

    def messages(self, changes: dict[str, Array]) -> list[Message]:
        """LayerStats of each layer; `changes` are the last changes of w1, w2 ... where they are known."""
        with np.errstate(all="ignore"):
            return [self._layer(layer, changes.get(f"w{layer}")) for layer in self.layers]

    def _layer(self, layer: int, change: Array | None) -> Message:
        saturated, dead = self.meter.saturated_and_dead(layer)
        return {
            "delta": spread_of(self.views[f"delta{layer}"]),
            "dw": spread_of(self.views[f"dw{layer}"]),
            "saturated": saturated,
            "dead": dead,
            "ratio": 0.0 if change is None else _ratio(change, self.views[f"w{layer}"]),
            "z": self._histogram(layer),
        }

    def _histogram(self, layer: int) -> Message:
        """The histogram of z, with the activation and its slope at the edges where it acts on z element by element."""
        edges, counts = histogram(self.views[f"z{layer}"])
        message = {"edges": encoded(edges), "counts": encoded(counts)}
        if layer in self.curved:
            activation, curve = self.meter.activations[layer - 1], np.empty((2, BINS + 1))
            curve[0] = activation.value(edges)
            curve[1] = activation.derivative(edges, curve[0])
            message["curve"] = encoded(curve, "f4")
        return message


def spread_of(values: Array) -> list[float]:
    """The 10th, 50th and 90th percentile of the absolute values, and their root mean square; 0 if not finite."""
    sizes = np.sort(np.abs(values), axis=None)
    indices = [round(share * (len(sizes) - 1)) for share in QUANTILES]
    numbers = [*sizes[indices].tolist(), sqrt(_square_sum(sizes) / len(sizes))]
    return [number if isfinite(number) else 0.0 for number in numbers]


def histogram(z: Array) -> tuple[Array, Array]:
    """Edges and counts: how often z falls into each of some intervals of equal width, from its least to its largest."""
    low, high = float(z.min()), float(z.max())
    if not isfinite(high - low):
        z = np.clip(z[np.isfinite(z)], -LARGEST, LARGEST)
        low, high = (float(z.min()), float(z.max())) if len(z) else (0.0, 0.0)
    if low == high:
        low, high = low - max(0.5, abs(low) / 100), high + max(0.5, abs(high) / 100)
    indices = ((z.ravel() - low) * (BINS / (high - low))).astype(np.int64)
    counts = np.bincount(np.minimum(indices, BINS - 1), minlength=BINS)
    return low * (1 - SHARES) + high * SHARES, counts


def _ratio(change: Array, w: Array) -> float:
    """‖change‖ / ‖W‖."""
    size = _square_sum(w)
    ratio = sqrt(_square_sum(change) / size) if size > 0 and isfinite(size) else 0.0
    return ratio if isfinite(ratio) else 0.0


def _square_sum(values: Array) -> float:
    flat = np.ravel(values).astype(np.float64, copy=False)
    return float(flat @ flat)
