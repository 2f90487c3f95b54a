"""The networks, with random weights and a batch, on which a person's backpropagation and ours are run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.check.hypotheses import Gradients, gradients
from glassnet.network import NeuralNetwork
from glassnet.program.parameters import Array
from glassnet.see.quantities import prepare_pass

TOLERANCE, FLOAT32_TOLERANCE = 1e-6, 2e-3  # relative, for answers in float64 and in float32


class Trial:
    """A network with its weights and a batch of m samples, on which their code and ours are run.

    `has_biases` False: the biases are 0, and nobody asks for their gradient. `labels`: every target is one-hot.
    `forward_is_right` is what is known of their forward pass; None is nothing.
    """

    def __init__(
        self,
        widths: Sequence[int],
        activations: Any,
        cost: Any,
        m: int,
        seed: int = 0,
        *,
        has_biases: bool = True,
        labels: bool = False,
        forward_is_right: bool | None = None,
    ) -> None:
        self.widths, self.m, self.labels = list(widths), m, labels
        self.has_biases, self.forward_is_right = has_biases, forward_is_right
        self.network = NeuralNetwork(self.widths, activations, cost, dtype="float64", seed=seed, engine="numpy")
        rng = np.random.default_rng(seed)
        for name, values in self.network.parameters.items():
            spread = 1 / np.sqrt(values.shape[1]) if name[0] == "w" else 0.4 * has_biases
            self.network.parameters[name] = spread * rng.normal(size=values.shape)
        self.x = rng.normal(size=(self.widths[0], m))
        self.y = self._targets(rng)
        self.prepared = prepare_pass(self.network.model, (self.x, self.y, None))
        self.prepared.executor.run()

    def variant(self, widths: Sequence[int], m: int, seed: int = 0) -> Trial:
        """A trial with the same activations and cost, but other widths and samples."""
        architecture = self.network.architecture
        activations = [dense.activation for dense in architecture.dense]
        known: dict[str, Any] = {name: getattr(self, name) for name in ("has_biases", "labels", "forward_is_right")}
        return Trial(widths, activations, architecture.cost, m, seed, **known)

    @property
    def gradients(self) -> Gradients:
        """dw and db of our own program."""
        ours = gradients(self.prepared)
        assert ours is not None
        return ours

    def _targets(self, rng: np.random.Generator) -> Array:
        cost, shape = self.network.architecture.cost, (self.widths[-1], self.m)
        if cost.target_sum is not None:
            groups = self.network.architecture.groups
            return np.vstack([np.eye(size)[:, rng.integers(0, size, self.m)] for size in groups])
        if self.labels:
            numbers = rng.permutation(np.arange(self.m) % max(self.widths[-1], 2))
            return (
                np.eye(self.widths[-1])[:, numbers] if self.widths[-1] > 1 else numbers[np.newaxis].astype(np.float64)
            )
        targets: Array = np.clip(rng.normal(0.4, 0.8, shape), cost.targets.low, cost.targets.high)
        return targets

    @property
    def parameters(self) -> tuple[list[Array], list[Array]]:
        """Copies of the weights and biases."""
        return [w.copy() for w in self.network.weights], [b.copy() for b in self.network.biases]
