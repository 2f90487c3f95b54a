"""The options of `glassnet train` for a tabular model, and their checks before any data is read."""

from __future__ import annotations

from typing import Any, NamedTuple

from glassnet.cli.train_options import check_precision
from glassnet.errors import ParameterError, unknown_name
from glassnet.training.settings import whole

CLASS_WEIGHTS = ("balanced",)
LOG_TARGETS = {"auto": None, "yes": True, "no": False}


class TabularOptions(NamedTuple):
    """The options, by the names of the command line."""

    preset: str = "default"
    metric: str = "auto"
    class_weight: str | None = None
    time_limit: float | None = None
    log_target: str = "auto"
    precision: str = "float32"
    seed: int = 0
    threads: int | None = None
    quiet: bool = False


def check_tabular_options(options: Any) -> None:
    """Check the options. Raises ParameterError (a ValueError) for one that cannot be used."""
    from glassnet.tabular.hyperparameters import PRESETS
    from glassnet.tabular.metrics import CLASS_METRICS, NUMBER_METRICS

    if options.preset not in PRESETS:
        raise unknown_name("preset", options.preset, PRESETS)
    known = ("auto", *CLASS_METRICS, *NUMBER_METRICS)
    if options.metric not in known:
        raise unknown_name("metric", options.metric, known)
    if options.class_weight not in (None, *CLASS_WEIGHTS):
        raise unknown_name("class weight", options.class_weight, CLASS_WEIGHTS)
    if options.log_target not in LOG_TARGETS:
        raise unknown_name("--log-target", options.log_target, LOG_TARGETS)
    check_precision(options.precision)
    if options.threads is not None:
        whole("threads", options.threads)
    if options.seed < 0:
        raise ParameterError(f"seed is {options.seed}; it must be 0 or more.")
