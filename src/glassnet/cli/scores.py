"""How good predictions are: accuracy, log-loss and confusion for classes; RMSE and R² for quantities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MAX_TABLE = 20
TINY = float(np.finfo(np.float32).eps)


def class_scores(probabilities: Array, codes: Array) -> dict[str, float]:
    """Accuracy and log-loss of probabilities (n, classes) for true classes (n,).

    A probability below float32's ε counts as ε, as in scikit-learn, so that one sure mistake is not infinitely bad.
    """
    right = probabilities.argmax(axis=1) == codes
    chosen = np.maximum(probabilities[np.arange(len(codes)), codes].astype(np.float64), TINY)
    return {"accuracy": float(right.mean()), "log_loss": float(-np.log(chosen).mean())}


def number_scores(predicted: Array, true: Array) -> dict[str, float]:
    """Root mean squared error, in the target's units, and R², both over all rows and outputs."""
    difference = predicted - true
    spread = float(((true - true.mean(axis=0)) ** 2).sum())
    r2 = 1 - float((difference**2).sum()) / spread if spread else float("nan")
    return {"rmse": float(np.sqrt((difference**2).mean())), "r2": r2}


def score_text(scores: dict[str, float]) -> str:
    """The scores in words."""
    if "accuracy" in scores:
        return f"accuracy {scores['accuracy']:.2%}, log-loss {scores['log_loss']:.4f}"
    return f"RMSE {scores['rmse']:.6g}, R² {scores['r2']:.4f}"


def confusion(predicted: Array, codes: Array, count: int) -> Array:
    """How often each true class (row) was taken for each class (column)."""
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (codes, predicted), 1)
    return table


def confusion_text(table: Array, names: list[str]) -> str:
    """The confusion table, or for many classes the ten most frequent mistakes."""
    if len(names) > MAX_TABLE:
        return _mistakes_text(table, names)
    short = [name if len(name) <= 12 else f"{name[:11]}…" for name in names]
    first = max(len("true"), *map(len, short))
    widths = [max(len(name), len(str(column.max()))) for name, column in zip(short, table.T, strict=True)]

    def line(head: str, cells: Iterable[Any]) -> str:
        return f"{head:<{first}}  " + "  ".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True))

    rows = [line(name, row) for name, row in zip(short, table, strict=True)]
    return "\n".join([line("true", short) + "  ← predicted", *rows])


def _mistakes_text(table: Array, names: list[str]) -> str:
    wrong = table - np.diag(np.diag(table))
    places = np.argsort(-wrong, axis=None, kind="stable")[:10]
    lines = [f"{len(names)} classes; the most frequent mistakes:"]
    for true, predicted in (divmod(int(place), len(names)) for place in places):
        if wrong[true, predicted]:
            lines.append(f"{wrong[true, predicted]:>6}  {names[true]} taken for {names[predicted]}")
    return "\n".join(lines) if len(lines) > 1 else f"{len(names)} classes, no mistake"
