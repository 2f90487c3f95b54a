"""The kernel that draws the orders of some epochs; `reference.shuffle_into` is its NumPy twin."""

from __future__ import annotations

from typing import Any

from numba.core import types

from glassnet.engine.kernel_functions import advance, as_pointer
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import SHUFFLE


def shuffle(spec: KernelSpec) -> Any:
    """One order per epoch, by the inside-out Fisher-Yates shuffle: i goes to ⌊draw·(i + 1)/2³²⌋, what was there to i.

    The slots: `layout.SHUFFLE`; orders are int64 and draws uint32, both (epochs, samples).
    """

    def shuffle(slots: Any, context: Any) -> None:
        epochs, samples = slots[SHUFFLE.epochs], slots[SHUFFLE.samples]
        for epoch in range(epochs):
            order = advance(as_pointer(slots[SHUFFLE.orders], types.int64), epoch * samples)
            draws = advance(as_pointer(slots[SHUFFLE.draws], types.uint32), epoch * samples)
            for i in range(samples):
                other = (types.int64(draws[i]) * (i + 1)) >> 32
                order[i] = order[other]
                order[other] = i

    return shuffle
