"""Networks with random parameters and data that fits their cost, for checks of gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.check.gradient_check import gradient_check
from glassnet.check.gradient_report import GradientReport
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


def targets(cost: Cost, groups: tuple[int, ...], batch: int, rng: np.random.Generator) -> Array:
    """Targets in the cost's domain, some of them at its closed ends; `groups` are the sizes of the distributions."""
    low, high = max(cost.targets.low, -2), min(cost.targets.high, 3)
    y = rng.uniform(low + 0.05, high - 0.05, (sum(groups), batch))
    if cost.target_sum is not None:
        parts = np.split(y, np.cumsum(groups)[:-1])
        return np.concatenate([part / part.sum(axis=0) * cost.target_sum for part in parts])
    for end, closed in ((low, cost.targets.low_closed), (high, cost.targets.high_closed)):
        if closed:
            y[rng.random(y.shape) < 0.2] = end
    return y


def randomised(net: NeuralNetwork, rng: np.random.Generator) -> NeuralNetwork:
    """Draw every parameter again, none of them 0: a bias of 0 could put a z on a kink."""
    for vector in (net.parameters, net.statistics):
        for name, segment in vector.segments.items():
            spread = 1 / np.sqrt(segment.shape[0]) if segment.is_weight else 0.5
            values = rng.normal(size=vector[name].shape) * spread
            if name.endswith("frequencies"):
                values *= 0.3  # of waves: high ones have large third derivatives
            vector[name] = abs(values) + 0.5 if name.endswith(("variance", "gamma")) else values
    return net


def problem(
    layers: list[Any],
    activations: list[Any],
    cost_entry: Any = "quadratic",
    *,
    batch: int = 6,
    weighted: bool = False,
    training: bool = False,
    engine: str = "numpy",
    dtype: str = "float64",
    **settings: Any,
) -> Problem:
    """A problem; the same arguments give the same numbers."""
    rng = np.random.default_rng(5)
    net = randomised(
        NeuralNetwork(layers, activations, cost_entry, dtype=dtype, seed=3, engine=engine, **settings), rng
    )
    x = rng.normal(size=(net.architecture.inputs, batch))
    y = targets(cost(cost_entry), net.architecture.groups, batch, rng)
    options = {"sample_weight": rng.uniform(0.2, 3, batch)} if weighted else {}
    return Problem(net, x, y, options | {"training": training})
