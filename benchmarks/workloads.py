"""The networks that are measured, on random data: the same arithmetic for glassnet and for every peer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
RATE = 0.001


class Workload(NamedTuple):
    """A network and how it is trained; the samples fill whole batches. Softmax has classes, all else ½(a − y)²."""

    name: str
    layers: tuple[int, ...]
    activations: tuple[str, ...]
    batch: int
    optimizer: str
    samples: int

    @property
    def is_classifier(self) -> bool:
        """Whether y are class numbers."""
        return self.activations[-1] == "softmax"

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in zip(self.layers, self.layers[1:], strict=False))

    @property
    def flops(self) -> float:
        """Operations of the products of one step: forward, BP4, and BP2 but for the first layer."""
        sizes = [a * b for a, b in zip(self.layers, self.layers[1:], strict=False)]
        return 2.0 * self.batch * (2 * sum(sizes) + sum(sizes[1:]))

    def data(self) -> tuple[Array, Array]:
        """x (samples, inputs) float32, y (samples, outputs) float32 or class numbers (samples,)."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.samples, self.layers[0]), np.float32)
        if self.is_classifier:
            return x, rng.integers(0, self.layers[-1], self.samples)
        return x, rng.random((self.samples, self.layers[-1]), np.float32)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("2-10-1", (2, 10, 1), ("sigmoid", "sigmoid"), 10, "sgd", 1000),
        Workload("1-100-1", (1, 100, 1), ("sigmoid", "linear"), 64, "sgd", 1024),
        Workload("20-64-64-1", (20, 64, 64, 1), ("relu", "relu", "linear"), 32, "adam", 4000),
        Workload("784-128-10", (784, 128, 10), ("relu", "softmax"), 64, "adam", 59968),
        Workload("784-512-512-10", (784, 512, 512, 10), ("relu", "relu", "softmax"), 128, "adam", 12800),
        Workload("784-256-256-10 tanh", (784, 256, 256, 10), ("tanh", "tanh", "softmax"), 128, "adam", 12800),
        Workload("1024-2048-2048-1000", (1024, 2048, 2048, 1000), ("relu", "relu", "softmax"), 512, "sgd", 2048),
    )
}
TRAP = Workload("4-4-1, batch 1", (4, 4, 1), ("tanh", "sigmoid"), 1, "sgd", 1000)


def find(name: str) -> Workload:
    """The workload of that name."""
    return TRAP if name == TRAP.name else WORKLOADS[name]
