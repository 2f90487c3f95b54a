"""The order of the samples and the cutting into mini-batches: from a seed to what every step reads.

Orders are drawn for a block of epochs at once, from (seed, run, block) alone, so that a run can be taken up at any
step. How many epochs a block has depends on the number of samples only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from glassnet.program.parameters import Array

BLOCK = 1 << 18  # samples in the orders of one block, where an epoch has fewer

Orders = Callable[[int, Array], None]
"""orders(number, places) writes the orders of the epochs of the block of that number, as many as `places` (epochs,
samples), int64, has rows; the same whenever it is asked again."""


class Block(NamedTuple):
    """Some epochs in a row: their orders, one behind the other, and all their batches.

    `batches` are (first, m) with `first` counted in `order`; `weights` is Σw of each; the batches of the n-th epoch of
    the block are starts[n] .. starts[n + 1] − 1.
    """

    first_epoch: int
    order: Array
    batches: Array
    weights: Array
    starts: Array


class Plan:
    """What every step of a run reads.

    `orders` writes the orders of its epochs. Of the last block of a run of `epochs` only the epochs that it needs are
    drawn, which are those that a longer run begins with.
    """

    def __init__(
        self, samples: int, batch_size: int, weights: Array | None, orders: Orders, epochs: int | None = None
    ) -> None:
        self.samples, self.weights, self.orders = samples, weights, orders
        self.cuts = epoch_batches(samples, batch_size)
        self.epochs = max(1, BLOCK // samples)
        self.last = epochs
        self._places = np.empty((0, samples), np.int64)
        self._kept: Block | None = None

    def block(self, epoch: int) -> Block:
        """The block that an epoch lies in. Its order is overwritten when another one is asked for."""
        number = epoch // self.epochs
        if self._kept is None or self._kept.first_epoch != number * self.epochs:
            self._kept = self._block(number)
        return self._kept

    def _block(self, number: int) -> Block:
        """Batches whose weights are all 0 are left out: they make no step."""
        first_epoch, count = number * self.epochs, self._count(number)
        alike = len(self._places) == count
        if not alike:
            self._places = np.empty((count, self.samples), np.int64)
        self.orders(number, self._places)
        if self._kept is not None and alike and self.weights is None:
            return self._kept._replace(first_epoch=first_epoch)
        order = self._places.ravel()
        offsets = np.repeat(np.arange(count) * self.samples, len(self.cuts))
        batches = np.tile(self.cuts, (count, 1))
        batches[:, 0] += offsets
        weights = batch_weights(self.weights, order, batches)
        kept = weights > 0
        starts = np.concatenate([[0], np.cumsum(kept.reshape(count, -1).sum(axis=1))])
        return Block(first_epoch, order, batches[kept], weights[kept], starts)

    def _count(self, number: int) -> int:
        """How many epochs of a block are needed."""
        left = self.epochs if self.last is None else self.last - number * self.epochs
        return min(left, self.epochs) if left > 0 else self.epochs


def shuffled(key: tuple[int, int], shuffle: Callable[[Array, Array], None]) -> Orders:
    """Orders drawn from (seed, run) and the number of the block; `shuffle` is an executor's."""

    def orders(number: int, places: Array) -> None:
        bits = np.random.default_rng([*key, number]).bit_generator
        pairs = bits.random_raw((places.size + 1) // 2)  # 64 bits are two draws
        shuffle(places, pairs.view(np.uint32)[: places.size].reshape(places.shape))

    return orders


def in_order(number: int, places: Array) -> None:
    """The samples as they lie, in every epoch."""
    places[:] = np.arange(places.shape[1])


def epoch_batches(samples: int, batch_size: int) -> Array:
    """(first, m) of each mini-batch of an epoch; the last one is smaller where the samples do not divide."""
    first = np.arange(0, samples, batch_size, dtype=np.int64)
    return np.stack([first, np.minimum(batch_size, samples - first)], axis=1)


def batch_weights(weights: Array | None, order: Array, batches: Array) -> Array:
    """Σw of each mini-batch; without weights the number of its samples."""
    if weights is None:
        return batches[:, 1].astype(np.float64)
    return np.add.reduceat(weights[order], batches[:, 0])


def split_validation(samples: int, fraction: float, seed: int) -> tuple[Array, Array]:
    """Places for training and for validation: a share drawn from the seed, each in rising order."""
    held = np.random.default_rng([seed, 2**31]).permutation(samples)[: max(1, round(samples * fraction))]
    chosen = np.zeros(samples, bool)
    chosen[held] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
