"""A file that `glassnet train` or `columns` has read: what both kinds of model begin with, and its printed notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from glassnet.cli.dataset import DataFile
from glassnet.cli.printing import print_line

MAX_NOTES = 20


class Opened(NamedTuple):
    """A file that has been read, with its task, "classification" or "regression"."""

    data_file: DataFile
    task: str


def print_notes(notes: Sequence[str], file: str) -> None:
    """Print what was unusual about the columns, at most MAX_NOTES notes."""
    for note in notes[:MAX_NOTES]:
        print_line("Note", note)
    if len(notes) > MAX_NOTES:
        print_line("Note", f"{len(notes) - MAX_NOTES:,} more notes; glassnet columns {file} lists them")
