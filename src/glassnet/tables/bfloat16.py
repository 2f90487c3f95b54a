"""Rounding to bfloat16, float32's 8 bits of exponent with 8 binary digits instead of 24, written once.

A formula uses it as one operation: NumPy evaluates it here, `engine/formula_ir.py` emits the same bits as machine code.
"""

from __future__ import annotations

from typing import Any

import numpy as np

HALF, QUIET, KEPT = 0x7FFF, 0x0040_0000, 0xFFFF_0000  # below half of the last place; a quiet NaN; the bits that stay


def bfloat16(x: Any) -> Any:
    """x, float32, rounded to the nearest bfloat16, of two as near the even one, as float32 again; NaN stays NaN.

    In a formula it is one operation. What is beyond the largest bfloat16, 3.39e38, by half a place or more is infinite.
    """
    if hasattr(x, "tape"):
        return x.tape.add("bfloat16", x)
    numbers = np.asarray(x, np.float32)
    bits = numbers.view(np.uint32)
    with np.errstate(over="ignore"):
        nearest = bits + np.uint32(HALF) + (bits >> np.uint32(16) & np.uint32(1))
    kept = np.where(np.isnan(numbers), bits | np.uint32(QUIET), nearest) & np.uint32(KEPT)
    return kept.view(np.float32)
