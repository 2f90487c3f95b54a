"""The arguments of `train`, checked once and every mistake named, before anything is changed.

They become a Recipe, which decides the numbers of a run, and a Run, which decides what else happens during it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from glassnet.array_likes import short_repr, to_float
from glassnet.errors import ParameterError, ParameterTypeError, unknown_name
from glassnet.program.parameters import Segment
from glassnet.program.updates import StepOptions
from glassnet.tables import optimizers, schedules
from glassnet.training.fit import Run
from glassnet.training.recipe import Recipe
from glassnet.training.validation import metric_name

Factors = Sequence[float] | Mapping[str, float] | None


def checked_recipe(
    segments: Sequence[Segment], batch_size: Any, epochs: Any, lr: Any, options: Mapping[str, Any]
) -> Recipe:
    """A Recipe for a network with these segments of parameters.

    `options` are optimizer, schedule, lr_factors, decay_factors, decay_schedule, dropout_schedule, patience, clip_norm,
    clip_value, max_norm and validation_metric, all but the first of which may be None.
    """
    checks = {"patience": whole, **dict.fromkeys(("clip_norm", "clip_value", "max_norm"), positive)}
    given = {name: options.get(name) for name in checks}
    limits: dict[str, Any] = {name: None if given[name] is None else checks[name](name, given[name]) for name in checks}
    factors = {name: _factors(name, options.get(name), segments) for name in ("lr_factors", "decay_factors")}
    return Recipe(
        batch_size=whole("batch_size", batch_size),
        epochs=whole("epochs", epochs),
        lr=positive("lr", lr),
        optimizer=_checked_optimizer(options),
        schedule=_schedule(options.get("schedule")),
        factors=factors["lr_factors"],
        decay_factors=factors["decay_factors"],
        decay_schedule=_schedule(options.get("decay_schedule")),
        dropout_schedule=_dropout_schedule(options.get("dropout_schedule")),
        validation_metric=metric_name(options.get("validation_metric")),
        **limits,
    )


def _schedule(schedule: Any) -> schedules.Schedule:
    return schedules.schedule("constant" if schedule is None else schedule)


def _dropout_schedule(given: Any) -> schedules.Schedule | None:
    """The schedule of the rates of dropout. Raises ParameterError for one that leaves 0 to 1; None for None."""
    if given is None:
        return None
    result, steps = schedules.schedule(given), 1000
    factors = result.rates(1.0, np.arange(steps), steps, steps // 10)
    if not (factors.min() >= 0 and factors.max() <= 1):
        low, high = factors.min(), factors.max()
        fault = f"dropout_schedule {result.name} multiplies the rates by {low:.3g} to {high:.3g}"
        raise ParameterError(f"{fault}; it must stay between 0 and 1, as flat_cos does.")
    return result


def _checked_optimizer(options: Mapping[str, Any]) -> optimizers.Optimizer:
    """The optimiser. Raises ParameterError for a factor on a weight decay that it does not have."""
    result = optimizers.optimizer(options["optimizer"])
    given = [name for name in ("decay_factors", "decay_schedule") if options.get(name) is not None]
    if given and not StepOptions(result).decays:
        raise ParameterError(f"{given[0]} needs an optimizer with weight decay, such as AdamW; {result.name} has none.")
    return result


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
        raise ParameterTypeError(f"seed must be a whole number or None, not {short_repr(seed)}.") from None
    if not 0 <= number < 2**63:
        raise ParameterError(f"seed is {short_repr(number)}; it must be at least 0 and below 2^63.")
    return number


def whole(name: str, value: Any) -> int:
    """A whole number of at least 1."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ParameterTypeError(f"{name} must be a whole number of at least 1, not {short_repr(value)}.") from None
    if isinstance(value, bool) or number < 1:
        raise ParameterError(f"{name} is {short_repr(value)}; it must be a whole number of at least 1.")
    return number


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    try:
        if isinstance(value, (bool, str)):
            raise TypeError
        number = to_float(value)
    except (TypeError, ValueError):
        raise ParameterTypeError(f"{name} must be a number above 0, not {short_repr(value)}.") from None
    if not 0 < number < math.inf:
        raise ParameterError(f"{name} is {short_repr(value)}; it must be a finite number above 0.")
    return number


def _factors(name: str, factors: Any, segments: Sequence[Segment]) -> tuple[float, ...]:
    """One factor for each segment, from one per dense layer or from a mapping of names; none where it is None."""
    if factors is None:
        return ()
    if isinstance(factors, Mapping):
        return _named_factors(name, factors, segments)
    dense = sum(segment.is_weight for segment in segments)
    try:
        numbers = [to_float(factor) for factor in factors]
    except (TypeError, ValueError):
        kinds = f"{dense} numbers, one per dense layer, or a dict such as {{'biases': 0.1}}"
        raise ParameterTypeError(f"{name} must be {kinds}, not {short_repr(factors)}.") from None
    if len(numbers) != dense:
        raise ParameterError(f"{name} has {len(numbers)} numbers, but the network has {dense} dense layers.")
    _check_factors(name, numbers, factors)
    return tuple(numbers[max(segment.layer, 1) - 1] for segment in segments)


def _named_factors(name: str, factors: Mapping[Any, Any], segments: Sequence[Segment]) -> tuple[float, ...]:
    """One factor for each segment: under its own name, its layer's, "weights" or "biases"; else the usual one."""
    names = list(dict.fromkeys(name for segment in segments for name in (segment.name, _kind(segment))))
    names = [name for name in names if name not in ("weights", "biases")]
    for key in factors:
        if key not in (*names, "weights", "biases"):
            raise unknown_name(f"{name}: the segment", str(key), ["weights", "biases", *names])
    try:
        numbers = {key: to_float(factor) for key, factor in factors.items()}
    except (TypeError, ValueError):
        raise ParameterTypeError(f"{name} must map names to numbers, not {short_repr(factors)}.") from None
    _check_factors(name, list(numbers.values()), factors)
    usual = {segment: float(segment.is_weight or name == "lr_factors") for segment in segments}
    return tuple(numbers.get(each.name, numbers.get(_kind(each), usual[each])) for each in segments)


def _kind(segment: Segment) -> str:
    """The name for all segments of its kind: the layer's for the parameters of a layer between the dense ones."""
    if segment.is_weight or segment.name == f"b{segment.layer}":
        return "weights" if segment.is_weight else "biases"
    return segment.name.rpartition("_")[0]


def _check_factors(name: str, numbers: list[float], given: Any) -> None:
    if not all(0 <= number < math.inf for number in numbers):
        raise ParameterError(f"{name} is {short_repr(given)}; each must be a finite number of at least 0.")
