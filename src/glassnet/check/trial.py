"""The networks, with random weights and a batch, on which a person's backpropagation and ours are run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.check.drawing import Shape, draw
from glassnet.check.mistakes.fault import Gradients
from glassnet.check.mistakes.passes import Dense
from glassnet.network import NeuralNetwork
from glassnet.program.parameters import Array
from glassnet.see.quantities import prepare_pass

TOLERANCE, FLOAT32_TOLERANCE = 1e-6, 2e-3  # relative, for answers in float64 and in float32


class Trial:
    """A network with its weights and a batch of m samples, on which their code and ours are run.

    m is larger than asked for where a softmax has as many classes or more: every class stands in the batch.
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
        self.widths, self.seed, self.labels = list(widths), seed, labels
        self.has_biases, self.forward_is_right = has_biases, forward_is_right
        self.network = NeuralNetwork(self.widths, activations, cost, dtype="float64", seed=seed, engine="numpy")
        architecture = self.network.architecture
        self.dense = [Dense(one.activation, one.groups) for one in architecture.dense]
        self.m = self._enough_samples(m, self.dense[-1], architecture.cost.target_sum is not None)
        shape = Shape(self.widths, self.dense, architecture.cost, self.m, has_biases, labels)
        drawn = draw(shape, np.random.default_rng(seed))
        for layer, (w, b) in enumerate(zip(drawn.weights, drawn.biases, strict=True)):
            self.network.weights[layer], self.network.biases[layer] = w, b
        self.use(drawn.x, drawn.y)

    def _enough_samples(self, m: int, output: Dense, one_hot: bool) -> int:
        """m, or the next number above all classes that is no layer's width."""
        classes = max(output.groups) if one_hot or (self.labels and self.widths[-1] > 1) else 0
        if m > classes:
            return m
        return next(n for n in range(classes + 1, classes + len(self.widths) + 2) if n not in self.widths)

    def use(self, x: Array, y: Array) -> None:
        """Take another batch, x (fan_in, m) and y (fan_out, m), and run our program on it."""
        self.x, self.y = x, y
        self.prepared = prepare_pass(self.network.model, (self.x, self.y, None))
        self.prepared.executor.run()

    def variant(self, widths: Sequence[int], m: int, seed: int = 0) -> Trial:
        """A trial with the same activations and cost, but other widths and samples."""
        architecture = self.network.architecture
        activations = [dense.activation for dense in architecture.dense]
        return Trial(
            widths,
            activations,
            architecture.cost,
            m,
            seed,
            has_biases=self.has_biases,
            labels=self.labels,
            forward_is_right=self.forward_is_right,
        )

    @property
    def gradients(self) -> Gradients:
        """dw and db of our own program."""
        columns, layers = self.prepared.executor.columns, range(1, len(self.widths))
        return [columns(f"dw{n}").copy() for n in layers], [columns(f"db{n}").copy() for n in layers]

    @property
    def parameters(self) -> tuple[list[Array], list[Array]]:
        """Copies of the weights and biases."""
        return [w.copy() for w in self.network.weights], [b.copy() for b in self.network.biases]
