"""A network's layers in a few numbers each, read off the buffers of the plain program after it ran on some samples.

Before it, an executor has run forward, cost and BP1 to BP4; after it, a run keeps the numbers (watching.py) and a
diagnosis turns them into findings (see/diagnosis.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glassnet.execution.executor import Executor
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.program.program import Program
from glassnet.tables.activations import Activation

SHUT = 0.05  # of the largest σ'(z): below it a gate counts as shut
DEAD = 1e-3  # the same for a unit whose gate no sample opens
SURE = 10  # by how much the mean over the samples may overstate |G|²
ELEMENTS = 1 << 16  # of a weight matrix that are looked at; of larger ones, evenly spread lines
QUANTITIES = ("saturated", "dead", "mean", "spread", "delta", "gradient", "weight", "update")


class Measures(NamedTuple):
    """One look: `values` (layers, quantities), the cost on the samples looked at, and the noise of their gradients.

    The columns are QUANTITIES: share of outputs whose gate σ'(z) is shut, share of units whose gate no sample opens
    (both 0 for softmax), mean and deviation of a, root mean square of δ, ‖dW‖, ‖W‖, and ‖change of W‖ / ‖W‖ of a step
    (0 where no optimiser is known). `noise` is McCandlish et al.'s simple noise scale (2018, equation 2.8): how many
    samples a batch needs for its gradient's chance to be as large as the gradient.
    """

    values: Array
    cost: float
    noise: float


class LayerHistory:
    """The looks of a run: `layers["delta"]` is (looks, layers); `epoch` and `step` say when each was taken, `noise` and
    `cost` are (looks,).

    `first_to_last` is the ratio of δ in the first layer to that in the last; `batch_size` is the run's (0: unknown).
    """

    quantities = QUANTITIES

    def __init__(self, looks: Sequence[tuple[int, int, Measures]] = (), batch_size: int = 0) -> None:
        self.looks, self.batch_size = list(looks), batch_size

    def add(self, epoch: int, step: int, measures: Measures) -> None:
        """One more look, after `epoch` finished epochs and `step` steps."""
        self.looks.append((epoch, step, measures))

    def thin(self) -> None:
        """Keep every other look."""
        del self.looks[1::2]

    def __getitem__(self, quantity: str) -> Array:
        if quantity not in QUANTITIES:
            raise KeyError(f"{quantity!r}; a look has {', '.join(QUANTITIES)}")
        column = QUANTITIES.index(quantity)
        return np.array([measures.values[:, column] for _, _, measures in self.looks])

    @property
    def epoch(self) -> Array:
        """Epochs that were finished at each look."""
        return np.array([epoch for epoch, _, _ in self.looks], np.int64)

    @property
    def step(self) -> Array:
        """Steps that were taken at each look."""
        return np.array([step for _, step, _ in self.looks], np.int64)

    @property
    def noise(self) -> Array:
        """The noise scale of each look, in samples."""
        return np.array([measures.noise for _, _, measures in self.looks])

    @property
    def cost(self) -> Array:
        """C on the samples looked at."""
        return np.array([measures.cost for _, _, measures in self.looks])

    @property
    def first_to_last(self) -> Array:
        """δ of the first layer over δ of the last, (looks,); 1 where the last is 0."""
        return np.array([row[0] / row[-1] if row[-1] > 0 else 1.0 for row in self["delta"]])

    def __len__(self) -> int:
        return len(self.looks)

    def __repr__(self) -> str:
        return f"LayerHistory({len(self)} looks at {', '.join(QUANTITIES)})"


class Meter:
    """Reads the layers of a plain program with gradients, whose rows `runner` has run."""

    def __init__(self, architecture: Architecture, runner: Executor) -> None:
        self.runner, self.rows = runner, activation_inputs(runner.program, len(architecture.dense))
        self.activations = [dense.activation for dense in architecture.dense]
        self.slopes = [largest_slope(row) for row in self.activations]

    def read(self, updates: Sequence[float] | None = None) -> Measures:
        """The numbers of all layers; `updates` are ‖change of W‖ / ‖W‖ of each."""
        given = [0.0] * len(self.activations) if updates is None else updates
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            values = [[*self._layer(layer), update] for layer, update in enumerate(given, 1)]
            cost, noise = float(self.runner.rows("C")[0]), noise_scale(self.runner)
        return Measures(np.array(values, np.float64), cost, noise)

    def _layer(self, layer: int) -> list[float]:
        """All quantities of one layer but the last."""
        a, delta = self.runner.rows(f"a{layer}"), self.runner.rows(f"delta{layer}")
        weight, gradient = (lines(self.runner.rows(f"{word}{layer}")) for word in ("w", "dw"))
        size = np.sqrt(self.runner.rows(f"w{layer}").size)
        norms = (rms(delta), size * rms(gradient), size * rms(weight))
        return [*self.shut(layer), float(a.mean(dtype=np.float64)), float(a.std(dtype=np.float64)), *norms]

    def shut(self, layer: int) -> tuple[float, float]:
        """Shares of shut outputs and of dead units."""
        if not self.slopes[layer - 1]:
            return 0.0, 0.0
        gates = gates_of(self.runner, self.activations[layer - 1], self.rows[layer - 1], layer) / self.slopes[layer - 1]
        return float((gates < SHUT).mean()), float((gates.max(axis=0) < DEAD).mean())


def activation_inputs(program: Program, layers: int) -> list[str]:
    """What the activation of each dense layer reads: z, or what a layer before it made of z."""
    return [program.rows[program.writer(f"a{layer}")].reads[0] for layer in range(1, layers + 1)]


def gates_of(runner: Executor, row: Activation, z: str, layer: int) -> Array:
    """|σ'(z)| of a layer, (m, fan_out), by the activation's own formula."""
    found, a = runner.rows(z), runner.rows(f"a{layer}")
    return np.abs(np.ones_like(a) * row.derivative(found, a))


def largest_slope(row: Activation) -> float:
    """The largest |σ'(z)| between −6 and 6, where each of the tables' activations has it; 0 for softmax."""
    if not row.elementwise:
        return 0.0
    z = np.linspace(-6, 6, 241)
    return float(np.abs(np.ones_like(z) * row.derivative(z, row.value(z))).max())


def noise_scale(runner: Executor) -> float:
    """tr Σ / |G|² over all dense layers, from the gradients of each sample and their mean; at most SURE·m.

    A sample's gradient is δ·aᵀ, so its squared norm is ‖δ‖²·‖a‖², and no gradient of a sample is written down.
    """
    each = mean = 0.0
    for row in runner.program.rows:
        if row.kind == "bp4":
            delta, x = map(runner.rows, row.reads)
            each += float((square_sums(delta) * (square_sums(x) + 1)).mean())
            layer = row.writes[0][2:]
            mean += float(rms(lines(runner.rows(f"dw{layer}"))) ** 2 * runner.rows(f"dw{layer}").size)
            mean += float(square_sums(runner.rows(f"db{layer}")[np.newaxis])[0])
    m = runner.m
    spread = (each - mean) * m / (m - 1) if m > 1 else 0.0
    sure = max(mean - spread / m, mean / SURE)
    return spread / sure if spread > 0 and 0 < sure < np.inf else 0.0


def square_sums(rows: Array) -> Array:
    """The squared norm of each row, in float64. (m, n) → (m,)."""
    return np.square(rows, dtype=np.float64).sum(axis=1)


def rms(values: Array) -> float:
    """The root mean square, in float64."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def lines(matrix: Array) -> Array:
    """Evenly spread lines of a large matrix, all of a small one."""
    return matrix[:: -(-matrix.size // ELEMENTS)]
