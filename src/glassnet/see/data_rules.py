"""Findings about the data: its columns, rows and classes, and whether x predicts y; each rule returns one, or None."""

from __future__ import annotations

import numpy as np

from glassnet.errors import counted, percent
from glassnet.program.parameters import Array
from glassnet.see.evidence import LEARNT_ENOUGH, Evidence, Finding, are_classes, mean_cost

MAX_SPREAD_RATIO = 100.0  # standard deviation of a column over that of the median column
MAX_RMS = 30.0  # root mean square of a column
MIN_SPREAD_RATIO = 1e-3  # standard deviation of a column over that of the median column
MIN_IMAGE_COLUMNS = 64  # from here on, zeros that never change are taken for the border of an image
MIN_CLASS_SHARE = 0.1  # of an even share of the classes
MAX_REPEATED = 0.2  # share of the rows
MIN_CLASSES = 12  # from here on, numbers as classes may be a quantity
MIN_ROWS = 20
MAX_ROWS = 8192  # evenly spaced, to estimate mean and standard deviation
MIN_ROWS_TO_PREDICT = 100  # to say that x does not predict y
MAX_CHANCE = 0.02  # share of y's variance that regressions explain by chance, and 3 over the number of rows


def unscaled(evidence: Evidence) -> Finding | None:
    """A column is far from mean 0 and standard deviation 1, far wider or far narrower than the others."""
    input_layers = evidence.model.architecture.input_layers
    if evidence.x is None or not len(evidence.x) or any(layer.statistics for layer in input_layers):
        return None  # batch normalisation of x itself scales it
    means, spreads, sizes = column_sizes(evidence.x)
    binary = ((evidence.x == 0) | (evidence.x == 1)).all(axis=0)
    varying = spreads[(spreads > 0) & ~binary]
    if not len(varying):
        return None
    middle, widest, narrowest = np.median(varying), int(sizes.argmax()), _narrowest(spreads, binary)
    wide = sizes[widest] >= MAX_RMS or spreads[widest] >= MAX_SPREAD_RATIO * middle
    if evidence.wording.is_prepared:
        return _unlike_training(evidence, widest, means, spreads) if sizes[widest] >= MAX_RMS else None
    narrow = spreads[narrowest] < MIN_SPREAD_RATIO * middle and evidence.learnt is not None and evidence.learnt < 0.5
    if not (wide or evidence.x_is_small or narrow):
        return None
    column = widest if wide or evidence.x_is_small else narrowest
    many = len(varying) > 1
    return Finding(
        "unscaled columns",
        f"{evidence.wording.column(column)} has mean {means[column]:.3g} and standard deviation {spreads[column]:.3g}"
        f"{f', the median column has standard deviation {middle:.3g}' if many else ''}.",
        "forward and BP4: z1 = W1·x + b1 and dW1 = δ1·xᵀ / m, so a column moves z and its weights in proportion to its "
        + (
            "size; one rate cannot suit such columns, and large z saturate the units."
            if wide
            else "size; a column this small moves hardly anything, and the network does not learn from it."
        ),
        f"{evidence.wording.scale_columns}.",
        "gradients of similar size for all columns, and a cost that falls faster.",
    )


