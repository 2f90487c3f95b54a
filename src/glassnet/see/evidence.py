"""What a diagnosis goes by: the layers of a network, the costs of its run, and the data, each in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.batches.sources import checked_sources
from glassnet.execution.reference import Sources
from glassnet.program.parameters import Array
from glassnet.see.wording import Reader
from glassnet.tables.costs import Cost
from glassnet.training.history import History
from glassnet.training.layer_measures import QUANTITIES, Measures, Meter

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

    @property
    def sentence(self) -> str:
        """What was seen and what to change, in one line."""
        return f"{self.name.capitalize()}: {self.evidence} Try {self.change}"

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.evidence}\n  why       {self.equation}\n  try       {self.change}\n"
            f"  expected  {self.expected}"
        )


@dataclass(frozen=True)
class Evidence:
    """All that is known; what follows from it is worked out once.

    `x` and `y` are samples as rows (y as numbers, one-hot for classes), `outputs` what the network makes of them;
    `reached` is their mean cost, `constant` that of the best constant answer and `best` the least that any answer could
    have: all None without data. `measures` is a fresh look, or the last one of the run. `whole` says that x and y are
    all the data, not some training samples; `reader` for whom it is.
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
    whole: bool = True
    reader: Reader = field(default_factory=Reader)

    @cached_property
    def learnt(self) -> float | None:
        """How far the cost has come from the best constant answer's (0) to the least possible (1).

        The lower of the costs on x and of the last epoch counts, where x is all there is; the cost on some samples goes
        with their own constant answer. Without data, the share of the first epoch's cost that is gone; None where
        nothing is known.
        """
        costs = self.costs
        if self.reached is None or self.constant is None:
            return float(1 - costs[-1] / costs[0]) if len(costs) > 1 and costs[0] > 0 else None
        if self.constant - self.best <= 0:
            return None
        reached = min([self.reached, *costs[-1:]]) if self.whole else self.reached
        return (self.constant - reached) / (self.constant - self.best)

    def learnt_less_than(self, limit: float) -> bool:
        """Whether less than this has been learnt, or nothing is known about it."""
        return self.learnt is None or self.learnt < limit

    @cached_property
    def costs(self) -> Array:
        """The cost of each epoch of the last run."""
        return np.zeros(0) if self.history is None else self.history["cost"]

    @cached_property
    def oscillation(self) -> tuple[float, float]:
        """How much the cost goes up and down from epoch to epoch in the last half of the run, as a share of what it is
        above the least possible; 0 where it falls by more than that. And the noise scale over the batch size, 0 where
        it is not known.
        """
        late = self.costs[len(self.costs) // 2 :]
        if len(late) < 5:
            return 0.0, 0.0
        oscillation, half = float(np.median(np.abs(np.diff(late)))), len(late) // 2
        size = 0 if self.history is None else self.history.layers.batch_size
        noise = 0.0 if self.measures is None or not size else self.measures.noise / size
        falls = late[:half].mean() - late[half:].mean() > oscillation
        return (0.0 if falls else oscillation / max(abs(float(np.median(late)) - self.best), 1e-300)), noise

    @property
    def updates(self) -> float | None:
        """The middle of the last looks' largest ‖change of W‖ / ‖W‖; None where the run was too short for a look."""
        if self.history is None or not len(self.history.layers):
            return None
        return float(np.median(self.history.layers["update"][-5:].max(axis=1))) or None  # 0: no optimiser was known

    @property
    def levels(self) -> tuple[float, float, float] | None:
        """The cost that was reached, that of the best constant answer, and the least possible, where they are known."""
        return None if self.reached is None or self.constant is None else (self.reached, self.constant, self.best)

    def of(self, quantity: str) -> Array:
        """A quantity of each layer, (layers,); empty where there was no look."""
        return np.zeros(0) if self.measures is None else self.measures.values[:, QUANTITIES.index(quantity)]


def gathered(network: NeuralNetwork, x: Any = None, y: Any = None, reader: Reader | None = None) -> Evidence:
    """What is known of the network, its last run, and x, y; without these, of the samples it keeps of that run."""
    reader = reader or Reader()
    if x is not None:
        return examined(network, checked_sources(network, x, y), reader, whole=True)
    if network.seen is not None:
        return examined(network, network.seen, reader, whole=False)
    history = network.history or History()
    measures = history.layers.looks[-1][2] if history.layers.looks else None
    reached, constant, best = history.levels or (None, None, 0.0)
    found = (reached, constant, best)
    return Evidence(network, network.history, measures, None, None, None, *found, whole=False, reader=reader)


def examined(network: NeuralNetwork, sources: Sources, reader: Reader, whole: bool) -> Evidence:
    """The same by samples that are already checked."""
    cost = network.architecture.cost
    measures = measured(network, sources)
    outputs, targets = network._inference.blocks(sources.x).T, numbers(network, sources.y)
    constant, best = reference_costs(cost, targets.astype(np.float64))
    reached = mean_cost(cost, outputs.astype(np.float64), targets.astype(np.float64))
    found = (sources.x, targets, outputs, reached, constant, best)
    return Evidence(network, network.history, measures, *found, whole, reader)


def measured(network: NeuralNetwork, sources: Sources) -> Measures:
    """A look at the layers as they are now, on samples that are already checked."""
    places = np.linspace(0, len(sources.x) - 1, min(SAMPLES, len(sources.x))).astype(np.int64)
    runner = network._inference._ready(sources.x[places], False, sources.y[places])
    runner.run()
    return Meter(network.architecture, runner).read()


def numbers(network: NeuralNetwork, y: Array) -> Array:
    """The targets as the outputs are: classes become columns with a single 1."""
    return np.equal(y[:, np.newaxis], np.arange(network.architecture.outputs)) if y.ndim == 1 else y


def mean_cost(cost: Cost, a: Array, y: Array) -> float:
    """The mean over the samples of the cost without the penalty; a and y are rows."""
    with np.errstate(all="ignore"):
        return float(np.mean(np.nan_to_num(cost.value(a, y), posinf=1e300).sum(axis=1)))


def reference_costs(cost: Cost, y: Array) -> tuple[float, float]:
    """The cost of the best constant answer among the mean and the quantiles of y, and that of a = y."""
    levels = np.quantile(y, np.linspace(0.05, 0.95, 19), axis=0)
    answers = [y.mean(axis=0), *levels] if cost.target_sum is None else [y.mean(axis=0)]
    return min(mean_cost(cost, np.broadcast_to(a, y.shape), y) for a in answers), mean_cost(cost, y, y)
