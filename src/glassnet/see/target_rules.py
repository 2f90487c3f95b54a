"""Findings about the targets: whether the output can reach them, and whether they have a size that suits training."""

from __future__ import annotations

from glassnet.see.data_rules import column_sizes
from glassnet.see.evidence import Evidence, Finding

MAX_OUTSIDE = 0.005  # share of targets that the output cannot reach
MAX_RMS = 30.0  # root mean square of y
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
    share = f"{outside:.0%}" if outside < 0.995 else "all"
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
        "what a step of usual size changes is larger than y.",
        f"{evidence.wording.scale_targets}.",
        "a cost that starts near ½ and falls; R² tells how far.",
    )


def _are_free_quantities(evidence: Evidence) -> bool:
    """Whether the targets are quantities of any size, which the output can reach and the user can scale."""
    architecture = evidence.model.architecture
    bounded = architecture.cost.targets.low == 0 or evidence.has_classes
    return not (bounded or architecture.dense[-1].after or evidence.wording.is_prepared)
