"""The slope of C along a line by central differences of many steps, and what they leave uncertain.

Long steps are bent by the curve of C, short ones drown in rounding, and at a kink both sides differ however short the
step. Which step to believe is decided by how well neighbouring steps agree, never by the slope that is to be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from glassnet.program.parameters import Array

STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-2, 1e-7, 1e-8)  # the first ones mostly agree to all digits, and the rest is not run
SAFETY = 10  # the error of a slope is taken to be this many times the spread of neighbouring steps
LOOSEST = 1e-3  # the largest relative error that still counts as having measured a slope
NOISE = 1e-11  # relative to C: how far rounding may move it
ZERO = 1e-13  # relative to C and the output's error: a gradient that is 0 up to rounding
EPSILON = float(np.finfo(np.float64).eps)
Cost = Callable[[float], float]  # C as a function of a step along a direction

AGREES, WRONG = "agrees", "wrong"
KINK, SMALL, STEEP = "at a kink", "too small to judge", "too steep to judge"
UNJUDGED = (KINK, SMALL, STEEP)


class Comparison(NamedTuple):
    """A slope by differences beside the given one: their relative difference, the limit that counts, the verdict."""

    numeric: float
    difference: float
    limit: float
    verdict: str


class Differences(NamedTuple):
    """Central differences of fourth order with one step, and the difference of the slopes on both sides."""

    step: float
    slope: float
    jump: float


def compare(analytic: float, cost: Cost, base: float, tolerance: float, scale: float = 0.0) -> Comparison:
    """Compare a slope of C with central differences.

    `base` is C at the start of the line; `scale` is the size of what a gradient is computed from, the errors of the
    output: one that is 0 because they cancel is 0 up to their rounding.
    """
    if not np.isfinite(analytic):
        return Comparison(_differences(cost, base, STEPS[0]).slope, float("inf"), tolerance, WRONG)
    tried: list[Differences] = []
    for step in STEPS:
        tried.append(_differences(cost, base, step))
        numeric = tried[-1].slope
        if abs(numeric - analytic) <= 0.1 * tolerance * max(abs(numeric), abs(analytic)):
            return Comparison(numeric, _relative(analytic, numeric), tolerance, AGREES)
    finite = sorted((each for each in tried if np.isfinite(each.slope)), reverse=True)
    if len(finite) < 3:
        return Comparison(float("nan"), 1.0, 1.0, STEEP)
    return _judged(analytic, finite, (abs(base), max(abs(base), scale)), tolerance)


def _differences(cost: Cost, base: float, step: float) -> Differences:
    """C on both sides, one and two steps away."""
    near, far = (cost(step), cost(-step)), (cost(2 * step), cost(-2 * step))
    slope = (8 * (near[0] - near[1]) - (far[0] - far[1])) / (12 * step)
    return Differences(step, slope, abs(near[0] + near[1] - 2 * base) / step)


def _judged(analytic: float, tried: Sequence[Differences], sizes: tuple[float, float], tolerance: float) -> Comparison:
    """The verdict from the three neighbouring steps whose slopes agree best; `sizes` are |C| and the scale."""
    base, scale = sizes
    spreads = [
        max(abs(one.slope - two.slope), abs(two.slope - three.slope)) + EPSILON * base / two.step
        for one, two, three in zip(tried, tried[1:], tried[2:], strict=False)
    ]
    best = int(np.argmin(spreads))
    error, middle = SAFETY * spreads[best], tried[best + 1]
    gap, size = abs(middle.slope - analytic), max(abs(middle.slope), abs(analytic))
    limit = max(tolerance, error / size) if size else tolerance
    result = Comparison(middle.slope, _relative(analytic, middle.slope), limit, AGREES)
    if abs(analytic) <= ZERO * scale and size <= error <= tolerance * scale:
        return result._replace(difference=0.0, limit=tolerance)
    if gap > limit * size:
        return result._replace(verdict=_disagreement(gap, error, base, tried[best + 1 :]))
    if limit > max(LOOSEST, tolerance):
        # Where rounding alone disturbs, the longest steps agree best; where C bends, shorter ones do.
        return result._replace(verdict=STEEP if best else SMALL)
    return result


def _disagreement(gap: float, error: float, base: float, tried: Sequence[Differences]) -> str:
    """Why two slopes differ: a kink, a C that bends within the shorter steps, or a gradient that is wrong."""
    middle, shorter, *shortest = tried
    # On a curve the two sides differ in proportion to the step, at a kink however short it is.
    if shorter.jump > max(0.2 * middle.jump, 0.01 * gap, SAFETY * EPSILON * base / shorter.step):
        return KINK
    bends = (abs(each.slope - middle.slope) > error + NOISE * base / each.step for each in shortest)
    return STEEP if any(bends) else WRONG


def _relative(one: float, other: float) -> float:
    """The difference of two slopes relative to the larger of them."""
    size = max(abs(one), abs(other))
    return abs(one - other) / size if size else 0.0


def input_scales(values: Array) -> Array:
    """One factor per input, (fan_in, 1), by which a weight must move to move z by about 1; `values` (m, fan_in)."""
    sizes = np.sqrt(np.mean(np.square(values), axis=0))
    return np.asarray(1 / np.where(sizes > 0, sizes, 1))[:, np.newaxis]
