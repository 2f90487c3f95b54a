"""A file that `glassnet train` or `columns` has read: what both kinds of model begin with, and its printed notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from glassnet.cli.dataset import DataFile
from glassnet.cli.printing import print_line
from glassnet.cli.progress_lines import ProgressLines

MAX_NOTES = 20


class Opened(NamedTuple):
    """A file that has been read, with its task, "classification" or "regression"."""

    data_file: DataFile
    task: str


def print_notes(notes: Sequence[str], file: str, lines: ProgressLines) -> None:
    """Print what was unusual about the columns, at most MAX_NOTES notes; each is an event for other programs."""
    for note in notes:
        lines.event("note", message=note)
    for note in notes[:MAX_NOTES]:
        print_line("Note", note)
    if len(notes) > MAX_NOTES:
        print_line("Note", f"{len(notes) - MAX_NOTES:,} more notes; glassnet columns {file} lists them")


def print_warnings(warnings: Sequence[str], lines: ProgressLines) -> None:
    """Print what may be wrong with the model, below its scores; each is an event for other programs."""
    for warning in warnings:
        print_line("Warning", warning)
        lines.event("warning", message=warning)
