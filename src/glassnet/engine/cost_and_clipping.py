"""Kernels that end a step: its cost, and the factor that clips its gradient.

Their operands differ in number, so the row's width is the number of operands; the settings follow them.
"""

from __future__ import annotations

import math
from typing import Any

from numba.core import types

from glassnet.engine.kernel_functions import as_pointer
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import CLIP_SCALE, CONTEXT, FIRST_OPERAND, MEAN_COST, ROW


def mean_cost(spec: KernelSpec) -> Any:
    """C = Σ s·c / m + Σ penalties, in float64 and in order. The operands: c, s where weighted, penalties, C."""
    real, wide = getattr(types, spec.dtype), types.float64

    def mean_cost(row: Any, context: Any) -> None:
        settings, m = FIRST_OPERAND + row[ROW.width], context[CONTEXT.samples]
        if context[CONTEXT.thread] != 0:
            return
        weighted, penalties = row[settings + MEAN_COST.weighted], row[settings + MEAN_COST.penalties]
        c, total = as_pointer(row[FIRST_OPERAND], wide), 0.0
        if weighted != 0:
            s = as_pointer(row[FIRST_OPERAND + 1], real)
            for i in range(m):
                total += wide(s[i]) * c[i]
            total /= m
        else:
            for i in range(m):
                total += c[i]
            total /= m
        first = FIRST_OPERAND + 1 + weighted
        for index in range(penalties):
            penalty = as_pointer(row[first + index], wide)
            for unit in range(row[settings + MEAN_COST.units + index]):
                total += penalty[unit]
        as_pointer(row[first + penalties], wide)[0] = total

    return mean_cost


def clip_scale(spec: KernelSpec) -> Any:
    """min(1, limit / √Σ squares), 1 where they sum to 0. The operands: sums of squares, the factor."""
    real, wide = getattr(types, spec.dtype), types.float64

    def clip_scale(row: Any, context: Any) -> None:
        settings, total = FIRST_OPERAND + row[ROW.width], 0.0
        if context[CONTEXT.thread] != 0:
            return
        count = row[settings + CLIP_SCALE.sums]
        for index in range(count):
            squares = as_pointer(row[FIRST_OPERAND + index], wide)
            for unit in range(row[settings + CLIP_SCALE.units + index]):
                total += squares[unit]
        limit = wide(as_pointer(context[CONTEXT.scalars], real)[row[settings + CLIP_SCALE.units + count]])
        factor = 1.0 if total == 0.0 else limit / math.sqrt(total)
        as_pointer(row[FIRST_OPERAND + count], real)[0] = real(1.0 if factor > 1.0 else factor)

    return clip_scale
