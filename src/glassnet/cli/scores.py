"""Scores of predictions: accuracy, log-loss and confusion for classes; RMSE and R² for quantities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MAX_TABLE_CLASSES = 20  # more classes are shown as a list of mistakes
MAX_MISTAKES = 10
MAX_NAME_LENGTH = 12
MIN_PROBABILITY = float(np.finfo(np.float32).eps)


def class_scores(probabilities: Array, codes: Array) -> dict[str, float]:
    """Compute accuracy and log-loss of probabilities (n, classes) for true classes (n,).

    A probability below float32's ε counts as ε, as in scikit-learn, so that one confident mistake is not infinite.
    """
    correct = probabilities.argmax(axis=1) == codes
    chosen = np.clip(probabilities[np.arange(len(codes)), codes].astype(np.float64), MIN_PROBABILITY, 1.0)
    return {"accuracy": float(correct.mean()), "log_loss": float(0.0 - np.log(chosen).mean())}  # never −0


def number_scores(predicted: Array, true: Array) -> dict[str, float]:
    """Compute root mean squared error, in the target's units, and R², both over all rows and outputs.

    R² is left out where the true values do not vary, because it is not defined there.
    """
    center = true.mean(axis=0)
    size = max(float(np.abs(true - center).max()), float(np.abs(predicted - true).max())) or 1.0
    errors = float((((predicted - true) / size) ** 2).sum())  # divided first, so that no square overflows
    total = float((((true - center) / size) ** 2).sum())
    scores = {"rmse": float(np.sqrt(errors / true.size)) * size}
    return scores | {"r2": 1 - errors / total} if (true != true[0]).any() and total else scores


def score_text(scores: dict[str, float]) -> str:
    """Format the scores for one line."""
    if "accuracy" in scores:
        return f"accuracy {scores['accuracy']:.2%}, log-loss {scores['log_loss']:.4f}"
    r2 = f"R² {scores['r2']:z.4f}" if "r2" in scores else "no R², because these rows have a single target value"
    return f"RMSE {scores['rmse']:.6g}, {r2}"


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
