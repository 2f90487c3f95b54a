"""Numbers scaled by their quartiles, with far values bent back smoothly: x / √(1 + (x/3)²), which stays within ±3.

This is how RealMLP prepares numbers (Holzmüller, Grinsztajn, Steinwart: Better by Default, NeurIPS 2024). Bins, which
TabM's authors add for sharp steps (Gorishniy et al.: On Embeddings for Numerical Features, 2022), stand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from glassnet.data.encodings import Locate, Serializable
from glassnet.data.reading import Array
from glassnet.data.statistics import NumberStatistics

CLIP = 3.0  # the bound of a scaled number
FAR = 1e9  # scaled numbers beyond are at the bound in float32 too
MIN_SPREAD = 1e-300  # of a number that is not constant
FULL = float(np.float32(2 / np.sqrt(1 + (2 / CLIP) ** 2)))  # what robust scale and clip make of a rare 1 among zeros
BLOCK_SIZE = 1 << 16  # numbers that stay in the cache of a core
MIN_EDGES = 3  # of bins; fewer say nothing that the number does not


@dataclass(frozen=True)
class RobustNumber(Serializable):
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

    @property
    def input_kinds(self) -> list[str]:
        """What each input is."""
        return ["number", "indicator"] if self.indicator else ["number"]

    def features(self, name: str) -> list[str]:
        """The names of the network's inputs that come from this column."""
        return [name, f"{name} is missing"] if self.indicator else [name]

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        out[:, 0] = robust_scaled(values, self.median, self.scale)
        if self.indicator:
            out[:, -1] = np.isnan(values) * np.float32(FULL)


@dataclass(frozen=True)
class BinnedNumber(RobustNumber):
    """A robust number, and for each bin from a to b how far the value has passed it: (value − a)/(b − a) as −1 to 1.

    The edges are different quantiles of the training rows. A missing cell counts as the median here too.
    """

    kind: ClassVar[str] = "binned"
    treatment: ClassVar[str] = "scaled by quartiles and in bins"
    edges: list[float] = field(default_factory=list)

    @classmethod
    def fit(cls, statistics: NumberStatistics, reading: Any, bins: int = 16) -> Self:
        """Fit to the numbers of the training rows, with at most `bins` bins."""
        edges = bin_edges(statistics, bins) if statistics.count else []
        return cls(*robust_scaling(statistics), statistics.missing > 0, edges)

    @property
    def input_kinds(self) -> list[str]:
        """What each input is."""
        return ["number", *["bin"] * max(len(self.edges) - 1, 0), *["indicator"] * self.indicator]

    def features(self, name: str) -> list[str]:
        """The names of the network's inputs that come from this column."""
        bins = [f"{name} ≥ {edge}" for edge in distinct_texts(self.edges[:-1])]
        return [name, *bins, *([f"{name} is missing"] if self.indicator else [])]

    def encode_into(self, values: Array, out: Array, locate: Locate) -> None:
        """Write the inputs of all rows into `out` (n, features), float32."""
        super().encode_into(values, out, locate)
        if self.edges:
            self.encode_bins_into(values, out)

    def encode_bins_into(self, values: Array, out: Array) -> None:
        """Write the bins alone: all below the bin of a value are 1, all above it −1."""
        values = np.where(np.isnan(values), self.median, values)
        inner, halves, widths, below = self._bins
        bins = np.searchsorted(inner, values, side="right")
        out[:, 1 : 1 + len(widths)] = below.take(bins, axis=0)
        passed = np.clip(values / 2 - halves[bins], 0, widths[bins]) / widths[bins]
        out[np.arange(len(values)), 1 + bins] = 2 * passed - 1

    @cached_property
    def _bins(self) -> tuple[Array, Array, Array, Array]:
        """The inner edges; half of the lower edges and widths, so that nothing overflows; the bins below each bin."""
        halves = np.array(self.edges) / 2
        count = len(halves) - 1
        return np.array(self.edges[1:-1]), halves[:-1], np.diff(halves), 2 * np.tri(count, k=-1, dtype=np.float32) - 1


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


def bin_edges(statistics: NumberStatistics, bins: int) -> list[float]:
    """What bounds at most `bins` bins: the different values if they are few, else quantiles; empty below two bins."""
    edges = np.unique(statistics.sample)
    if len(edges) > bins + 1:
        edges = np.unique(statistics.quantiles(np.linspace(0, 1, bins + 1)))
    wide = np.diff(edges / 2, prepend=-np.inf) > MIN_SPREAD
    edges = edges[wide]
    return edges.tolist() if len(edges) >= MIN_EDGES else []


def distinct_texts(numbers: list[float]) -> list[str]:
    """Different numbers as different texts, with six digits or as many as it takes."""
    texts = ([f"{number:.{digits}g}" for number in numbers] for digits in range(6, 18))
    return next(candidate for candidate in texts if len(set(candidate)) == len(numbers))


def _half_spread(low: float, high: float) -> float:
    """Half of the distance between two numbers; 0 if they are too near to divide by it."""
    half = high / 2 - low / 2
    return half if half > MIN_SPREAD else 0.0
