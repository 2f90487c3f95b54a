"""The orders of the epochs: the engine shuffles as NumPy does, all orders are as likely, each block has its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from glassnet.batches.mini_batches import BLOCK_SAMPLES, BatchPlan, shuffled
from glassnet.engine import address
from glassnet.execution.reference import shuffle_into
from tests.twins.kernel_calls import call_kernel

Array = np.ndarray[Any, Any]


def compiled(order: Array, draws: Array) -> None:
    """The engine's kernel."""
    call_kernel(address("shuffle", ""), [order.ctypes.data, *order.shape, draws.ctypes.data])


@pytest.mark.parametrize(("epochs", "samples"), [(1, 1), (5, 1), (3, 2), (7, 10), (2, 1000), (1, 70_000)])
def test_the_engine_shuffles_as_numpy_does(epochs: int, samples: int) -> None:
    draws = np.random.default_rng(0).integers(0, 1 << 32, (epochs, samples), np.uint32)
    draws[0, :: 1 + samples // 3] = 0xFFFFFFFF
    draws[-1, 1 :: 1 + samples // 3] = 0
    one, two = (np.full((epochs, samples), -1) for _ in range(2))
    compiled(one, draws)
    shuffle_into(two, draws)
    assert one.tobytes() == two.tobytes()
    assert (np.sort(one, axis=1) == np.arange(samples)).all()


def test_all_orders_are_as_likely() -> None:
    plan = BatchPlan(4, 2, None, shuffled((5, 0), compiled))
    orders = plan.block(0).order.reshape(-1, 4)
    counts = Counter(map(tuple, orders.tolist()))
    expected = len(orders) / 24
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    assert len(counts) == 24 and chi_square < 49.7, "once in a thousand seeds it is larger (23 degrees of freedom)"


@pytest.mark.parametrize("weights", [None, np.r_[np.zeros(4), np.arange(9.0)]])
def test_a_block_depends_on_its_number_alone(weights: Array | None) -> None:
    def parts(plan: BatchPlan, epoch: int) -> list[bytes]:
        return [np.asarray(part).tobytes() for part in plan.block(epoch)]

    def plan(key: tuple[int, int] = (1, 2)) -> BatchPlan:
        return BatchPlan(13, 2, weights, shuffled(key, compiled))

    second, in_order = BLOCK_SAMPLES // 13, plan()
    blocks = [parts(in_order, epoch) for epoch in (0, 1, second, 3 * second, 0)]
    assert blocks[0] == blocks[1] == blocks[-1] != blocks[2] != blocks[3]
    assert [parts(plan(), epoch) for epoch in (second, 3 * second)] == blocks[2:4]
    assert parts(plan((2, 2)), 0) != blocks[0] != parts(plan((1, 3)), 0)


@pytest.mark.parametrize("epochs", [1, 5, BLOCK_SAMPLES // 9, BLOCK_SAMPLES // 9 + 3])
def test_a_short_run_begins_like_a_longer_one(epochs: int) -> None:
    whole, short = (BatchPlan(9, 2, None, shuffled((1, 2), compiled), last) for last in (None, epochs))
    for epoch in range(0, epochs, max(1, epochs // 5)):
        long_block, short_block = whole.block(epoch), short.block(epoch)
        order, starts = short_block.order, short_block.starts
        assert (order == long_block.order[: len(order)]).all() and (starts == long_block.starts[: len(starts)]).all()
        assert len(order) == 9 * min(BLOCK_SAMPLES // 9, epochs - short_block.first_epoch)
