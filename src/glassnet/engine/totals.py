"""Kernels that end a step: its cost, and the factor that clips its gradient.

Their operands differ in number, so row[3] holds how many addresses a row has; its settings come behind them.
"""

from __future__ import annotations

import math
from typing import Any

from numba.core import types

from glassnet.engine.identity import Identity
from glassnet.engine.simd import pointer

FIRST = 4  # the row's first address


def mean_cost(identity: Identity) -> Any:
    """C = Σ s·c / m + Σ penalties, in float64 and in order. Settings: has_s, number of penalties, units of each."""
    real, wide = getattr(types, identity.dtype), types.float64

    def mean_cost(row: Any, context: Any) -> None:
        settings, m = FIRST + row[3], context[2]
        if context[0] != 0:
            return
        has_s, penalties, c, total = row[settings], row[settings + 1], pointer(row[FIRST], wide), 0.0
        if has_s != 0:
            s = pointer(row[FIRST + 1], real)
            for i in range(m):
                total += wide(s[i]) * c[i]
            total /= m
        else:
            for i in range(m):
                total += c[i]
            total /= m
        place = FIRST + 1 + has_s
        for index in range(penalties):
            penalty = pointer(row[place + index], wide)
            for unit in range(row[settings + 2 + index]):
                total += penalty[unit]
        pointer(row[place + penalties], wide)[0] = total

    return mean_cost


def clip_scale(identity: Identity) -> Any:
    """min(1, limit / √Σ squares), 1 where they sum to 0. Settings: number of sums, units of each, the limit's index."""
    real, wide = getattr(types, identity.dtype), types.float64

    def clip_scale(row: Any, context: Any) -> None:
        settings, total = FIRST + row[3], 0.0
        if context[0] != 0:
            return
        count = row[settings]
        for index in range(count):
            squares = pointer(row[FIRST + index], wide)
            for unit in range(row[settings + 1 + index]):
                total += squares[unit]
        limit = wide(pointer(context[5], real)[row[settings + 1 + count]])
        factor = 1.0 if total == 0.0 else limit / math.sqrt(total)
        pointer(row[FIRST + count], real)[0] = real(1.0 if factor > 1.0 else factor)

    return clip_scale
