"""Networks with random parameters and data that suits their cost: what gradients are checked on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.check.gradient_check import GradientReport, gradient_check
from glassnet.network import NeuralNetwork
from glassnet.tables.costs import Cost, cost

Array = np.ndarray[Any, Any]


class Problem(NamedTuple):
    """A network and data; `options` are those of gradient_check."""

    net: NeuralNetwork
    x: Array
    y: Array
    options: dict[str, Any]

    def check(self, **options: Any) -> GradientReport:
        return gradient_check(self.net, self.x, self.y, **(self.options | options))

    @property
    def weights(self) -> Array:
        """The weights of the samples."""
        return self.options.get("sample_weight", np.ones(self.x.shape[1]))


def targets(row: Cost, groups: tuple[int, ...], batch: int, rng: np.random.Generator) -> Array:
    """Targets in the cost's domain, some of them at its closed ends; `groups` are the sizes of the distributions."""
    low, high = max(row.targets.low, -2), min(row.targets.high, 3)
    y = rng.uniform(low + 0.05, high - 0.05, (sum(groups), batch))
    if row.target_sum is not None:
        parts = np.split(y, np.cumsum(groups)[:-1])
        return np.concatenate([part / part.sum(axis=0) * row.target_sum for part in parts])
    for end, closed in ((low, row.targets.low_closed), (high, row.targets.high_closed)):
        if closed:
            y[rng.random(y.shape) < 0.2] = end
    return y


def randomised(net: NeuralNetwork, rng: np.random.Generator) -> NeuralNetwork:
    """Every parameter drawn afresh, none of them 0: a bias of 0 could put a z onto a kink."""
    for held in (net.parameters, net.statistics):
        for name, segment in held.segments.items():
            spread = 1 / np.sqrt(segment.shape[0]) if segment.is_weight else 0.5
            values = rng.normal(size=held[name].shape) * spread
            held[name] = abs(values) + 0.5 if name.endswith(("variance", "gamma")) else values
    return net


def problem(
    layers: list[Any],
    activations: list[Any],
    cost_row: Any = "quadratic",
    *,
    batch: int = 6,
    weighted: bool = False,
    training: bool = False,
    engine: str = "numpy",
    dtype: str = "float64",
    **settings: Any,
) -> Problem:
    """The same numbers for the same arguments."""
    rng = np.random.default_rng(5)
    net = randomised(NeuralNetwork(layers, activations, cost_row, dtype=dtype, seed=3, engine=engine, **settings), rng)
    x = rng.normal(size=(net.architecture.inputs, batch))
    y = targets(cost(cost_row), net.architecture.groups, batch, rng)
    options = {"sample_weight": rng.uniform(0.2, 3, batch)} if weighted else {}
    return Problem(net, x, y, options | {"training": training})
