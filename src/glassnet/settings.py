"""The words of `train` read once, every mistake named with its argument, before anything is changed.

They become a Recipe, which decides the numbers of a run, and a Run, which decides what else happens on the way.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.fitting import Run
from glassnet.tables import optimizers, schedules
from glassnet.training import Recipe


def checked_recipe(
    dense: int,
    *,
    batch_size: Any,
    epochs: Any,
    lr: Any,
    optimizer: Any,
    schedule: Any,
    lr_factors: Sequence[float] | None,
    **limits: Any,
) -> Recipe:
    """A Recipe for a network of `dense` layers; `limits` are patience, clip_norm and clip_value, each may be None."""
    found: dict[str, Any] = {
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
        **found,
    )


def checked_run(
    time_limit: Any, callbacks: Any, checkpoint: Any, every: Any, resume: Any, verbose: Any, threads: Any
) -> Run:
    """What a run does beside computing; `threads` never changes its numbers."""
    if callable(callbacks) or not all(map(callable, callbacks)):
        raise ParameterTypeError("callbacks must be a sequence of functions that take a Report.")
    if resume and checkpoint is None:
        raise ParameterError("resume=True needs checkpoint, the file to take the run up from.")
    if threads is not None:
        whole("threads", threads)
    return Run(
        callbacks=tuple(callbacks),
        time_limit=None if time_limit is None else positive("time_limit", time_limit),
        checkpoint=None if checkpoint is None else Path(checkpoint),
        every=whole("every", every),
        resume=bool(resume),
        verbose=verbose,
    )


def checked_seed(seed: Any) -> int:
    """The seed as a whole number of at least 0; None draws one."""
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    try:
        number = operator.index(seed)
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
