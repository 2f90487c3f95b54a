"""The words of `train` read once into a Recipe, every mistake named with its argument."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.tables.optimizers import optimizer
from glassnet.tables.schedules import schedule
from glassnet.training import Recipe


def checked_recipe(
    batch_size: Any, epochs: Any, lr: Any, optimizer_row: Any, schedule_row: Any, patience: Any, clip_norm: Any, clip_value: Any,
    lr_factors: Sequence[float] | None, dense: int,
) -> Recipe:  # fmt: skip
    """A Recipe of checked values; raises ValueError or TypeError, one sentence, before anything is changed."""
    return Recipe(
        batch_size=whole("batch_size", batch_size),
        epochs=whole("epochs", epochs),
        lr=positive("lr", lr),
        optimizer=optimizer(optimizer_row),
        schedule=schedule("constant" if schedule_row is None else schedule_row),
        patience=None if patience is None else whole("patience", patience),
        clip_norm=None if clip_norm is None else positive("clip_norm", clip_norm),
        clip_value=None if clip_value is None else positive("clip_value", clip_value),
        factors=_factors(lr_factors, dense),
    )


def whole(name: str, value: Any) -> int:
    """A whole number of at least 1."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ParameterTypeError(f"{name} must be a whole number of at least 1, not {value!r}.") from None
    if isinstance(value, bool) or number < 1:
        raise ParameterError(f"{name} is {value!r}; it must be a whole number of at least 1.")
    return number


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterTypeError(f"{name} must be a number above 0, not {value!r}.") from None
    if isinstance(value, (bool, str)) or not 0 < number < math.inf:
        raise ParameterError(f"{name} is {value!r}; it must be a finite number above 0.")
    return number


def _factors(factors: Sequence[float] | None, dense: int) -> tuple[float, ...]:
    """One factor on the rate for each dense layer; 0 keeps a layer as it is."""
    if factors is None:
        return ()
    if len(factors) != dense:
        raise ParameterError(f"lr_factors has {len(factors)} numbers, but the network has {dense} dense layers.")
    if not all(isinstance(f, (int, float)) and 0 <= f < math.inf for f in factors):
        raise ParameterError(f"lr_factors is {list(factors)!r}; each must be a finite number of at least 0.")
    return tuple(map(float, factors))
