"""Plain data for a model file, and checks of what comes from one, which may be damaged or forged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.data.stored_values import reals
from glassnet.tabular.out_of_holdout import Array


def real(value: Any) -> float:
    """A finite number. Raises ValueError for anything else."""
    return reals([value])[0]


def matrix(value: Any, *shape: int) -> Array:
    """A finite float array of the given shape, where −1 is any size. Raises ValueError for anything else."""
    array = np.asarray(value)
    fits = len(array.shape) == len(shape) and all(
        want in (-1, is_) for want, is_ in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind != "f" or not fits or not np.isfinite(array).all():
        raise ValueError("array")
    return array


def plain(value: Any) -> Any:
    """A summary as plain JSON data, with None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
