"""Warnings at predict: columns most cells of which the fitted rows did not have, so that they say little or nothing.

A few unseen categories or missing cells are usual; they count as what the preparation makes of them. Many are a sign
that another file was written in another way.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from glassnet.data.columns import CellNote

MIN_SHARE = 0.5


class ColumnWarning(UserWarning):
    """Most cells of a column are unlike those of the fitted rows."""


def warn_of_columns(notes: Iterable[str], stacklevel: int) -> None:
    """Warn of each note on at least half of a column's cells."""
    for note in notes:
        if concerns_most_cells(note):
            warnings.warn(ColumnWarning(note), stacklevel=stacklevel + 1)


def concerns_most_cells(note: str) -> bool:
    """Whether a note is on at least half of a column's cells."""
    return isinstance(note, CellNote) and note.share >= MIN_SHARE
