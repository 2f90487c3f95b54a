"""A data file as it is opened for a training: read, with its task, and what is printed of it and of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glassnet.cli.dataset import DataFile, find_task, read_data_file
from glassnet.cli.output_layer import keeps_units
from glassnet.cli.printing import print_line
from glassnet.errors import counted

if TYPE_CHECKING:
    from glassnet.cli.train_request import TrainRequest

MAX_NOTES = 20


class Opened(NamedTuple):
    """A file that has been read, with its task, "classification" or "regression"."""

    data_file: DataFile
    task: str


def open_file(request: TrainRequest) -> Opened:
    """Read the file and print what it holds and what is learnt.."""
    counts = request.network is not None and keeps_units(request.network.cost)
    data_file = read_data_file(request.file, request.target, request.reading)
    task, reason = find_task(data_file, request.task, counts=counts)
    hint = "" if request.task != "auto" else "; --task overrides"
    print_line("Data", f"{request.file}: {counted(len(data_file.values), 'row')}")
    classes = f", {counted(len(np.unique(data_file.values)), 'class', 'classes')}" if task == "classification" else ""
    print_line("Task", f"{task} of {data_file.target!r}{classes} ({reason}{hint})")
    kind = "plain network" if request.tabular is None else f"tabular model, preset {request.tabular.preset}"
    print_line("Method", f"{kind} ({request.reason})")
    return Opened(data_file, task)


def print_notes(notes: Sequence[str], file: str) -> None:
    """Print what was unusual about the columns, at most MAX_NOTES notes."""
    for note in notes[:MAX_NOTES]:
        print_line("Note", note)
    if len(notes) > MAX_NOTES:
        print_line("Note", f"{len(notes) - MAX_NOTES:,} more notes; glassnet columns {file} lists them")
