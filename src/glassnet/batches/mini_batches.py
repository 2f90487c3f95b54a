"""The order of the samples and how it is cut into mini-batches: from a seed to what each step reads.

Orders are drawn for a block of epochs at once, from (seed, run, block) alone, so that a run can resume at any step.
The number of epochs in a block depends on the number of samples only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassnet.program.parameters import Array

BLOCK_SAMPLES = 1 << 18  # in the orders of one block, where an epoch has fewer

Orders = Callable[[int, Array], None]
"""orders(number, indices) fills `indices` (epochs, samples), int64, with the orders of the epochs of that block; the
same number always gives the same orders."""


class StepRange(NamedTuple):
    """Consecutive steps of a run: the order of the samples, (first, m) of each batch, and the step scalars.

    `scalars` is (steps, number of scalars) in the program's dtype; `first_step` counts steps since the run began.
    """

    order: Any
    batches: Array
    scalars: Array
    first_step: int


class EpochBlock(NamedTuple):
    """Consecutive epochs: their orders, one after the other, and all their batches.

    `batches` are (first, m) with `first` counted in `order`; `weights` is Σw of each; the batches of the n-th epoch of
    the block are starts[n] .. starts[n + 1] − 1. Order, batches and weights are arrays, or make what is asked for.
    """

    first_epoch: int
    order: Any
    batches: Any
    weights: Any
    starts: Array


class BatchPlan:
    """The mini-batches of a run, whose epochs have the orders that `orders` gives.

    Of the last block of a run of `epochs` only the epochs that it needs are drawn; a longer run begins with the same.
    """

    def __init__(
        self, samples: int, batch_size: int, weights: Array | None, orders: Orders, epochs: int | None = None
    ) -> None:
        self.samples, self.weights, self.orders, self.epochs = samples, weights, orders, epochs
        self.epoch_batches = epoch_batches(samples, batch_size)
        self.epochs_per_block = block_epochs(samples)
        self._indices = np.empty((0, samples), np.int64)
        self._block: EpochBlock | None = None

    @property
    def batches_per_epoch(self) -> int:
        """The number of mini-batches of an epoch, those of weight 0 included."""
        return len(self.epoch_batches)

    @property
    def largest_batch(self) -> int:
        """The samples of the largest mini-batch."""
        return int(self.epoch_batches[0, 1])

    def block(self, epoch: int) -> EpochBlock:
        """The block that contains an epoch. Its order is overwritten when another block is requested."""
        number = epoch // self.epochs_per_block
        if self._block is None or self._block.first_epoch != number * self.epochs_per_block:
            self._block = self._draw(number)
        return self._block

    def _draw(self, number: int) -> EpochBlock:
        """Draw a block. Batches whose weights are all 0 are left out: they make no step."""
        first_epoch, count = number * self.epochs_per_block, self._count(number)
        same_length = len(self._indices) == count
        if not same_length:
            self._indices = np.empty((count, self.samples), np.int64)
        self.orders(number, self._indices)
        if self._block is not None and same_length and self.weights is None:
            return self._block._replace(first_epoch=first_epoch)
        order = self._indices.ravel()
        batches = np.tile(self.epoch_batches, (count, 1))
        batches[:, 0] += np.repeat(np.arange(count) * self.samples, len(self.epoch_batches))
        weights = batch_weights(self.weights, order, batches)
        counts = weights > 0
        starts = np.concatenate([[0], np.cumsum(counts.reshape(count, -1).sum(axis=1))])
        return EpochBlock(first_epoch, order, batches[counts], weights[counts], starts)

    def _count(self, number: int) -> int:
        """The number of epochs of a block that are needed; a whole block where the run goes on after its end."""
        remaining = 0 if self.epochs is None else self.epochs - number * self.epochs_per_block
        return min(remaining, self.epochs_per_block) if remaining > 0 else self.epochs_per_block


def shuffled(key: tuple[int, int], shuffle: Callable[[Array, Array], None]) -> Orders:
    """Orders drawn from (seed, run) and the number of the block; `shuffle` is an executor's method."""

    def orders(number: int, indices: Array) -> None:
        bits = np.random.default_rng([*key, number]).bit_generator
        pairs = bits.random_raw((indices.size + 1) // 2)  # 64 bits are two draws
        shuffle(indices, pairs.view(np.uint32)[: indices.size].reshape(indices.shape))

    return orders


def in_order(number: int, indices: Array) -> None:
    """The samples in the order of the data, in every epoch."""
    indices[:] = np.arange(indices.shape[1])


def block_epochs(samples: int) -> int:
    """How many epochs of so many samples a block has."""
    return max(1, BLOCK_SAMPLES // samples)


def epoch_batches(samples: int, batch_size: int) -> Array:
    """(first, m) of each mini-batch of an epoch; the last one is smaller where the samples do not divide evenly."""
    first = np.arange(0, samples, batch_size, dtype=np.int64)
    return np.stack([first, np.minimum(batch_size, samples - first)], axis=1)


def batch_weights(weights: Array | None, order: Array, batches: Array) -> Array:
    """Σw of each mini-batch; without weights its number of samples."""
    if weights is None:
        return batches[:, 1].astype(np.float64)
    return np.add.reduceat(weights[order], batches[:, 0])
