"""The average of what the lanes of a round have learnt: a binary tree of means that are weighted by rows.

The shape of the tree depends on the number of lanes only, and every mean is computed in float64 and rounded once, so
that the bits of the result do not depend on who computes which mean, or when.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from glassnet.program.parameters import Array
from glassnet.scale.round import LaneResult

T = TypeVar("T")
CHUNK = 1 << 14  # numbers whose mean is computed at a time, so that their float64 copies stay in cache


def tree_mean(count: int, leaf: Callable[[int], T | None], mean: Callable[[T, T], T]) -> T:
    """The mean of `count` leaves, by pairs of neighbours, pairs of pairs and so on; `mean` joins two of them.

    A leaf that is None (a lane that has nothing to do) leaves its neighbour as it is. `leaf` and `mean` may compute
    their result or only note that it has to be computed; they are called in such an order that few results wait to be
    joined, about as many as the tree has levels.
    """
    result = _subtree(0, 1 << max(count - 1, 0).bit_length(), count, leaf, mean)
    if result is None:
        raise ValueError("no lane of this round has anything to do")
    return result


def _subtree(first: int, size: int, count: int, leaf: Callable[[int], T | None], mean: Callable[[T, T], T]) -> T | None:
    """The mean of the leaves first .. first + size − 1, as far as there are so many; `size` is a power of 2."""
    if first >= count:
        return None
    if size == 1:
        return leaf(first)
    half = size // 2
    left = _subtree(first, half, count, leaf, mean)
    right = _subtree(first + half, half, count, leaf, mean)
    if left is None or right is None:
        return right if left is None else left
    return mean(left, right)


def mean_results(a: LaneResult, b: LaneResult) -> LaneResult:
    """(a.weight·a + b.weight·b) / (a.weight + b.weight) of every array; sums are added.

    Where a lane has diverged the result says so, and has no arrays: of several the first lane's sentence.
    """
    weight = a.weight + b.weight
    failure = a.failure or b.failure
    share = b.weight / weight if weight else 0.0
    arrays = {} if failure else {name: mean_array(a.arrays[name], b.arrays[name], share) for name in a.arrays}
    sums = (a.cost_sum + b.cost_sum, a.weight_sum + b.weight_sum, a.seconds + b.seconds)
    return LaneResult(weight, arrays, *sums, failure)


def mean_array(a: Array, b: Array, share: float) -> Array:
    """(1 − share)·a + share·b in float64, rounded to the dtype."""
    result, buffers = np.empty_like(a), np.empty((2, min(CHUNK, len(a))))
    for first in range(0, len(a), CHUNK):
        part = slice(first, first + CHUNK)
        left, right = buffers[:, : len(a[part])]
        np.multiply(a[part], 1.0 - share, out=left, dtype=np.float64)
        np.multiply(b[part], share, out=right, dtype=np.float64)
        result[part] = np.add(left, right, out=left)
    return result
