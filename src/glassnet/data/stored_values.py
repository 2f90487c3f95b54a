"""Checks of plain data that come from a file: numbers, texts and flags are what they are said to be, or ValueError."""

from __future__ import annotations

import math
from typing import Any, TypeVar

T = TypeVar("T")


def reals(values: Any) -> list[float]:
    """A list of finite numbers."""
    if not isinstance(values, list) or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise ValueError("numbers")
    return [float(value) for value in values]


def texts(values: Any) -> list[str]:
    """A list of texts."""
    return [typed(value, str) for value in typed(values, list)]


def typed(value: Any, kind: type[T]) -> T:
    """A value of the given type."""
    if not isinstance(value, kind):
        raise ValueError("names" if kind is str else "flags")
    return value
