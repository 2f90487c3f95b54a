"""What a diagnosis goes by: the layers of a network, the costs of its run, and the data, each in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.history import History
from glassnet.measures import QUANTITIES, Measures, Meter
from glassnet.parameters import Array
from glassnet.sources import checked_sources
from glassnet.tables.costs import Cost

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

SAMPLES = 2048  # that are looked at


class Finding(NamedTuple):
    """One thing that ails a network or its data: what was seen, which equation makes it so, what to change, and what
    the change is expected to do.
    """

    name: str
    evidence: str
    equation: str
    change: str
    expected: str

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.evidence}\n  why       {self.equation}\n  try       {self.change}\n"
            f"  expected  {self.expected}"
        )


class Evidence(NamedTuple):
    """All that is known.

    `x` and `y` are samples as rows (y as numbers, one-hot for classes), `outputs` what the network makes of them;
    `reached` is their mean cost, `constant` that of the best constant answer and `best` the least that any answer could
    have: all None without data. `measures` is a fresh look, or the last one of the run.
    """

    network: NeuralNetwork
    history: History | None
    measures: Measures | None
    x: Array | None = None
    y: Array | None = None
    outputs: Array | None = None
    reached: float | None = None
    constant: float | None = None
    best: float = 0.0

    @property
    def learnt(self) -> float | None:
        """How far the cost has come from the best constant answer's (0) to the least possible (1).

        The lower of the costs on x and of the last epoch counts. Without data, the share of the first epoch's cost that
        is gone; None where nothing is known.
        """
        costs = self.costs
        if self.reached is None or self.constant is None:
            return float(1 - costs[-1] / costs[0]) if len(costs) > 1 and costs[0] > 0 else None
        if self.constant - self.best <= 0:
            return None
        return (self.constant - min([self.reached, *costs[-1:]])) / (self.constant - self.best)

    def poor(self, limit: float) -> bool:
        """Whether less than this has been learnt, or nothing is known about it."""
        return self.learnt is None or self.learnt < limit

    @property
    def costs(self) -> Array:
        """The cost of each epoch of the last run."""
        return np.zeros(0) if self.history is None else self.history["cost"]

    @property
    def swing(self) -> tuple[float, float]:
        """How much the cost goes up and down from epoch to epoch in the last half of the run, as a share of what it is
        above the least possible; 0 where it falls by more than that. And the noise scale over the batch size, 0 where
        it is not known.
        """
        late = self.costs[len(self.costs) // 2 :]
        if len(late) < 5:
            return 0.0, 0.0
        swing, half = float(np.median(np.abs(np.diff(late)))), len(late) // 2
        size = 0 if self.history is None else self.history.layers.batch_size
        noise = 0.0 if self.measures is None or not size else self.measures.noise / size
        falls = late[:half].mean() - late[half:].mean() > swing
        return (0.0 if falls else swing / max(abs(float(np.median(late)) - self.best), 1e-300)), noise

    @property
    def updates(self) -> float | None:
        """The middle of the last looks' largest ‖change of W‖ / ‖W‖; None where the run was too short for a look."""
        if self.history is None or not len(self.history.layers):
            return None
        return float(np.median(self.history.layers["update"][-5:].max(axis=1)))

    def of(self, quantity: str) -> Array:
        """A quantity of each layer, (layers,); empty where there was no look."""
        return np.zeros(0) if self.measures is None else self.measures.values[:, QUANTITIES.index(quantity)]


def gathered(network: NeuralNetwork, x: Any = None, y: Any = None) -> Evidence:
    """What is known of the network, its last run, and the samples x, y where they are given."""
    history = network.history
    if x is None:
        looks = [] if history is None else history.layers.looks
        return Evidence(network, history, looks[-1][2] if looks else None)
    sources = checked_sources(network, x, y)
    places = np.linspace(0, len(sources.x) - 1, min(SAMPLES, len(sources.x))).astype(np.int64)
    runner = network._inference._ready(sources.x[places], False, sources.y[places])
    runner.run()
    last = network.architecture.outputs
    outputs = network._inference.blocks(sources.x).T
    targets = np.equal(sources.y[:, np.newaxis], np.arange(last)) if sources.y.ndim == 1 else sources.y
    constant, best = reference_costs(network.architecture.cost, targets.astype(np.float64))
    reached = mean_cost(network.architecture.cost, outputs.astype(np.float64), targets.astype(np.float64))
    measures = Meter(network.architecture, runner).read()
    return Evidence(network, history, measures, sources.x, targets, outputs, reached, constant, best)


def mean_cost(cost: Cost, a: Array, y: Array) -> float:
    """The mean over the samples of the cost without the penalty; a and y are rows."""
    with np.errstate(all="ignore"):
        return float(np.mean(np.nan_to_num(cost.value(a, y), posinf=1e300).sum(axis=1)))


def reference_costs(cost: Cost, y: Array) -> tuple[float, float]:
    """The cost of the best constant answer among the mean and the quantiles of y, and that of a = y."""
    levels = np.quantile(y, np.linspace(0.05, 0.95, 19), axis=0)
    answers = [y.mean(axis=0), *levels] if cost.target_sum is None else [y.mean(axis=0)]
    return min(mean_cost(cost, np.broadcast_to(a, y.shape), y) for a in answers), mean_cost(cost, y, y)
