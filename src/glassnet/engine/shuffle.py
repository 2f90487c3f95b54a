"""The kernel that shuffles the orders of some epochs; `reference.shuffle_into` is its twin."""

from __future__ import annotations

from typing import Any

from numba.core import types

from glassnet.engine.identity import Identity
from glassnet.engine.simd import pointer, shift


def shuffle(identity: Identity) -> Any:
    """Fisher and Yates's shuffle of each line of places, from its end: place i and place ⌊draw·(i + 1)/2³²⌋ change.

    The words: [0] address of the lines (int64), [1] how many, [2] places in each, [3] address of their draws (uint32).
    """

    def shuffle(row: Any, context: Any) -> None:
        lines, count = row[1], row[2]
        for line in range(lines):
            places = shift(pointer(row[0], types.int64), line * count)
            draws = shift(pointer(row[3], types.uint32), line * count)
            for i in range(count - 1, 0, -1):
                other = (types.int64(draws[i]) * (i + 1)) >> 32
                place = places[i]
                places[i] = places[other]
                places[other] = place

    return shuffle
