"""Whether a step helped: the change of C that the gradient predicted beside the real one, in sentences."""

from __future__ import annotations

from math import ceil, isfinite, log10

from glassnet.see.stage import signed
from glassnet.see.trace import number

WELL = 0.1  # a relative difference of prediction and reality up to which the slope holds over the step
MOST_DIGITS = 15


def verdict(before: float, after: float, predicted: float) -> str:
    """The sentences, from C on the same batch before and after the step, and Σ gradient·change."""
    real = after - before
    if not isfinite(real):
        return (
            f"C is {number(before)} before and {number(after)} after the step, too large to compare; check the penalty."
        )
    if real == predicted == 0:
        return f"The step changed nothing: the gradient is 0, and C stays {number(before)}."
    if real == 0:
        return (
            f"The step is too short to show: predicted Σ gradient·change = {signed(predicted)} is lost in "
            f"the rounding of C = {number(before)}; try a larger lr."
        )
    helped = "The step helped" if real < 0 else "The step did not help"
    digits = shared_digits(before, after)
    return (
        f"{helped}: predicted Σ gradient·change = {signed(predicted)}, real {number(before, digits)} → "
        f"{number(after, digits)} = {signed(real)} (C on the same samples, a mean); {_comparison(predicted, real)}."
    )


def shared_digits(before: float, after: float) -> int:
    """How many significant digits show the change from one number to the other: two of its own, four at least."""
    change, size = abs(after - before), max(abs(before), abs(after))
    return min(MOST_DIGITS, max(4, ceil(log10(size / change)) + 2)) if change else 4


def _comparison(predicted: float, real: float) -> str:
    """How far the two are apart, and what that says of the step."""
    if predicted == 0:
        return "the gradient predicted no change"
    gap = abs(real - predicted) / abs(predicted)
    apart = f"they differ by {gap:.1%}" if gap >= 0.0005 else "they differ by less than 0.1%"
    if gap < WELL:
        return f"{apart}: the slope predicted this step well"
    advice = "" if real < 0 else "; try a smaller lr"  # a cost that fell is no failure
    return f"{apart}: the step is so long that the cost curves away from its slope{advice}"
