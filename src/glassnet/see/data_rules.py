"""Findings about the data: its columns, its rows, its targets and the output that is to reach them."""

from __future__ import annotations

import numpy as np

from glassnet.program.parameters import Array
from glassnet.see.evidence import Evidence, Finding, mean_cost

APART, LARGE = 100.0, 30.0  # deviation over the middle column's; root mean square of a column
IMAGE = 64  # columns from which on zeros that never change count as the border of an image
RARE = 0.1  # of an even share of the classes
REPEATED = 0.2
OUTSIDE = 0.005  # share of targets that the output cannot reach
LEAST_ROWS = 20
ROWS = 8192  # evenly spread ones, that tell mean and deviation


def unscaled(evidence: Evidence) -> Finding | None:
    """A column is far from mean 0 and deviation 1, or far wider than the others."""
    input_layers = evidence.network.architecture.input_layers
    if evidence.x is None or any(layer.statistics for layer in input_layers):
        return None  # batch_norm on x itself scales it
    x = np.asarray(evidence.x[:: -(-len(evidence.x) // ROWS)], np.float64)
    with np.errstate(over="ignore"):
        sizes, spreads = np.sqrt(np.mean(x**2, axis=0)), x.std(axis=0)
    worst, used = int(sizes.argmax()), spreads[spreads > 0]
    if not len(used) or (sizes[worst] < LARGE and spreads.max() < APART * np.median(used)):
        return None
    return Finding(
        "unscaled columns",
        f"{evidence.reader.column(worst)} has mean {x[:, worst].mean():.3g} and deviation {spreads[worst]:.3g}, the "
        f"middle column has deviation {np.median(used):.3g}.",
        "BP4: dW = δ·aᵀ / m, so the gradient of a column's weights is as large as the column; one rate cannot suit "
        "columns that are so far apart, and large z shut the gates.",
        f"{evidence.reader.words.scale_columns}.",
        "gradients of one size for all columns; a cost that falls faster, at a larger rate.",
    )


def constant(evidence: Evidence) -> Finding | None:
    """A column is the same in every row."""
    x = evidence.x
    if x is None or len(x) < 2:
        return None
    same = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
    if x.shape[1] >= IMAGE:
        same = same[x[0, same] != 0]
    if not len(same):
        return None
    return Finding(
        "constant columns",
        f"{len(same)} of {x.shape[1]} columns never change, the first is {evidence.reader.column(same[0])} (always "
        f"{x[0, same[0]]:g}).",
        "BP4: the gradient of its weights is that of b times a constant; it can say nothing about y.",
        "leave these columns out.",
        "the same cost with fewer weights.",
    )


def imbalance(evidence: Evidence) -> Finding | None:
    """A class is rare, in any group of outputs."""
    if evidence.y is None:
        return None
    parts = np.split(evidence.y, np.cumsum(evidence.network.architecture.groups)[:-1], axis=1)
    if len(parts) == 1:
        return _rare(evidence, parts[0], "")
    found = (_rare(evidence, y, f" of group {n}") for n, y in enumerate(parts) if y.shape[1] > 1)
    return next(filter(None, found), None)


def _rare(evidence: Evidence, y: Array, where: str) -> Finding | None:
    """A class of one distribution is rare."""
    if not _are_classes(y) or len(y) < LEAST_ROWS:
        return None
    counts = y.sum(axis=0) if y.shape[1] > 1 else np.array([len(y) - y.sum(), y.sum()])
    rarest, even = int(counts.argmin()), len(y) / len(counts)
    if counts[rarest] >= RARE * even:
        return None
    return Finding(
        "imbalance",
        f"class {rarest}{where} has {int(counts[rarest]):,} of {len(y):,} rows, class {int(counts.argmax())} "
        f"{int(counts.max()):,}; always answering the latter is right in {counts.max() / len(y):.1%}.",
        "cost: C is a mean over the rows, so a rare class has little part in BP1 and in every gradient after it.",
        f"{evidence.reader.words.balance}; and judge by each class, not by accuracy.",
        f"more of class {rarest} is found, at the price of some false ones.",
    )


def duplicates(evidence: Evidence) -> Finding | None:
    """Many rows are there twice."""
    if evidence.x is None or evidence.y is None or len(evidence.x) < LEAST_ROWS:
        return None
    groups = _groups(np.column_stack([evidence.x, evidence.y]))
    repeated = 1 - len(np.unique(groups)) / len(groups)
    if repeated <= REPEATED:
        return None
    return Finding(
        "duplicate rows",
        f"{repeated:.0%} of the {len(groups):,} rows repeat an earlier one, target included.",
        "cost: C is a mean over the rows, so a row that is there twice counts twice; in the validation data, it has "
        "been seen.",
        "leave the repeated rows out before anything is held out, or give the counts as sample_weight.",
        "a validation cost that can be believed; it may rise.",
    )


def contradictions(evidence: Evidence) -> Finding | None:
    """Equal rows of x have different targets, and that alone makes up the cost."""
    if evidence.x is None or evidence.y is None or evidence.reached is None or evidence.constant is None:
        return None
    groups = _groups(evidence.x)
    counts = np.bincount(groups)
    means = np.array([np.bincount(groups, column) for column in evidence.y.T.astype(np.float64)]) / counts
    floor = mean_cost(evidence.network.architecture.cost, means.T[groups], evidence.y.astype(np.float64))
    above, depth = floor - evidence.best, evidence.constant - evidence.best
    if above < 0.1 * depth or evidence.reached - evidence.best > 1.2 * above:
        return None
    return Finding(
        "cost that cannot fall",
        f"{(counts[groups] > 1).mean():.0%} of the rows share their x with others, and answering each with the mean of "
        f"its targets costs {floor:.3g}; the cost is {evidence.reached:.3g}.",
        "forward: equal x give equal outputs, so different targets cannot all be met.",
        "another column that tells these rows apart; otherwise stop here.",
        f"without one, no cost below {floor:.3g}.",
    )


def wrong_output(evidence: Evidence) -> Finding | None:
    """Targets lie where the output activation cannot reach."""
    row, after = evidence.network.architecture.dense[-1].activation, evidence.network.architecture.dense[-1].after
    y = evidence.y
    if y is None or after:
        return None
    outside = float(((y < row.range.low) | (y > row.range.high)).mean())
    if outside <= OUTSIDE:
        return None
    return Finding(
        "wrong output activation",
        f"{outside:.0%} of the targets lie outside {row.range}, where {row.name} ends; they go from {y.min():.3g} to "
        f"{y.max():.3g}.",
        "BP1: δ = ∂c/∂a ⊙ σ'(z) pushes z towards the end of the range, where σ'(z) is 0; a never arrives.",
        f"{evidence.reader.words.linear}, or targets scaled into the range.",
        "answers over the whole range of the targets, and a much lower cost.",
    )


def large_targets(evidence: Evidence) -> Finding | None:
    """Targets are so large that the first errors are."""
    y = evidence.y
    if (
        y is None
        or evidence.network.architecture.cost.targets.low == 0
        or evidence.network.architecture.dense[-1].after
    ):
        return None
    y = y.astype(np.float64)
    with np.errstate(over="ignore"):
        size, spread = float(np.sqrt(np.mean(y**2))), float(y.std())
    if size < LARGE or wrong_output(evidence) is not None:
        return None
    return Finding(
        "unscaled targets",
        f"y has mean {y.mean():.4g} and deviation {spread:.4g}.",
        "BP1: ∂c/∂a grows with a − y, so every δ and every gradient is as large as the targets.",
        f"{evidence.reader.words.scale_targets}.",
        "errors near 1 at the start, so that common rates suit.",
    )


def _are_classes(y: Array) -> bool:
    """Whether the targets are 0 and 1: one-hot, or two classes."""
    return bool(np.isin(y, (0, 1)).all() and (y.shape[1] == 1 or (y.sum(axis=1) == 1).all()))


def _groups(rows: Array) -> Array:
    """A number for each row, the same for equal rows; −0 is 0."""
    joined = np.ascontiguousarray(rows + 0).view(f"V{rows.shape[1] * rows.dtype.itemsize}")
    return np.unique(joined.ravel(), return_inverse=True)[1].ravel()
