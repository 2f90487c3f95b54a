"""The arguments of `train`, checked once and every mistake named, before anything is changed.

They become a Recipe, which decides the numbers of a run, and a Run, which decides what else happens during it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.tables import optimizers, schedules
from glassnet.training.fit import Run
from glassnet.training.recipe import Recipe


def checked_recipe(
    dense: int, batch_size: Any, epochs: Any, lr: Any, optimizer: Any, schedule: Any, lr_factors: Any, **limits: Any
) -> Recipe:
    """A Recipe for `dense` dense layers; `limits` are patience, clip_norm and clip_value, each of which may be None."""
    checked_limits: dict[str, Any] = {
        name: None if value is None else (whole if name == "patience" else positive)(name, value)
        for name, value in limits.items()
    }
    return Recipe(
        batch_size=whole("batch_size", batch_size),
        epochs=whole("epochs", epochs),
        lr=positive("lr", lr),
        optimizer=optimizers.optimizer(optimizer),
        schedule=schedules.schedule("constant" if schedule is None else schedule),
        factors=_factors(lr_factors, dense),
        **checked_limits,
    )


def checked_run(time_limit: Any, callbacks: Any, verbose: Any, threads: Any) -> Run:
    """The Run that these arguments of `train` describe."""
    functions = tuple(callbacks) if isinstance(callbacks, Iterable) else (None,)
    if not all(map(callable, functions)):
        raise ParameterTypeError("callbacks must be a sequence of functions that take a Report.")
    if not (verbose is None or verbose in (0, 1)):
        raise ParameterError(f"verbose is {verbose!r}; it must be None, 0 or 1.")
    limit = None if time_limit is None else positive("time_limit", time_limit)
    return Run(functions, limit, verbose, threads=None if threads is None else whole("threads", threads))


def checked_seed(seed: Any) -> int:
    """The seed as a whole number of at least 0; None draws one."""
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    try:
        number = operator.index(seed)
        if isinstance(seed, bool):
            raise TypeError
    except TypeError:
        raise ParameterTypeError(f"seed must be a whole number or None, not {seed!r}.") from None
    if not 0 <= number < 2**63:
        raise ParameterError(f"seed is {number}; it must be at least 0 and below 2^63.")
    return number


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
        if isinstance(value, (bool, str)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterTypeError(f"{name} must be a number above 0, not {value!r}.") from None
    if not 0 < number < math.inf:
        raise ParameterError(f"{name} is {value!r}; it must be a finite number above 0.")
    return number


def _factors(factors: Any, dense: int) -> tuple[float, ...]:
    """One factor on the rate for each dense layer; 0 freezes a layer."""
    if factors is None:
        return ()
    try:
        factors = [float(factor) for factor in factors]
    except (TypeError, ValueError):
        raise ParameterTypeError(f"lr_factors must be {dense} numbers, one per dense layer, not {factors!r}.") from None
    if len(factors) != dense:
        raise ParameterError(f"lr_factors has {len(factors)} numbers, but the network has {dense} dense layers.")
    if not all(0 <= factor < math.inf for factor in factors):
        raise ParameterError(f"lr_factors is {factors!r}; each must be a finite number of at least 0.")
    return tuple(factors)
