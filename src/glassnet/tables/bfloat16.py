"""Rounding to bfloat16, float32's 8 bits of exponent with 8 binary digits instead of 24, written once.

NumPy evaluates it here; `engine/rounding.py` emits the same bits as machine code.
"""

from __future__ import annotations

from typing import Any

import numpy as np

HALF, QUIET = 0x7FFF, 0x0040_0000  # just below half of the last place; what makes a NaN quiet
HIGH_BITS = 0xFFFF_0000  # those of a bfloat16
SIGN, EXPONENT = 0x8000_0000, 0x7F80_0000


def bfloat16(x: Any) -> Any:
    """x, float32, rounded to the nearest bfloat16, of two as near the even one, as float32 again; NaN stays NaN.

    What is beyond the largest bfloat16, 3.39e38, by half a place or more is infinite; a number below the smallest
    normal one, 1.18e-38, is 0. Both are as the instruction VCVTNEPS2BF16 does it (Intel's manual, volume 2C).
    """
    numbers = np.asarray(x, np.float32)
    bits = numbers.view(np.uint32)
    with np.errstate(over="ignore"):
        nearest = bits + np.uint32(HALF) + (bits >> np.uint32(16) & np.uint32(1))
    normal = np.where(np.isnan(numbers), bits | np.uint32(QUIET), nearest) & np.uint32(HIGH_BITS)
    return np.where(bits & np.uint32(EXPONENT), normal, bits & np.uint32(SIGN)).view(np.float32)
