"""The work of `glassnet train` with a tabular model: fit it, and collect what its file says of the training."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import __version__
from glassnet.cli.constant import constant_of
from glassnet.cli.opened import Opened
from glassnet.cli.progress_lines import ProgressLines
from glassnet.cli.saving import saved_on_failure
from glassnet.cli.tabular_options import LOG_TARGETS
from glassnet.cli.tabular_report import Follower, print_doubts, print_scores, print_trained
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget, TargetColumn, fit_target
from glassnet.errors import DataError, DivergedError, ParameterError
from glassnet.execution.executor import usable_precision
from glassnet.tabular.ensemble import Execution
from glassnet.tabular.fitting import Rows, Settings, fit_model
from glassnet.tabular.hyperparameters import CLASSES, NUMBERS, Hyperparameters, preset_hyperparameters
from glassnet.tabular.model import TabularModel

if TYPE_CHECKING:
    from glassnet.cli.tabular_options import TabularOptions
    from glassnet.cli.train_request import TrainRequest


def train_tabular_on(
    request: TrainRequest, opened: Opened, lines: ProgressLines
) -> tuple[TabularModel, Callable[[Path], None], bool]:
    """Train a tabular model; return it, what draws its pictures, and whether it was interrupted."""
    options, chooser = request.tabular, opened.data_file.chooser
    assert options is not None and chooser is not None
    plan = chosen_hyperparameters(options, opened)
    rows, started = fitted_rows(opened, options, plan), time.perf_counter()
    follower = Follower(opened.data_file, rows, lines)
    execution = Execution(options.threads, options.time_limit, 0 if options.quiet else 1, follower)
    try:
        fitted = fit_model(rows, chooser, Settings(plan, options.metric, options.seed, execution))
    except DivergedError as error:
        raise error.reworded("Look for extreme values with glassnet columns; no model file was written.") from error
    model = fitted.model
    model.training = summary(request, rows) | model.training
    with saved_on_failure(model, request):
        print_trained(model, time.perf_counter() - started)
        print_scores(fitted, rows, lines)
        print_doubts(fitted, opened.data_file, lines)

    def draw(folder: Path) -> None:
        from glassnet.cli.tabular_pictures import draw_pictures

        draw_pictures(fitted, rows, folder)

    return model, draw, model.training.get("stopped") == "interrupted"


def chosen_hyperparameters(options: TabularOptions, opened: Opened) -> Hyperparameters:
    """The hyperparameters of the preset for the table, with what the options overrule."""
    table, task = opened.data_file.data, CLASSES if opened.task == "classification" else NUMBERS
    assert isinstance(table, Table)
    plan = preset_hyperparameters(options.preset, task, table.rows, len(table.names) - 1)
    plan = plan._replace(precision=usable_precision(options.precision, "float32", "compiled"))
    if options.log_target == "auto":
        return plan
    if opened.task == "classification":
        raise ParameterError("--log-target is for quantities, but the task is classification; leave it out.")
    return plan._replace(log_target=LOG_TARGETS[options.log_target])


def fitted_rows(opened: Opened, options: TabularOptions, plan: Hyperparameters) -> Rows:
    """The raw columns without the target, and the encoded target with the weights of its classes."""
    data_file, table = opened.data_file, opened.data_file.data
    assert isinstance(table, Table)
    column, everything = (data_file.target, data_file.reading), np.arange(len(data_file.values))
    try:
        target = fit_target(column, data_file.values, everything, opened.task, log_target=plan.log_target)
    except DataError as error:
        raise DataError(str(error).replace("log_target=False", "--log-target no")) from None
    encoded = target.encode(data_file.values, data_file.location)
    columns = replace(table, data=table.data.drop_columns([data_file.target]))
    return Rows(columns, target, encoded, class_weights(encoded, options.class_weight, target))


def class_weights(encoded: Any, requested: str | None, target: TargetColumn) -> Any:
    """A weight per row, with which each class counts the same; None where none is asked for. Raises ParameterError."""
    if requested is None:
        return None
    if not isinstance(target, ClassTarget):
        raise ParameterError("--class-weight is for classes, but the task is regression; leave it out.")
    counts = np.bincount(encoded, minlength=len(target.classes))
    return (len(encoded) / (len(counts) * counts))[encoded]


def summary(request: TrainRequest, rows: Rows) -> dict[str, Any]:
    """What the model file says about the training beside what the fit itself says, as plain data."""
    options = request.tabular
    assert options is not None
    return {
        "glassnet": __version__,
        "file": os.path.basename(os.path.abspath(request.file)),
        "rows": rows.table.rows,
        "preset": options.preset,
        "class weight": options.class_weight or "none",
        "time limit": options.time_limit,
        **constant_of(rows.target, rows.y),
    }
