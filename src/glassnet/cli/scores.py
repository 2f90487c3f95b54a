"""Scores as text: for one line, for a table beside those of a constant, and what is left out of it."""

from __future__ import annotations

import numpy as np

from glassnet.tabular.scores import ONE_VALUE, SCORE_NAMES, Scores

PERCENTAGES = ("accuracy", "balanced_accuracy")


def score_text(values: dict[str, float]) -> str:
    """Format the two most important scores for one line."""
    if "accuracy" in values:
        return f"accuracy {values['accuracy']:.2%}, log-loss {values['log_loss']:.4f}"
    r2 = f"R² {values['r2']:z.4f}" if "r2" in values else f"no R², because {ONE_VALUE}"
    return f"RMSE {number_text(values['rmse'])}, {r2}" if "rmse" in values else r2


def score_cell(key: str, value: float) -> str:
    """Format one score for a table."""
    if key in PERCENTAGES:
        return f"{value:.2%}"
    return f"{value:z.4f}" if key in ("f1", "auc", "r2", "log_loss") else number_text(value)


def number_text(value: float) -> str:
    """A quantity with five significant digits, so that errors of one size stand aligned: 0.34167, 12.034, 48210."""
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.5g}"
    return f"{value:.{max(0, 4 - int(np.floor(np.log10(abs(value)))))}f}"


def score_table(columns: dict[str, Scores]) -> list[str]:
    """The lines of a table of scores: one per score, with a column for each predictor, such as "constant"."""
    keys = [key for key in SCORE_NAMES if any(key in scores.values for scores in columns.values())]
    cells = {
        name: [name, *(score_cell(key, scores.values[key]) if key in scores.values else "–" for key in keys)]
        for name, scores in columns.items()
    }
    first = ["", *(SCORE_NAMES[key] for key in keys)]
    widths = {name: max(map(len, column)) for name, column in cells.items()}
    head = max(map(len, first))
    return [
        f"{label:<{head}}" + "".join(f"   {cells[name][line]:>{width}}" for name, width in widths.items())
        for line, label in enumerate(first)
    ]


def left_out_text(scores: Scores) -> str:
    """A sentence on the scores that are left out, or an empty text."""
    return "; ".join(f"no {SCORE_NAMES[key]}: {reason}" for key, reason in scores.reasons.items())
