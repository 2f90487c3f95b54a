"""Findings about the data: its columns, rows and targets, and whether the output can reach the targets."""

from __future__ import annotations

import numpy as np

from glassnet.program.parameters import Array
from glassnet.see.evidence import Evidence, Finding, mean_cost

MAX_SPREAD_RATIO = 100.0  # standard deviation of a column over that of the median column
MAX_RMS = 30.0  # root mean square of a column or of y
MIN_IMAGE_COLUMNS = 64  # from here on, zeros that never change are taken for the border of an image
MIN_CLASS_SHARE = 0.1  # of an even share of the classes
MAX_REPEATED = 0.2  # share of the rows
MAX_OUTSIDE = 0.005  # share of targets that the output cannot reach
MIN_ROWS = 20
MAX_ROWS = 8192  # evenly spaced, to estimate mean and standard deviation


def unscaled(evidence: Evidence) -> Finding | None:
    """A column is far from mean 0 and standard deviation 1, or far wider than the others."""
    input_layers = evidence.model.architecture.input_layers
    if evidence.x is None or any(layer.statistics for layer in input_layers):
        return None  # batch normalisation of x itself scales it
    x = np.asarray(evidence.x[:: -(-len(evidence.x) // MAX_ROWS)], np.float64)
    with np.errstate(over="ignore"):
        sizes, spreads = np.sqrt(np.mean(x**2, axis=0)), x.std(axis=0)
    largest, varying = int(sizes.argmax()), spreads[spreads > 0]
    if not len(varying) or (sizes[largest] < MAX_RMS and spreads.max() < MAX_SPREAD_RATIO * np.median(varying)):
        return None
    return Finding(
        "unscaled columns",
        f"{evidence.wording.column(largest)} has mean {x[:, largest].mean():.3g} and standard deviation "
        f"{spreads[largest]:.3g}, the median column has standard deviation {np.median(varying):.3g}.",
        "BP4: dW = δ·aᵀ / m, so the gradient of a column's weights is as large as the column; one rate cannot suit "
        "columns of such different sizes, and large z saturate the units.",
        f"{evidence.wording.scale_columns}.",
        "gradients of similar size for all columns, and a cost that falls faster at a larger rate.",
    )


def constant(evidence: Evidence) -> Finding | None:
    """A column is the same in every row."""
    x = evidence.x
    if x is None or len(x) < 2:
        return None
    same = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
    if x.shape[1] >= MIN_IMAGE_COLUMNS:
        same = same[x[0, same] != 0]
    if not len(same):
        return None
    return Finding(
        "constant columns",
        f"{len(same)} of {x.shape[1]} columns never change; the first is {evidence.wording.column(same[0])} (always "
        f"{x[0, same[0]]:g}).",
        "BP4: the gradient of its weights is that of b times a constant, so it says nothing about y.",
        "leave these columns out.",
        "the same cost with fewer weights.",
    )


def imbalance(evidence: Evidence) -> Finding | None:
    """A class is rare, in any group of outputs."""
    if evidence.y is None:
        return None
    parts = np.split(evidence.y, np.cumsum(evidence.model.architecture.groups)[:-1], axis=1)
    if len(parts) == 1:
        return _rare(evidence, parts[0], "")
    findings = (_rare(evidence, y, f" of group {n}") for n, y in enumerate(parts) if y.shape[1] > 1)
    return next(filter(None, findings), None)


def _rare(evidence: Evidence, y: Array, where: str) -> Finding | None:
    """A class of one distribution is rare."""
    if not _are_classes(y) or len(y) < MIN_ROWS:
        return None
    counts = y.sum(axis=0) if y.shape[1] > 1 else np.array([len(y) - y.sum(), y.sum()])
    rarest, even = int(counts.argmin()), len(y) / len(counts)
    if counts[rarest] >= MIN_CLASS_SHARE * even:
        return None
    return Finding(
        "imbalance",
        f"class {rarest}{where} has {int(counts[rarest]):,} of {len(y):,} rows, class {int(counts.argmax())} "
        f"{int(counts.max()):,}; always predicting the latter is right in {counts.max() / len(y):.1%}.",
        "cost: C is a mean over the rows, so a rare class contributes little to BP1 and to every gradient after it.",
        f"{evidence.wording.balance_classes}; and score each class, not accuracy alone.",
        f"more rows of class {rarest} are found, at the price of some false positives.",
    )


def duplicates(evidence: Evidence) -> Finding | None:
    """Many rows occur more than once."""
    if evidence.x is None or evidence.y is None or len(evidence.x) < MIN_ROWS:
        return None
    groups = _groups(np.column_stack([evidence.x, evidence.y]))
    repeated = 1 - len(np.unique(groups)) / len(groups)
    if repeated <= MAX_REPEATED:
        return None
    return Finding(
        "duplicate rows",
        f"{repeated:.0%} of the {len(groups):,} rows repeat an earlier row, target included.",
        "cost: C is a mean over the rows, so a row that occurs twice counts twice; in the validation data, it has been "
        "trained on.",
        "remove the repeated rows before splitting off validation data, or pass their counts as sample_weight.",
        "a validation cost that can be trusted; it may rise.",
    )


def contradictions(evidence: Evidence) -> Finding | None:
    """Equal rows of x have different targets, and that accounts for the cost."""
    if evidence.x is None or evidence.y is None or evidence.reached is None or evidence.constant is None:
        return None
    groups = _groups(evidence.x)
    counts = np.bincount(groups)
    means = np.array([np.bincount(groups, column) for column in evidence.y.T.astype(np.float64)]) / counts
    floor = mean_cost(evidence.model.architecture.cost, means.T[groups], evidence.y.astype(np.float64))
    above, depth = floor - evidence.least, evidence.constant - evidence.least
    if above < 0.1 * depth or evidence.reached - evidence.least > 1.2 * above:
        return None
    return Finding(
        "cost that cannot fall",
        f"{(counts[groups] > 1).mean():.0%} of the rows share their x with others, and predicting the mean of their "
        f"targets costs {floor:.3g}; the cost is {evidence.reached:.3g}.",
        "forward: equal x give equal outputs, which cannot match different targets.",
        "another column that distinguishes these rows; otherwise stop here.",
        f"without one, no cost below {floor:.3g}.",
    )


def wrong_output(evidence: Evidence) -> Finding | None:
    """Targets lie where the output activation cannot reach."""
    dense, y = evidence.model.architecture.dense[-1], evidence.y
    if y is None or dense.after:
        return None
    activation = dense.activation
    outside = float(((y < activation.range.low) | (y > activation.range.high)).mean())
    if outside <= MAX_OUTSIDE:
        return None
    return Finding(
        "wrong output activation",
        f"{outside:.0%} of the targets lie outside {activation.range}, the range of {activation.name}; they go from "
        f"{y.min():.3g} to {y.max():.3g}.",
        "BP1: δ = ∂c/∂a ⊙ σ'(z) pushes z towards the end of the range, where σ'(z) is 0; a never reaches y.",
        f"{evidence.wording.linear_output}, or targets scaled into the range.",
        "predictions over the whole range of the targets, and a much lower cost.",
    )


def large_targets(evidence: Evidence) -> Finding | None:
    """Targets are so large that the first errors are large too."""
    architecture, y = evidence.model.architecture, evidence.y
    if y is None or architecture.cost.targets.low == 0 or architecture.dense[-1].after:
        return None
    y = y.astype(np.float64)
    with np.errstate(over="ignore"):
        size, spread = float(np.sqrt(np.mean(y**2))), float(y.std())
    if size < MAX_RMS or wrong_output(evidence) is not None:
        return None
    return Finding(
        "unscaled targets",
        f"y has mean {y.mean():.4g} and standard deviation {spread:.4g}.",
        "BP1: ∂c/∂a grows with a − y, so every δ and every gradient is as large as the targets.",
        f"{evidence.wording.scale_targets}.",
        "errors near 1 at the start, so that usual rates work.",
    )


def _are_classes(y: Array) -> bool:
    """Whether the targets are classes: one-hot, or 0 and 1 in one column."""
    return bool(np.isin(y, (0, 1)).all() and (y.shape[1] == 1 or (y.sum(axis=1) == 1).all()))


def _groups(rows: Array) -> Array:
    """A group number for each row, the same for equal rows; −0 equals 0."""
    joined = np.ascontiguousarray(rows + 0).view(f"V{rows.shape[1] * rows.dtype.itemsize}")
    return np.unique(joined.ravel(), return_inverse=True)[1].ravel()
