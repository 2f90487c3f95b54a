"""The layers of a network in a few numbers each, read from the buffers of the plain program.

Before it, an executor has run forward, cost and BP1 to BP4 on some samples; after it, a run stores the numbers
(layer_monitor.py) and a diagnosis turns them into findings (see/diagnosis.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glassnet.execution.executor import Executor
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.tables.activations import Activation

SATURATED_SLOPE = 0.05  # of the largest σ'(z): below it an output counts as saturated
DEAD_SLOPE = 1e-3  # the same for a unit that no sample activates
MAX_NOISE_RATIO = 10  # by how much the mean over the samples may overstate |G|²
MAX_ELEMENTS = 1 << 16  # of a weight matrix that are measured; of larger ones, evenly spread rows
QUANTITIES = ("saturated", "dead", "mean", "spread", "delta", "gradient", "weight", "update")


class Measures(NamedTuple):
    """One measurement: `values` (layers, quantities), the cost on its samples, and the noise of their gradients.

    The columns are QUANTITIES: share of saturated outputs (σ'(z) near 0), share of dead units (σ'(z) near 0 for every
    sample; both 0 for softmax), mean and standard deviation of a, root mean square of δ, ‖dW‖, ‖W‖, and
    ‖change of W‖ / ‖W‖ of a step (0 where no optimiser is known). `noise` is the simple noise scale of McCandlish et
    al. (2018, equation 2.8): the batch size at which the noise of the gradient is as large as the gradient.
    """

    values: Array
    cost: float
    noise: float


class LayerHistory:
    """The measurements of a run: `layers["delta"]` is (measurements, layers).

    `batch_size` is that of the run, 0 where it is unknown.
    """

    quantities = QUANTITIES

    def __init__(self, measurements: Sequence[tuple[int, int, Measures]] = (), batch_size: int = 0) -> None:
        self.measurements, self.batch_size = list(measurements), batch_size

    def add(self, epoch: int, step: int, measures: Measures) -> None:
        """Append a measurement, taken after `epoch` epochs and `step` steps."""
        self.measurements.append((epoch, step, measures))

    def __getitem__(self, quantity: str) -> Array:
        if quantity not in QUANTITIES:
            raise KeyError(f"{quantity!r}; a measurement has {', '.join(QUANTITIES)}")
        column = QUANTITIES.index(quantity)
        return np.array([measures.values[:, column] for _, _, measures in self.measurements])

    @property
    def epoch(self) -> Array:
        """Epochs finished before each measurement."""
        return np.array([epoch for epoch, _, _ in self.measurements], np.int64)

    @property
    def step(self) -> Array:
        """Steps taken before each measurement."""
        return np.array([step for _, step, _ in self.measurements], np.int64)

    @property
    def noise(self) -> Array:
        """The noise scale of each measurement, in samples."""
        return np.array([measures.noise for _, _, measures in self.measurements])

    @property
    def cost(self) -> Array:
        """C on the measured samples."""
        return np.array([measures.cost for _, _, measures in self.measurements])

    @property
    def first_to_last(self) -> Array:
        """δ of the first layer over δ of the last, (measurements,); 1 where the last is 0."""
        return np.array([row[0] / row[-1] if row[-1] > 0 else 1.0 for row in self["delta"]])

    def __len__(self) -> int:
        return len(self.measurements)

    def __repr__(self) -> str:
        return f"LayerHistory({len(self)} measurement{'' if len(self) == 1 else 's'} of {', '.join(QUANTITIES)})"


class LayerMeter:
    """Measures the layers of a plain program with gradients, whose equations `executor` has run."""

    def __init__(self, architecture: Architecture, executor: Executor) -> None:
        self.executor = executor
        self.activations = [dense.activation for dense in architecture.dense]
        self.largest_slopes = list(map(largest_slope, self.activations))

    def measure(self, updates: Sequence[float] | None = None) -> Measures:
        """The numbers of all layers; `updates` are ‖change of W‖ / ‖W‖ of each."""
        updates = [0.0] * len(self.activations) if updates is None else updates
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            values = [[*self._layer(layer), update] for layer, update in enumerate(updates, 1)]
            cost, noise = float(self.executor.rows("C")[0]), noise_scale(self.executor)
        return Measures(np.array(values, np.float64), cost, noise)

    def _layer(self, layer: int) -> list[float]:
        """All quantities of one layer but the update."""
        a, delta = self.executor.rows(f"a{layer}"), self.executor.rows(f"delta{layer}")
        weight, gradient = (sampled_rows(self.executor.rows(f"{name}{layer}")) for name in ("w", "dw"))
        size = np.sqrt(self.executor.rows(f"w{layer}").size)
        norms = (rms(delta), size * rms(gradient), size * rms(weight))
        shares = self.saturated_and_dead(layer)
        return [*shares, float(a.mean(dtype=np.float64)), float(a.std(dtype=np.float64)), *norms]

    def saturated_and_dead(self, layer: int) -> tuple[float, float]:
        """The shares of saturated outputs and of dead units."""
        largest = self.largest_slopes[layer - 1]
        if not largest:
            return 0.0, 0.0
        program, a = self.executor.program, f"a{layer}"
        z = program.rows[program.writer(a)].reads[0]  # or what a layer before the activation made of it
        slopes = absolute_slopes(self.activations[layer - 1], *map(self.executor.rows, (z, a))) / largest
        return float((slopes < SATURATED_SLOPE).mean()), float((slopes.max(axis=0) < DEAD_SLOPE).mean())


def absolute_slopes(activation: Activation, z: Array, a: Array) -> Array:
    """|σ'(z)| in the shape of a, by the activation's own formula."""
    return np.abs(np.ones_like(a) * activation.derivative(z, a))


def largest_slope(activation: Activation) -> float:
    """The largest |σ'(z)| between −6 and 6, where every activation of the table attains it; 0 for softmax."""
    if not activation.elementwise:
        return 0.0
    z = np.linspace(-6, 6, 241)
    return float(absolute_slopes(activation, z, activation.value(z)).max())


def noise_scale(executor: Executor) -> float:
    """tr Σ / |G|² over all dense layers, from the gradients of each sample and their mean; at most MAX_NOISE_RATIO·m.

    The gradient of a sample is δ·aᵀ, so its squared norm is ‖δ‖²·‖a‖², and no sample's gradient is formed.
    """
    each = mean = 0.0
    for row in executor.program.rows:
        if row.kind == "bp4":
            delta, x = map(executor.rows, row.reads)
            each += float((square_sums(delta) * (square_sums(x) + 1)).mean())
            dw, db = executor.rows(f"dw{row.layer}"), executor.rows(f"db{row.layer}")
            mean += float(rms(sampled_rows(dw)) ** 2 * dw.size) + float(square_sums(db[np.newaxis])[0])
    m = executor.m
    variance = (each - mean) * m / (m - 1) if m > 1 else 0.0
    square = max(mean - variance / m, mean / MAX_NOISE_RATIO)
    return variance / square if variance > 0 and 0 < square < np.inf else 0.0


def square_sums(rows: Array) -> Array:
    """The squared norm of each row, in float64. (m, n) → (m,)."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.square(rows, dtype=np.float64).sum(axis=1))


def rms(values: Array) -> float:
    """The root mean square, in float64."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def sampled_rows(matrix: Array) -> Array:
    """Evenly spread rows of a large matrix, all rows of a small one."""
    return matrix[:: -(-matrix.size // MAX_ELEMENTS)]
