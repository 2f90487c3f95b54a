"""The frame of `glassnet train` around both kinds of model: read the file, train, save, draw, with a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from typer import Exit

from glassnet.cli.dataset import find_task, read_data_file
from glassnet.cli.interruption import INTERRUPTED, interrupted_once
from glassnet.cli.opened import Opened
from glassnet.cli.output_layer import keeps_units
from glassnet.cli.output_paths import make_folder
from glassnet.cli.printing import print_line
from glassnet.cli.progress_lines import ProgressLines, progress_lines
from glassnet.cli.saving import file_options, save_model
from glassnet.engine.signals import defer_signals
from glassnet.errors import counted

if TYPE_CHECKING:
    from glassnet.cli.train_request import TrainRequest
    from glassnet.tabular.model import TabularModel


def train_model(request: TrainRequest) -> None:
    """Train as requested and write the model file, which is left as it was unless a model was trained."""
    with interrupted_once(), progress_lines(request.progress) as lines:
        if request.streamed:
            from glassnet.cli.streamed_run import train_streamed

            model, draw, interrupted = train_streamed(request, lines)
        elif request.tabular is None:
            from glassnet.cli.training_run import train_network_on

            model, draw, interrupted = train_network_on(request, open_file(request), lines)
        else:
            from glassnet.cli.tabular_run import train_tabular_on

            model, draw, interrupted = train_tabular_on(request, open_file(request), lines)
        finish(model, request, lines)
        if interrupted:
            raise Exit(INTERRUPTED)
        if request.plots:
            draw(make_folder(request.plots))
        if request.report:
            from glassnet.cli.run_report import write_run_report

            write_run_report(model, make_folder(request.report), request.file)


def open_file(request: TrainRequest) -> Opened:
    """Read the file and print what it holds and what is learnt."""
    counts = request.network is not None and keeps_units(request.network.cost)
    data_file = read_data_file(request.source, request.target, request.reading)
    task, reason = find_task(data_file, request.task, counts=counts)
    hint = "" if request.task != "auto" else "; --task overrides"
    print_line("Data", f"{request.file}: {counted(len(data_file.values), 'row')}")
    classes = f", {counted(len(np.unique(data_file.values)), 'class', 'classes')}" if task == "classification" else ""
    print_line("Task", f"{task} of {data_file.target!r}{classes} ({reason}{hint})")
    kind = "plain network" if request.tabular is None else f"tabular model, preset {request.tabular.preset}"
    print_line("Method", f"{kind} ({request.reason})")
    return Opened(data_file, task)


def finish(model: TabularModel, request: TrainRequest, lines: ProgressLines) -> None:
    """Save the model and print its file."""
    model.training.update(file_options(request.reading))
    with defer_signals():
        save_model(model, request.out)
    print_line("Model", request.out)
    lines.event("saved", path=request.out)
