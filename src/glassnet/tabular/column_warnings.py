"""Warnings at predict: columns most cells of which the fitted rows did not have, so that they say little or nothing.

A few unseen categories or missing cells are usual; they count as what the preparation makes of them. Many are a sign
that another file was written in another way.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable

MIN_SHARE = 0.5
COUNT = re.compile(r": (?:all [\d,]+|([\d,]+) of ([\d,]+)) cells (?:is|are) ")


class ColumnWarning(UserWarning):
    """Most cells of a column are unlike those of the fitted rows."""


def warn_of_columns(notes: Iterable[str], stacklevel: int) -> None:
    """Warn of each note on at least half of a column's cells; notes have the words of `Column.value_note`."""
    for note in notes:
        if concerns_most_cells(note):
            warnings.warn(ColumnWarning(note), stacklevel=stacklevel + 1)


def concerns_most_cells(note: str) -> bool:
    """Whether a note is on at least half of a column's cells."""
    count = COUNT.search(note)
    if count is None:
        return False
    some, whole = (1, 1) if count[1] is None else (int(part.replace(",", "")) for part in count.groups())
    return some >= MIN_SHARE * whole
