"""The work of `glassnet train` on a file that does not fit in memory: a plain network learns it block by block."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import __version__
from glassnet.cli.available_memory import data_bytes, size_text
from glassnet.cli.constant import KEY as CONSTANT
from glassnet.cli.constant import MAX_CLASSES
from glassnet.cli.opened import print_notes, print_warnings
from glassnet.cli.output_layer import keeps_units
from glassnet.cli.printing import print_line
from glassnet.cli.progress_lines import ProgressLines
from glassnet.cli.saving import saved_on_failure
from glassnet.cli.train_options import TrainOptions, make_network, smaller_rate
from glassnet.cli.training_run import print_finding, train_arguments, write_plots
from glassnet.data.reading import file_kind
from glassnet.data.streamed_arrays import StreamedArrays, streamed_arrays, targets_file
from glassnet.data.streamed_table import StreamedTable, streamed_table
from glassnet.data.target import ClassTarget
from glassnet.errors import DivergedError, ParameterError, counted
from glassnet.network import NeuralNetwork
from glassnet.tables.optimizers import optimizer
from glassnet.tables.schedules import schedule
from glassnet.tabular.member import Member
from glassnet.tabular.model import TabularModel
from glassnet.training.history import History

if TYPE_CHECKING:
    from glassnet.cli.train_request import TrainRequest

StreamedData = StreamedTable | StreamedArrays


def train_streamed(request: TrainRequest, lines: ProgressLines) -> tuple[TabularModel, Callable[[Path], None], bool]:
    """Train a plain network; return it, what draws its pictures, and whether it was interrupted."""
    options = request.network
    assert options is not None
    table = _opened(request, options)
    network = make_network(table.preparation.width, table.target, options)
    print_line("Inputs", table.preparation.summary())
    print_notes(table.notes, request.file, lines)
    print_line("Network", repr(network))
    held_out = round(table.count * options.validation)
    rest = f"; about {held_out:,} for validation" if held_out else ", none for validation"
    print_line("Training", f"{table.count - held_out:,} rows{rest}, in shuffled blocks")
    rows, inputs = table.count - held_out, table.preparation.width
    lines.event("start", model="network", rows=rows, inputs=inputs, members=1, epochs=options.epochs)
    try:
        history = _train(network, table, options, lines)
    except DivergedError as error:
        raise error.reworded(f"{smaller_rate(options)}; no model file was written.") from error
    summary = _summary(table, options, history, request.file)
    model = TabularModel(table.preparation, table.target, [Member(network)], summary)
    with saved_on_failure(model, request):
        _print_result(history, lines)
        print_finding(model)
    return model, lambda folder: write_plots(history, folder), history.stopped == "interrupted"


def _opened(request: TrainRequest, options: TrainOptions) -> StreamedData:
    """Make the first pass through the file, and print what it holds and what is learnt."""
    is_of_arrays = file_kind(request.file) == "npy"
    if is_of_arrays:
        targets_file(request.file, request.target)
    elif request.target is None:
        raise ParameterError("--target is missing: the column of the table that is to be predicted.")
    units = keeps_units(options.cost)
    task = "regression" if units and request.task == "auto" else request.task
    print_line(
        "Data",
        f"{request.file}: {size_text(data_bytes(request.file))}, read block by block, after a first pass",
    )
    table: StreamedData
    if is_of_arrays:
        table = streamed_arrays(request.file, request.target, task, standardise=not units)
    else:
        assert request.target is not None
        table = streamed_table(request.file, request.target, request.reading, task=task, standardise=not units)
    name, classes = table.target.name, ""
    if isinstance(table.target, ClassTarget):
        classes = f", {counted(len(table.target.classes), 'class', 'classes')}"
    hint = "" if request.task != "auto" else "; --task overrides"
    print_line("Rows", f"{table.count:,}")
    print_line("Task", f"{table.target.kind} of {name!r}{classes} ({table.task_reason}{hint})")
    print_line("Method", f"plain network ({request.reason})")
    return table


def _train(network: NeuralNetwork, table: StreamedData, options: TrainOptions, lines: ProgressLines) -> History:
    """Train; the held-out rows decide which epoch's weights are kept and when training stops."""
    data: Any = table  # open already; train takes it for this command alone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # they are printed from the History
        return network.train(
            data,
            table.target.name,
            validation=options.validation or None,
            **train_arguments(options, lines, validated=bool(options.validation)),
        )


def _print_result(history: History, lines: ProgressLines) -> None:
    """Print how training went, and what the held-out rows say of the epoch that is kept."""
    seconds = history[-1].seconds if len(history) else 0.0
    best = f"; epoch {history.best_epoch} was the best and is kept" if history.best_epoch else ""
    reason = f" ({history.stopped})" if history.stopped else ""
    print_line("Trained", f"{counted(len(history), 'epoch')} in {seconds:.1f} s{best}{reason}")
    if history.best_epoch:
        report = history[history.best_epoch - 1]
        accuracy = "" if report.accuracy is None else f"accuracy {report.accuracy:.1%}, "
        text = f"{accuracy}cost {report.validation_cost:.4g} (optimistic: these rows chose the epoch)"
        print_line("Validation", text)
        scores = {"cost": report.validation_cost} | ({"accuracy": report.accuracy} if accuracy else {})
        lines.event("scores", rows="validation", scores=scores)
    print_warnings(history.warnings, lines)


def _summary(table: StreamedData, options: TrainOptions, history: History, file: str) -> dict[str, Any]:
    """What the model file says about the training, as plain data."""
    names = ("lr", "batch_size", "patience", "validation", "seed")
    held_out = round(table.count * options.validation)
    return {
        "glassnet": __version__,
        "file": os.path.basename(os.path.abspath(file)),
        "rows": table.count - held_out,
        "validation rows": held_out,
        "epochs": len(history),
        "best epoch": history.best_epoch,
        "stopped": history.stopped,
        "optimizer": optimizer(options.optimizer).name,
        "schedule": schedule(options.schedule).name,
        **{name: getattr(options, name) for name in names},
        **_constant(table),
    }


def _constant(table: StreamedData) -> dict[str, Any]:
    """The rows of each class, or the mean of the quantity."""
    if not isinstance(table.target, ClassTarget):
        return {CONSTANT: np.mean(table.target.decode(np.zeros((1, 1))), axis=0).tolist()}
    if table.class_counts is None or len(table.target.classes) > MAX_CLASSES:
        return {}
    return {CONSTANT: [int(count) for count in table.class_counts]}
