"""Orders from an estimator's random state: those of scikit-learn, and the same ones when a block is drawn again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils import shuffle

from glassnet.batches.mini_batches import BatchPlan
from glassnet.estimators.random_state import Shuffles

Array = np.ndarray[Any, Any]


def shuffles_of_scikit_learn(samples: int, epochs: int, seed: int) -> list[Array]:
    """The orders that its loop over the epochs reads."""
    rng, order, orders = np.random.RandomState(seed), np.arange(samples), []
    for _ in range(epochs):
        order = shuffle(order, random_state=rng)
        orders.append(order)
    return orders


@pytest.mark.parametrize("samples", [1, 7, 30000])
def test_shuffles_are_scikit_learns(samples: int) -> None:
    plan = BatchPlan(samples, 5, None, Shuffles(np.random.RandomState(8), np.arange(samples)))
    for epoch, expected in enumerate(shuffles_of_scikit_learn(samples, 9, 8)):
        block = plan.block(epoch)
        first = (epoch - block.first_epoch) * samples
        np.testing.assert_array_equal(block.order[first : first + samples], expected)


def block(orders: Shuffles, number: int, epochs: int, samples: int) -> Array:
    """The orders of a block."""
    indices = np.empty((epochs, samples), np.int64)
    orders(number, indices)
    return indices


def test_an_earlier_block_is_the_same_when_drawn_again() -> None:
    orders = Shuffles(np.random.RandomState(0), np.array([4, 2, 9]))
    first, later = block(orders, 0, 2, 3), block(orders, 3, 1, 3)
    np.testing.assert_array_equal(block(orders, 0, 2, 3), first)
    np.testing.assert_array_equal(block(orders, 3, 1, 3), later)
    assert sorted(first[0]) == [2, 4, 9] and not np.array_equal(first, later)


@pytest.mark.parametrize("epochs", [7, 8, 9])
def test_the_random_state_ends_after_the_epochs_that_were_run(epochs: int) -> None:
    rng, expected = np.random.RandomState(1), np.random.RandomState(1)
    orders = Shuffles(rng, np.arange(20))
    for number in range(3):
        block(orders, number, 3, 20)  # three epochs per block: epochs 6 to 8 are drawn ahead
    orders.finish(epochs)
    for _ in range(epochs):
        shuffle(np.arange(20), random_state=expected)
    assert rng.randint(2**31) == expected.randint(2**31)
