"""Findings about the targets: whether the output can reach them, and whether they have a size that suits training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.errors import percent
from glassnet.program.parameters import Array
from glassnet.see.data_rules import MIN_CLASSES, column_sizes
from glassnet.see.evidence import LEARNT_ENOUGH, Evidence, Finding
from glassnet.see.predictability import predictability

MAX_OUTSIDE = 0.005  # share of targets that the output cannot reach
MAX_RMS = 30.0  # root mean square of y
MIN_EXPLAINED = 0.5  # share of the variance of a quantity that a regression explains
MIN_SPREAD = 0.01  # standard deviation of the widest target


def wrong_output(evidence: Evidence) -> Finding | None:
    """Targets lie where the output activation cannot reach."""
    dense, y = evidence.model.architecture.dense[-1], evidence.y
    if y is None or dense.after:
        return None
    activation = dense.activation
    outside = float(((y < activation.range.low) | (y > activation.range.high)).mean())
    if outside <= MAX_OUTSIDE:
        return None
    share = percent(outside) if outside < 0.995 else "all"
    return Finding(
        "wrong output activation",
        f"{share} of the targets lie outside {activation.range}, the range of {activation.name}; they go from "
        f"{y.min():.3g} to {y.max():.3g}.",
        "BP1: δ = ∂c/∂a ⊙ σ'(z) pushes z towards the end of the range, where σ'(z) is 0; a never reaches y.",
        f"{evidence.wording.linear_output}, or targets scaled into the range.",
        "predictions over the whole range of the targets, and a much lower cost.",
    )


def large_targets(evidence: Evidence) -> Finding | None:
    """Targets are so large that the first errors are large too."""
    if evidence.y is None or not _are_free_quantities(evidence):
        return None
    means, spreads, sizes = column_sizes(evidence.y)
    widest = int(sizes.argmax())
    if sizes[widest] < MAX_RMS or wrong_output(evidence) is not None:
        return None
    return Finding(
        "unscaled targets",
        f"y has mean {means[widest]:.4g} and standard deviation {spreads[widest]:.4g}.",
        "BP1: ∂c/∂a grows with a − y, so every δ and every gradient is as large as the targets.",
        f"{evidence.wording.scale_targets}.",
        "errors near 1 at the start, so that usual rates work.",
    )


def small_targets(evidence: Evidence) -> Finding | None:
    """Targets vary so little that the noise of the weights is larger."""
    if evidence.y is None or not _are_free_quantities(evidence) or not evidence.learnt_less_than(0.9):
        return None
    means, spreads, sizes = column_sizes(evidence.y)
    widest = int(spreads.argmax())
    if not 0 < spreads[widest] < MIN_SPREAD or sizes.max() >= MAX_RMS or wrong_output(evidence) is not None:
        return None
    return Finding(
        "targets too small",
        f"y has mean {means[widest]:.3g} and standard deviation {spreads[widest]:.3g}{evidence.levels}.",
        "BP1: with ∂c/∂a = a − y, errors of the size of y are tiny from the start: a cost near 0 says nothing, and "
        "a step of the usual size changes a by more than y.",
        f"{evidence.wording.scale_targets}.",
        "a cost that starts near ½ and falls; R² tells how far.",
    )


def quantity(evidence: Evidence) -> Finding | None:
    """Many classes are the values of one quantity: a regression predicts the value, and hardly the single classes."""
    scores = evidence.predictability if evidence.learnt_less_than(LEARNT_ENOUGH) else None
    if scores is None or evidence.x is None or evidence.y is None or not evidence.has_classes:
        return None
    used = int(evidence.y.any(axis=0).sum())
    values = _numbers(evidence.wording.classes, evidence.y.shape[1])
    if used < MIN_CLASSES or values is None or len(evidence.model.architecture.groups) > 1:
        return None
    of_value = predictability(evidence.x, values[evidence.y.argmax(axis=1)][:, np.newaxis])
    if of_value is None or of_value.best < MIN_EXPLAINED or scores.best > 0.5 * of_value.best:
        return None
    return Finding(
        "a quantity as classes",
        f"y looks like a quantity: its {evidence.y.shape[1]} classes are numbers, and a regression explains "
        f"{percent(of_value.best)} of the variance of the number, but {percent(max(scores.best, 0))} of that of the "
        f"classes{evidence.levels}.",
        "cost: cross-entropy counts every wrong class as equally wrong, even the number next to the right one, and "
        "each class learns from its own rows alone.",
        f"{evidence.wording.regressor}.",
        "predictions close to the number, from all rows together.",
    )


def _numbers(names: Sequence[Any] | None, count: int) -> Array | None:
    """The classes as numbers, by their names where they have some; None where they are not numbers."""
    if names is None:
        return np.arange(count, dtype=np.float64)
    try:
        values = np.asarray(names).astype(np.float64)
    except (TypeError, ValueError):
        return None
    return values if values.shape == (count,) and np.isfinite(values).all() else None


def _are_free_quantities(evidence: Evidence) -> bool:
    """Whether the targets are quantities of any size, which the output can reach and the user can scale."""
    architecture = evidence.model.architecture
    bounded = architecture.cost.targets.low == 0 or evidence.has_classes
    return not (bounded or architecture.dense[-1].after or evidence.wording.is_prepared)
