"""Scores of predictions: accuracy, F1, AUC and log-loss for classes; RMSE, MAE and R² for quantities.

A score that is not defined for some rows, or not finite, is left out with its reason. A constant prediction is scored
by the same functions, because a score says little without what the simplest model gets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

MIN_PROBABILITY = float(np.finfo(np.float32).eps)
SCORE_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1 (macro)",
    "auc": "AUC",
    "log_loss": "log-loss",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}
PERCENTAGES = ("accuracy", "balanced_accuracy")
ONE_VALUE = "these rows have a single target value"


class Scores(NamedTuple):
    """The finite scores by key, and for each other one the reason why it is left out."""

    values: dict[str, float]
    reasons: dict[str, str]

    @classmethod
    def of(cls, values: dict[str, float], reasons: dict[str, str]) -> Scores:
        """Keep what is finite."""
        infinite = {key: "it is not finite" for key, value in values.items() if not np.isfinite(value)}
        finite = {key: float(value) for key, value in values.items() if key not in infinite}
        return cls(finite, reasons | infinite)


def class_scores(probabilities: Array, codes: Array) -> Scores:
    """Score probabilities (n, classes) for true classes (n,).

    Balanced accuracy is the mean recall of the classes that occur; F1 the mean over the classes that occur or are
    predicted; AUC that of the second of two classes, or the mean of each class against the rest. A probability below
    float32's ε counts as ε, as in scikit-learn, so that one confident mistake is not infinite.
    """
    predicted, count = probabilities.argmax(axis=1), probabilities.shape[1]
    chosen = np.clip(probabilities[np.arange(len(codes)), codes].astype(np.float64), MIN_PROBABILITY, 1.0)
    true, guessed = np.bincount(codes, minlength=count), np.bincount(predicted, minlength=count)
    right = np.bincount(codes[predicted == codes], minlength=count)
    occurs, named = true > 0, (true + guessed) > 0
    values = {
        "accuracy": float((predicted == codes).mean()),
        "balanced_accuracy": float((right[occurs] / true[occurs]).mean()),
        "f1": float((2 * right[named] / (true + guessed)[named]).mean()),
    }
    reasons = {}
    if occurs.all():
        values["auc"] = area_under_curve(probabilities, codes)
    else:
        missing = int((~occurs).sum())
        reasons["auc"] = f"{missing:,} of the {count:,} classes {'has' if missing == 1 else 'have'} no rows here"
    values["log_loss"] = float(0.0 - np.log(chosen).mean())  # never −0
    return Scores.of(values, reasons)


def area_under_curve(probabilities: Array, codes: Array) -> float:
    """The area under the ROC curve, by ranks: of the second of two classes, or the mean of each against the rest."""
    from scipy.stats import rankdata

    classes = range(probabilities.shape[1])
    areas = []
    for number in classes[1:] if len(classes) == 2 else classes:
        positive = codes == number
        count, others = int(positive.sum()), int((~positive).sum())
        ranks = rankdata(probabilities[:, number])[positive]
        areas.append((float(ranks.sum()) - count * (count + 1) / 2) / (count * others))
    return float(np.mean(areas))


def number_scores(predicted: Array, true: Array) -> Scores:
    """Root mean squared and mean absolute error, in the target's units, and R², over all rows and outputs (n, outputs).

    R² is left out where the true values do not vary, because it is not defined there.
    """
    center = true.mean(axis=0)
    size = max(float(np.abs(true - center).max()), float(np.abs(predicted - true).max())) or 1.0
    differences = np.abs(predicted - true) / size  # divided first, so that no square overflows
    errors, total = float((differences**2).sum()), float((((true - center) / size) ** 2).sum())
    values = {"rmse": float(np.sqrt(errors / true.size)) * size, "mae": float(differences.mean()) * size}
    if not (true != true[0]).any() or not total:
        return Scores.of(values, {"r2": ONE_VALUE})
    return Scores.of(values | {"r2": 1 - errors / total}, {})


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
