"""What a report says about the table: classes, copies of rows, columns that drift with the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.data.target import ClassTarget
from glassnet.errors import counted
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.training_data import TrainingData

MAX_DRIFT_ROWS = 4_000
MIN_DRIFT = 0.15  # difference of two distribution functions
MIN_DRIFT_ERRORS = 2.9  # the same in its standard errors: by chance in one of 10⁷ columns
RARE = 10
MIN_CLASSES, MAX_CLASS_SHARE = 20, 0.5  # from which on classes are hardly classes
MIN_COPIES = 0.01


def class_balance(target: ClassTarget, y: Array) -> str:
    """The shares of the classes, at most six of them, and which are rare."""
    counts = np.bincount(y, minlength=len(target.classes))
    order = np.argsort(-counts, kind="stable")
    parts = [f"{target.classes[k]} {counts[k] / len(y):.1%}" for k in order[:6]]
    more = f", and {counted(len(order) - 6, 'more class', 'more classes')}" if len(order) > 6 else ""
    rare = [str(target.classes[k]) for k in order if counts[k] < RARE]
    note = f"; fewer than {RARE} rows: {', '.join(rare[:5])}{' ...' if len(rare) > 5 else ''}" if rare else ""
    return f"{', '.join(parts)}{more}{note}."


def too_many_classes(target: ClassTarget, y: Array, measured: int) -> str:
    """A sentence where most rows have a class of their own, of which `measured` rows were left out; or empty."""
    counts = np.bincount(y, minlength=len(target.classes))
    if len(counts) < MIN_CLASSES or len(counts) <= MAX_CLASS_SHARE * len(y):
        return ""
    return (
        f"The target has {len(counts):,} classes in {len(y):,} rows, {int((counts == 1).sum()):,} of them once, and a "
        f"class that occurs once cannot be measured: the scores are of {counted(measured, 'row')} and not those of the "
        "model. If the classes are numbers written as text, use regression (TabularRegressor); if they are "
        "identifiers, there is nothing to learn."
    )


def copies(data: TrainingData) -> str:
    """How many rows have the same cells as an earlier one, and how many of these another target; empty for none."""
    if (earlier := data.copies) is None:
        return ""
    rows = len(earlier)
    is_copy = earlier < np.arange(rows)
    count = int(is_copy.sum())
    same = data.y == data.y[earlier]
    other = int((is_copy & ~(same if same.ndim == 1 else same.all(axis=1))).sum())
    sentence = f"{counted(count, 'row has', 'rows have')} the same cells as an earlier row"
    sentence += f", {other:,} of them with another target" if other else ""
    if count - other > MIN_COPIES * rows:
        return f"{sentence}; copies were left out of training together, so that the scores are those of new rows."
    return f"{sentence}."


def drift(data: TrainingData, columns: Sequence[str]) -> str:
    """Which columns differ most between the first and the last half of the rows; empty where none does clearly.

    `columns` names the column of each input. The difference is the largest one of the two distribution functions
    (Kolmogorov and Smirnov).
    """
    rows = np.unique(np.linspace(0, len(data.x) - 1, MAX_DRIFT_ROWS).round().astype(np.int64))
    is_late = rows >= len(data.x) / 2
    if is_late.sum() < RARE:
        return ""
    differences = distribution_differences(data.x[rows], is_late)
    by_column: dict[str, float] = {}
    for name, difference in zip(columns, differences, strict=True):
        by_column[name] = max(by_column.get(name, 0.0), float(difference))
    target = distribution_differences(_target_columns(data, rows), is_late).max()
    limit = max(MIN_DRIFT, MIN_DRIFT_ERRORS * 2 / np.sqrt(len(rows)))
    drifting = sorted(((d, name) for name, d in by_column.items() if d >= limit), reverse=True)
    parts = [f"{name} ({d:.2f})" for d, name in drifting[:5]]
    parts = ([f"the target ({target:.2f})"] if target >= limit else []) + parts
    if not parts:
        return ""
    more = f" and {len(drifting) - 5} more" if len(drifting) > 5 else ""
    return (
        f"the first and the last half of the rows differ in {', '.join(parts)}{more}, where 1 is a complete "
        f"difference. The rows left out were drawn from all rows: if the order is one of time, later rows will be "
        f"predicted less well than the scores say."
    )


def distribution_differences(x: Array, is_late: Array) -> Array:
    """The largest difference between the distribution functions of late and of other rows, for each column (k,)."""
    order = np.argsort(x, axis=0, kind="stable")
    late = is_late[order]
    shares = np.cumsum(late / is_late.sum() - ~late / (~is_late).sum(), axis=0)
    ordered = np.take_along_axis(x, order, axis=0)
    is_last = np.vstack([ordered[1:] > ordered[:-1], np.ones((1, x.shape[1]), bool)])  # of equal values
    return np.asarray(np.abs(np.where(is_last, shares, 0)).max(axis=0))


def _target_columns(data: TrainingData, rows: Array) -> Array:
    y = data.y[rows]
    return y if y.ndim == 2 else np.asarray(y[:, None] == np.arange(data.outputs), np.float64)
