"""Chance as scikit-learn draws it: with the same RandomState the same first weights, split and mini-batches.

It draws in this order: each layer's weights, then its biases; the samples held out for early stopping; one shuffle an
epoch. Its source is scikit-learn's _multilayer_perceptron.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def first_weights(rng: np.random.RandomState, widths: Sequence[int], logistic: bool) -> list[tuple[Array, Array]]:
    """(weights (fan_in, fan_out), biases (fan_out,)) of each layer, float64, uniform within Glorot & Bengio's limit.

    The limit is √(6 / (fan_in + fan_out)), and √(2 / ...) where the hidden layers are logistic.
    """
    drawn = []
    for fan_in, fan_out in pairwise(widths):
        limit = sqrt((2 if logistic else 6) / (fan_in + fan_out))
        weights = rng.uniform(-limit, limit, (fan_in, fan_out))
        drawn.append((weights, rng.uniform(-limit, limit, fan_out)))
    return drawn


class Shuffles:
    """The orders of a run's epochs: each shuffles the one before. `places` are the samples that are trained on.

    Blocks of epochs are drawn ahead; `finish` brings the RandomState back to where it stands after the epochs that were
    run.
    """

    def __init__(self, rng: np.random.RandomState, places: Array) -> None:
        self.rng, self.places = rng, places
        self.state = self.first_state = rng.get_state(legacy=False)
        self.full = 0  # epochs of a block; the last one may have fewer
        self._start()

    def _start(self) -> None:
        """Stand before the first epoch."""
        self.order, self.blocks, self.first_epoch, self.drawn = self.places.copy(), 0, 0, 0

    def __call__(self, number: int, places: Array) -> None:
        """Write the orders of a block; an earlier one is drawn again from the beginning."""
        self.full = max(self.full, len(places))
        if number < self.blocks:
            self.rng.set_state(self.first_state)
            self._start()
        while self.blocks < number:
            self._next(np.empty((self.full, len(self.places)), np.int64))
        self._next(places)

    def _next(self, orders: Array) -> None:
        """Write the orders of the next block."""
        self.state, self.first_epoch = self.rng.get_state(legacy=False), self.blocks * self.full
        self.blocks += 1
        self.drawn = self.first_epoch + len(orders)
        for order in orders:
            self.rng.shuffle(self.order)
            order[:] = self.order

    def finish(self, epochs: int) -> None:
        """Leave the RandomState as it is after so many epochs, none of them before the block drawn last."""
        if epochs == self.drawn:
            return
        self.rng.set_state(self.state)
        for _ in range(self.first_epoch, epochs):
            self.rng.shuffle(self.order)
