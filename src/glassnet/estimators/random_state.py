"""Random numbers in scikit-learn's order: the same RandomState gives the same initial weights, split and mini-batches.

A fit draws the weights and biases of each layer in turn, then the validation samples for early stopping, then one
shuffle per epoch. Source: scikit-learn's _multilayer_perceptron.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def initial_weights(rng: np.random.RandomState, widths: Sequence[int], logistic: bool) -> list[tuple[Array, Array]]:
    """(weights (fan_in, fan_out), biases (fan_out,)) of each layer in float64, uniform within Glorot & Bengio's limit.

    The limit is √(6 / (fan_in + fan_out)), or √(2 / ...) where the hidden layers are logistic.
    """
    layers = []
    for fan_in, fan_out in pairwise(widths):
        limit = sqrt((2 if logistic else 6) / (fan_in + fan_out))
        weights = rng.uniform(-limit, limit, (fan_in, fan_out))
        layers.append((weights, rng.uniform(-limit, limit, fan_out)))
    return layers


class Shuffles:
    """The sample order of each epoch: every epoch shuffles the order of the previous one.

    `indices` are the training samples. Orders are drawn one block of epochs at a time, ahead of training; `finish` sets
    the RandomState to where it would be had it drawn only the epochs that ran.
    """

    def __init__(self, rng: np.random.RandomState, indices: Array) -> None:
        self.rng, self.indices = rng, indices
        self.block_state = self.initial_state = rng.get_state(legacy=False)
        self.epochs_per_block = 0  # the last block may have fewer
        self._rewind()

    def _rewind(self) -> None:
        """Return to the start of the first epoch."""
        self.order, self.blocks, self.first_epoch, self.epochs_drawn = self.indices.copy(), 0, 0, 0

    def __call__(self, number: int, orders: Array) -> None:
        """Write the orders of block `number`; to repeat an earlier block, draw again from the beginning."""
        self.epochs_per_block = max(self.epochs_per_block, len(orders))
        if number < self.blocks:
            self.rng.set_state(self.initial_state)
            self._rewind()
        while self.blocks < number:
            self._draw_block(np.empty((self.epochs_per_block, len(self.indices)), np.int64))
        self._draw_block(orders)

    def _draw_block(self, orders: Array) -> None:
        self.block_state, self.first_epoch = self.rng.get_state(legacy=False), self.blocks * self.epochs_per_block
        self.blocks += 1
        self.epochs_drawn = self.first_epoch + len(orders)
        for order in orders:
            self.rng.shuffle(self.order)
            order[:] = self.order

    def finish(self, epochs: int) -> None:
        """Set the RandomState to its state after `epochs` epochs, which end in the block drawn last."""
        if epochs == self.epochs_drawn:
            return
        self.rng.set_state(self.block_state)
        for _ in range(self.first_epoch, epochs):
            self.rng.shuffle(self.order)
