"""Numbers scaled by their quartiles, with far values bent back smoothly: x / √(1 + (x/3)²), which stays within ±3.

This is how RealMLP prepares numbers (Holzmüller, Grinsztajn, Steinwart: Better by Default, NeurIPS 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from glassnet.data.encodings import Locate, NumberEncoding
from glassnet.data.reading import Array
from glassnet.data.statistics import NumberStatistics

CLIP = 3.0  # the bound of a scaled number
FAR = 1e9  # scaled numbers beyond are at the bound in float32 too
MIN_SPREAD = 1e-300  # of a number that is not constant
FULL = float(np.float32(2 / np.sqrt(1 + (2 / CLIP) ** 2)))  # what robust scale and clip make of a rare 1 among zeros
BLOCK_SIZE = 1 << 16  # numbers that stay in the cache of a core


@dataclass(frozen=True)
class RobustNumber(NumberEncoding):
    """(value − median) · scale, clipped smoothly; scale is 1/(q75 − q25), else 2/(high − low), or 0 for a constant.

    A missing cell counts as the median, which is 0. Where cells were missing in the training rows, a second input is
    `FULL` for missing cells and 0 for others; where none was, the network could not have learnt from such an input.
    """

    kind: ClassVar[str] = "robust"
    summary_name: ClassVar[str] = "number"
    treatment: ClassVar[str] = "scaled by quartiles"
    median: float
    scale: float
    indicator: bool

    @classmethod
    def fit(cls, statistics: NumberStatistics, reading: Any) -> Self:
        """Fit to the numbers of the training rows that are not missing."""
        return cls(*robust_scaling(statistics), statistics.missing > 0)

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        out[:, 0] = robust_scaled(values, self.median, self.scale)
        if self.indicator:
            out[:, -1] = np.isnan(values) * np.float32(FULL)


def robust_scaling(statistics: NumberStatistics) -> tuple[float, float]:
    """Median and scale: 1/(q75 − q25); where the quartiles are equal 2/(high − low); where all numbers are, 0."""
    if not statistics.count:
        return 0.0, 0.0
    low, median, high = statistics.quantiles([0.25, 0.5, 0.75]).tolist()
    if half := _half_spread(low, high):
        return median, 0.5 / half
    half = _half_spread(statistics.low, statistics.high)
    return median, 1 / half if half else 0.0


def robust_scaled(values: Array, median: Array | float, scale: Array | float) -> Array:
    """Numbers scaled and clipped smoothly, float32 of the same shape; 0 where NaN."""
    with np.errstate(over="ignore", under="ignore"):
        scaled = values * 0.5  # halves, so that no difference overflows
        scaled -= np.multiply(median, 0.5)
        scaled *= np.multiply(scale, 2.0)
        np.clip(scaled, -FAR, FAR, out=scaled)
        x: Array = scaled.astype(np.float32)
        np.copyto(x, 0, where=np.isnan(x))
        divisor = np.square(x * np.float32(1 / CLIP))
        divisor += 1
        x /= np.sqrt(divisor, out=divisor)
    return x


def _half_spread(low: float, high: float) -> float:
    """Half of the distance between two numbers; 0 if they are too near to divide by it."""
    half = high / 2 - low / 2
    return half if half > MIN_SPREAD else 0.0