def column_sizes(x: Array) -> tuple[Array, Array, Array]:
    """Mean, standard deviation and root mean square of each column, also where squares overflow.

    They are those of at most MAX_ROWS rows.
    """
    x = np.asarray(x[:: -(-len(x) // MAX_ROWS)], np.float64)
    largest = np.abs(x).max(axis=0)
    scale = np.where(largest > 0, largest, 1)
    scaled = x / scale
    means, spreads = scaled.mean(axis=0), scaled.std(axis=0)
    spreads[spreads < 1e-12] = 0  # of a constant, rounding is all that is left
    return means * scale, spreads * scale, np.sqrt(np.mean(scaled**2, axis=0)) * scale


def _narrowest(spreads: Array, binary: Array) -> int:
    """The column of numbers that varies least, but does vary."""
    return int(np.where((spreads > 0) & ~binary, spreads, np.inf).argmin())


def _unlike_training(evidence: Evidence, column: int, means: Array, spreads: Array) -> Finding:
    """The columns were standardised by the training rows, and these rows are far from them."""
    return Finding(
        "unscaled columns",
        f"{evidence.wording.column(column)} was scaled to mean 0 and standard deviation 1 on the training rows, and "
        f"has mean {means[column]:.3g} and standard deviation {spreads[column]:.3g} on these rows.",
        "forward: z1 = W1·x + b1 is as large as x, far outside what the weights were trained for.",
        "checking that both files hold the same units, and training on rows like these.",
        "the column within a few standard deviations of 0.",
    )


def constant(evidence: Evidence) -> Finding | None:
    """A column is the same in every row."""
    x = evidence.x
    if x is None or len(x) < 2 or evidence.wording.is_prepared:  # which has left out columns that never change
        return None
    same = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
    if x.shape[1] >= MIN_IMAGE_COLUMNS:
        same = same[x[0, same] != 0]
    if not len(same):
        return None
    first = f"{evidence.wording.column(same[0])} (always {x[0, same[0]]:g})"
    several = f"{len(same)} of {x.shape[1]} columns never change; the first is {first}."
    return Finding(
        "constant columns",
        several if len(same) > 1 else f"{first} never changes.",
        "BP4: the gradient of its weights is that of b times a constant, so it says nothing about y.",
        f"leaving {'these columns' if len(same) > 1 else 'it'} out.",
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
    if not are_classes(y) or len(y) < MIN_ROWS:
        return None
    counts = (y.sum(axis=0) if y.shape[1] > 1 else np.array([len(y) - y.sum(), y.sum()])).astype(np.int64)
    present = np.flatnonzero(counts)  # an output without a row (labels that start at 1) does no harm
    rarest, even = int(present[counts[present].argmin()]), len(y) / len(present)
    if counts[rarest] >= MIN_CLASS_SHARE * even:
        return None
    name = evidence.wording.class_name if not where else "class {}".format
    rare, common = f"{name(rarest)}{where}", name(int(counts.argmax()))
    return Finding(
        "imbalance",
        f"{rare} has {counted(counts[rarest], 'row')} of {len(y):,}, {common} {counts.max():,}; always answering "
        f"{common} is right in {counts.max() / len(y):.1%} of them.",
        "cost: C is a mean over the rows, so a rare class contributes little to BP1 and to every gradient after it.",
        f"{evidence.wording.balance_classes}; and score each class, not accuracy alone.",
        f"more rows of {rare} are found, at the price of some false positives.",
    )


def duplicates(evidence: Evidence) -> Finding | None:
    """Many rows occur more than once."""
    if evidence.x is None or evidence.y is None or len(evidence.x) < MIN_ROWS:
        return None
    repeated, count = evidence.repeated, len(evidence.x)
    if repeated is None:
        repeated = 1 - len(np.unique(_groups(np.column_stack([evidence.x, evidence.y])))) / count
    if repeated <= MAX_REPEATED:
        return None
    return Finding(
        "duplicate rows",
        f"{percent(repeated)} of the {count:,} rows repeat an earlier row, target included.",
        "cost: C is a mean over the rows, so a row that occurs twice counts twice; in the validation data, it has been "
        "trained on.",
        f"removing the repeated rows before splitting off validation data, or {evidence.wording.repeat_weight}.",
        "a validation cost that can be trusted; it may rise.",
    )


def indistinct(evidence: Evidence) -> Finding | None:
    """Rows that differ in the table are equal in x: texts that are too many, or new, have no input of their own."""
    if evidence.x is None or evidence.repeated is None or len(evidence.x) < MIN_ROWS:
        return None
    groups = np.bincount(_groups(evidence.x))
    largest = int(groups.max())
    if evidence.repeated > MAX_REPEATED or largest < 0.5 * len(evidence.x) or not evidence.learnt_less_than(0.5):
        return None
    return Finding(
        "texts without an input",
        f"{largest:,} of the {len(evidence.x):,} rows look the same to the network, though they differ in the table: a "
        "column of text has an input for each of its 100 commonest texts in the training rows; any other text, as in "
        "a column of names, is 0 in all of them.",
        "forward: equal x give equal outputs, which cannot match different targets.",
        "numbers in place of the text, or fewer texts that occur more often (a group that each of them belongs to).",
        "inputs that tell these rows apart, and a lower cost.",
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
        f"{percent((counts[groups] > 1).mean())} of the rows share their x with others, and predicting the mean of "
        f"their targets costs {floor:.3g}; the cost is {evidence.reached:.3g}.",
        "forward: equal x give equal outputs, which cannot match different targets.",
        "another column that distinguishes these rows; otherwise stopping here.",
        f"without one, no cost below {floor:.3g}.",
    )


def unpredictable(evidence: Evidence) -> Finding | None:
    """Neither a linear nor a smooth function of x predicts y better than a constant does, and the network cannot."""
    scores = (
        evidence.predictability if evidence.learnt_less_than(LEARNT_ENOUGH) or evidence.fails_to_generalise else None
    )
    if scores is None or scores.samples < MIN_ROWS_TO_PREDICT or scores.best > MAX_CHANCE + 3 / scores.samples:
        return None
    architecture = evidence.model.architecture
    if evidence.x is None and architecture.cost.target_sum is not None and architecture.outputs >= MIN_CLASSES:
        return None  # the classes may be the values of a quantity, which only the data show
    return Finding(
        "unpredictable targets",
        f"no regression on {scores.samples:,.0f} of the rows, linear or smooth, predicts a row left out better than "
        f"{evidence.constant_answer} (the best explains {max(scores.best, 0):.1%} of the variance of y)"
        f"{evidence.levels}.",
        "cost: C can only fall as far as y depends on x; a cost below that means that rows are learnt by heart.",
        "checking that each row of x stands beside its own y (was one of them shuffled or sorted alone?) and that x "
        "holds what y depends on.",
        "a regression that predicts y, and then a network that does it better.",
    )


def _groups(rows: Array) -> Array:
    """A group number for each row, the same for equal rows; −0 equals 0."""
    joined = np.ascontiguousarray(rows + 0).view(f"V{rows.shape[1] * rows.dtype.itemsize}")
    return np.unique(joined.ravel(), return_inverse=True)[1].ravel()
