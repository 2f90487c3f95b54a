"""Checks of plain data that comes from a model file, which may be damaged or forged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassnet.tabular.out_of_holdout import Array


def real(value: Any) -> float:
    """A finite number. Raises ValueError for anything else."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("number")
    return float(value)


def matrix(value: Any, *shape: int) -> Array:
    """A finite float array of the given shape, where −1 is any size. Raises ValueError for anything else."""
    array = np.asarray(value)
    fits = len(array.shape) == len(shape) and all(
        want in (-1, is_) for want, is_ in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind != "f" or not fits or not np.isfinite(array).all():
        raise ValueError("array")
    return array


def text(value: Any) -> str:
    """A string. Raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError("text")
    return value
