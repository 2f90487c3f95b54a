"""The kernel that draws the orders of some epochs; `reference.shuffle_into` is its twin."""

from __future__ import annotations

from typing import Any

from numba.core import types

from glassnet.engine.identity import Identity
from glassnet.engine.simd import pointer, shift


def shuffle(identity: Identity) -> Any:
    """Shuffled lines, by Fisher and Yates from the inside out: i comes to ⌊draw·(i + 1)/2³²⌋, what was there to i.

    The words: [0] address of the lines (int64), [1] how many, [2] places in each, [3] address of their draws (uint32).
    """

    def shuffle(row: Any, context: Any) -> None:
        lines, count = row[1], row[2]
        for line in range(lines):
            places = shift(pointer(row[0], types.int64), line * count)
            draws = shift(pointer(row[3], types.uint32), line * count)
            for i in range(count):
                other = (types.int64(draws[i]) * (i + 1)) >> 32
                places[i] = places[other]
                places[other] = i

    return shuffle
