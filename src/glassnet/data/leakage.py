"""Columns that alone give the target away: asked about, because they may be known only after the target.

A histogram of each column, or a line through its points, is fitted to one half of the rows and scored on the other: it
finds copies of the target in any unit, order or coding. A good predictor is not a leak, so nothing is left out.
"""

from __future__ import annotations

import numpy as np

from glassnet.data.copies import first_equal_rows, units
from glassnet.data.evidence import quoted
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.reading import Array
from glassnet.data.table import Table

MIN_ROWS, MAX_ROWS = 30, 2_000
MIN_SCORE = 0.99  # R², or the share of a constant's mistakes that are avoided
BINS = 64
PARTS = 2
ROWS_PER_BIN = 5


def leakage_notes(preparation: TablePreparation, table: Table, y: Array, rows: Array, task: str) -> list[str]:
    """A question about each column that predicts the encoded target (n,) or (n, 1) nearly perfectly by itself."""
    if len(rows) < MIN_ROWS or (y.ndim > 1 and y.shape[1] > 1):
        return []
    chosen = _without_copies(preparation, table, np.sort(np.random.default_rng(0).permutation(rows)[:MAX_ROWS]))
    if len(chosen) < MIN_ROWS:
        return []
    target = y.reshape(-1)[chosen]
    notes = []
    for column in preparation.columns:
        values = column.reading.values(table, column.name)[chosen]
        score = univariate_score(values, target, classes=task == "classification")
        if score >= MIN_SCORE:
            what = f"{score:.1%} better than a constant" if task == "classification" else f"R² {score:.3f}"
            question = "is it known before the target is? If not:"
            notes.append(
                f"{column.name}: alone it predicts the target ({what}); {question} --drop {quoted(column.name)}"
            )
    return notes


def _without_copies(preparation: TablePreparation, table: Table, rows: Array) -> Array:
    """One of the rows that repeat one another: the score would be that of the rows it was fitted to."""
    copies = first_equal_rows(table.take(rows), [column.name for column in preparation.columns])
    return rows if copies is None else rows[np.unique(units(copies, PARTS), return_index=True)[1]]


def univariate_score(values: Array, y: Array, *, classes: bool) -> float:
    """Score the prediction of y (n,) from values (n,), fitted to half of the rows: 1 is perfect, 0 a constant.

    The values are numbers, NaN where missing, or the codes of levels.
    """
    order = np.random.default_rng(1).permutation(len(y))
    halves = order[::2], order[1::2]
    if classes:
        mistakes, constant = _class_mistakes(_bins(values), y, *halves)
        return 1 - mistakes / constant if constant else 0.0
    errors, constant = _squared_errors(_bins(values), y, *halves)
    if values.dtype.kind == "f":
        errors = min(errors, _line_errors(values, y, *halves))
    return 1 - errors / constant if constant else 0.0


def _line_errors(values: Array, y: Array, train: Array, test: Array) -> float:
    """The squared errors of a straight line, or of lines from training row to training row, whichever is nearer."""
    train = train[~np.isnan(values[train])]
    if len(train) < 2:
        return np.inf
    points, index, counts = np.unique(values[train], return_inverse=True, return_counts=True)
    center, size = points.mean(), max(float(np.ptp(points)), np.finfo(float).tiny)
    shifted = (values - center) / size
    slope = np.cov(shifted[train], y[train])[0, 1] / max(shifted[train].var(ddof=1), np.finfo(float).tiny)
    straight = y[train].mean() + slope * (shifted[test] - shifted[train].mean())
    broken = np.interp(values[test], points, np.bincount(index, y[train]) / counts)
    predictions = [np.where(np.isnan(values[test]), y[train].mean(), line) for line in (straight, broken)]
    return min(float(((y[test] - predicted) ** 2).sum()) for predicted in predictions)


def _bins(values: Array) -> Array:
    """The number of the bin of each row, from 0; numbers are cut at quantiles, and few different ones at each."""
    if values.dtype.kind == "i":
        return values - values.min()
    missing = np.isnan(values)
    ordered = np.sort(values[~missing])
    if not ordered.size:
        return np.zeros(len(values), np.int64)
    edges = ordered[np.append(True, ordered[1:] > ordered[:-1])]
    count = min(BINS, max(2, len(ordered) // ROWS_PER_BIN))
    if len(edges) > count:
        edges = np.unique(ordered[np.arange(1, count) * len(ordered) // count])
    return np.where(missing, 0, 1 + np.searchsorted(edges, np.where(missing, 0, values), side="right"))


def _squared_errors(bins: Array, y: Array, train: Array, test: Array) -> tuple[float, float]:
    """The squared errors of the bins' means, and of the mean of all, on the test rows."""
    size = int(bins.max()) + 1
    counts = np.bincount(bins[train], minlength=size)
    sums = np.bincount(bins[train], y[train], minlength=size)
    mean = y[train].mean()
    predicted = np.where(counts > 0, sums / np.maximum(counts, 1), mean)[bins[test]]
    return float(((y[test] - predicted) ** 2).sum()), float(((y[test] - mean) ** 2).sum())


def _class_mistakes(bins: Array, y: Array, train: Array, test: Array) -> tuple[float, float]:
    """The mistakes of each bin's most frequent class, and of the most frequent class of all, on the test rows."""
    classes = int(y.max()) + 1
    table = np.zeros((int(bins.max()) + 1, classes), np.int64)
    np.add.at(table, (bins[train], y[train]), 1)
    constant = int(table.sum(axis=0).argmax())
    predicted = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), constant)[bins[test]]
    return float((predicted != y[test]).sum()), float((y[test] != constant).sum())
