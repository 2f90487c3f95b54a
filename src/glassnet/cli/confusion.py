"""The confusion table: how often each true class is predicted as each class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MAX_TABLE_CLASSES = 20  # more classes are shown as a list of mistakes
MAX_MISTAKES = 10
MAX_NAME_LENGTH = 12


def confusion(predicted: Array, codes: Array, count: int) -> Array:
    """Count the samples of each true class (row) by their predicted class (column)."""
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (codes, predicted), 1)
    return table


def confusion_text(table: Array, names: list[str]) -> str:
    """Format the confusion table or, for many classes, the most frequent mistakes."""
    if len(names) > MAX_TABLE_CLASSES:
        return _mistakes_text(table, names)
    short = [name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…" for name in names]
    first = max(len("true"), *map(len, short))
    widths = [max(len(name), len(str(column.max()))) for name, column in zip(short, table.T, strict=True)]

    def line(head: str, cells: Iterable[Any]) -> str:
        return f"{head:<{first}}  " + "  ".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True))

    rows = [line(name, row) for name, row in zip(short, table, strict=True)]
    return "\n".join([line("true", short) + "  ← predicted", *rows])


def _mistakes_text(table: Array, names: list[str]) -> str:
    mistakes = table - np.diag(np.diag(table))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:MAX_MISTAKES]
    lines = [f"{len(names)} classes; the most frequent mistakes:"]
    for true, predicted in (divmod(int(index), len(names)) for index in order):
        if mistakes[true, predicted]:
            lines.append(f"{mistakes[true, predicted]:>6}  {names[true]} predicted as {names[predicted]}")
    return "\n".join(lines) if len(lines) > 1 else f"{len(names)} classes, no mistakes"
