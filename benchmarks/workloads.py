"""The networks and random data that are measured: the same arithmetic for glassnet and for every peer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
LEARNING_RATE, DROPOUT_RATE = 0.001, 0.2
MIXED = "mixed_bfloat16"  # the precision of a network whose products have bfloat16 operands and float32 sums


def operations(layers: Sequence[int]) -> float:
    """Operations of the matrix products per sample: forward, BP4, and BP2 for all layers but the first."""
    sizes = [a * b for a, b in pairwise(layers)]
    return 2.0 * (2 * sum(sizes) + sum(sizes[1:]))


class Workload(NamedTuple):
    """A network and its training. The samples fill whole batches; y are classes for softmax, and the cost is ½(a − y)²
    for all others.
    """

    name: str
    layers: tuple[int, ...]
    activations: tuple[str, ...]
    batch: int
    optimizer: str
    samples: int
    layer: str = ""  # dropout, batch_norm or layer_norm after every hidden layer's activation
    weighted: bool = False

    @property
    def is_classifier(self) -> bool:
        """Whether y holds class numbers."""
        return self.activations[-1] == "softmax"

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in zip(self.layers, self.layers[1:], strict=False))

    @property
    def flops(self) -> float:
        """Operations of the matrix products per step."""
        return self.batch * operations(self.layers)

    def data(self) -> tuple[Array, Array]:
        """x (samples, inputs) float32, y (samples, outputs) float32 or class numbers (samples,)."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.samples, self.layers[0]), np.float32)
        if self.is_classifier:
            return x, rng.permutation(np.arange(self.samples) % self.layers[-1])  # every class occurs
        return x, rng.random((self.samples, self.layers[-1]), np.float32)

    def sample_weights(self) -> Array | None:
        """(samples,) between ½ and 1½, or None if all samples have the same weight."""
        if not self.weighted:
            return None
        return np.random.default_rng(1).random(self.samples, np.float32) + np.float32(0.5)


class RandomSource:
    """The random numbers of a contestant: its initial parameters and the order of the samples in each epoch."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def parameters(self, workload: Workload) -> list[tuple[Array, Array]]:
        """Weights (fan_in, fan_out) and biases (fan_out,) of each dense layer."""
        shapes = zip(workload.layers, workload.layers[1:], strict=False)
        return [
            (
                self.rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[0])),
                np.zeros(shape[1], np.float32),
            )
            for shape in shapes
        ]

    def order(self, workload: Workload) -> Array:
        """The indices of the samples, freshly shuffled."""
        return self.rng.permutation(workload.samples)


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
TINY = Workload("4-4-1, batch 1", (4, 4, 1), ("tanh", "sigmoid"), 1, "sgd", 1000)


VARIANT_BASES = ("20-64-64-1", "784-128-10", "784-256-256-10 tanh")
VARIANTS = {
    f"{name}, {variant}": WORKLOADS[name]._replace(name=f"{name}, {variant}", **change)
    for name in VARIANT_BASES
    for variant, change in (
        ("dropout", {"layer": "dropout"}),
        ("batch norm", {"layer": "batch_norm"}),
        ("layer norm", {"layer": "layer_norm"}),
        ("sample weights", {"weighted": True}),
    )
}


def growth_workload(name: str, layers: tuple[int, ...], batch: int) -> Workload:
    """A point of a growth curve: relu and softmax, Adam, at least 1,000 samples in whole batches."""
    activations = ("relu",) * (len(layers) - 2) + ("softmax",)
    return Workload(name, layers, activations, batch, "adam", batch * max(4, 1024 // batch))


GROWTH = {
    **{
        f"batch {m}": growth_workload(f"batch {m}", (64, 128, 128, 10), m)
        for m in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    },
    **{
        f"width {n}": growth_workload(f"width {n}", (n, n, n, 10), 64)
        for n in (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
    },
    **{f"depth {n}": growth_workload(f"depth {n}", (64, *[64] * n, 10), 32) for n in (1, 2, 4, 8, 16)},
}
# Most of these sizes fill neither vectors nor tiles.
ODD_WIDTHS = (9, 15, 17, 25, 33, 47, 50, 63, 65, 75, 99, 100, 101, 127, 150, 199, 250, 257, 300, 317)
ODD_BATCHES = (20, 25, 33, 50, 63, 64, 65, 75, 99, 100, 101, 127, 128, 129, 150, 199, 200, 255, 256, 257)
SIZES = {
    **{
        f"any width {n}": growth_workload(f"any width {n}", (64, n, n, 10), 100)
        for n in sorted({*range(8, 321, 8), *ODD_WIDTHS})
    },
    **{f"any batch {m}": growth_workload(f"any batch {m}", (64, 100, 100, 10), m) for m in ODD_BATCHES},
}


def find(name: str) -> Workload:
    """Return the workload of that name."""
    return {**WORKLOADS, **VARIANTS, **GROWTH, **SIZES, TINY.name: TINY}[name]
