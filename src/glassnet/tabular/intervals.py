"""Prediction intervals and quantiles of a regression: split conformal prediction, normalised by a difficulty.

The scores are errors on rows that the members did not train on, each divided by the difficulty of its row, for which
the row itself was not used either. An interval goes from one order statistic of the scores to another, times the
difficulty of the new row.

Guaranteed, for new rows drawn as the fitted ones were: with one member and a fixed difficulty, coverage of at least
what was asked, on average over rows (not for each kind of row). Members that each predict their own holdout and are
then averaged follow the cross-conformal scheme (CV+), whose guarantee is weaker, 1 − 2α; its coverage in practice is
near 1 − α, or slightly above, because the average errs less than the single members whose errors are counted.

Source: Lei et al. 2018, Distribution-free predictive inference for regression, section 5.2; Barber et al. 2021,
Predictive inference with the jackknife+, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from glassnet.array_likes import short_repr, to_float
from glassnet.data.copies import copies_among, random_parts
from glassnet.errors import ParameterError
from glassnet.tabular.difficulty import Difficulty
from glassnet.tabular.linear_inputs import sampled_rows
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.plain_data import matrix

MAX_SCORES = 20_000
MIN_ROWS = 200  # with fewer, every row counts as equally difficult
HALVES = 2


@dataclass(frozen=True)
class OutputIntervals:
    """The intervals of one output: sorted scores (n,), and the difficulties by each half of the rows, averaged.

    Without difficulties the scores are errors.
    """

    scores: Array
    difficulties: tuple[Difficulty, ...] = ()

    @classmethod
    def fit(cls, x: Array, predictions: Array, y: Array, copies: Array | None = None) -> Self:
        """Fit to inputs (n, features), predictions (n,) without the row, and targets (n,); copies share a half."""
        errors = y - predictions
        if len(y) < MIN_ROWS or not np.any(errors):
            return cls(_thinned(np.sort(errors)))
        halves = random_parts(len(y), HALVES, np.random.default_rng(0), copies)
        scores, difficulties = np.empty(len(y)), []
        for half in range(HALVES):
            rows, others = halves == half, halves != half
            difficulties.append(Difficulty.fit(x[rows], predictions[rows], errors[rows]))
            scores[others] = errors[others] / difficulties[-1](x[others], predictions[others])
        return cls(_thinned(np.sort(scores)), tuple(difficulties))

    def scale(self, x: Array, predictions: Array) -> Array:
        """The difficulty (n,) of each row."""
        if not self.difficulties:
            return np.ones(len(x))
        sizes = [difficulty(x, predictions) for difficulty in self.difficulties]
        return np.asarray(np.mean(sizes, axis=0))

    def bounds(self, tail: float) -> tuple[float, float]:
        """The scores below and above which a new row's score falls with at most the probability `tail` each."""
        count = len(self.scores)
        below = int(np.floor((count + 1) * tail + 1e-9))
        return float(self.scores[below - 1]), float(self.scores[count - below])

    def quantiles(self, levels: Array) -> Array:
        """The quantiles (levels,) of a new row's score."""
        count = len(self.scores)
        return np.interp(levels * (count + 1), np.arange(1, count + 1), self.scores)


@dataclass(frozen=True)
class Intervals:
    """The intervals of all outputs, in the units in which they were fitted."""

    outputs: tuple[OutputIntervals, ...]

    @classmethod
    def fit(cls, x: Array, predictions: Array, y: Array, copies: Array | None = None) -> Self:
        """Fit to inputs (n, features), predictions (n, outputs) without the row, and targets (n, outputs).

        `copies` (n,) are the first of these rows with the same cells, or None where all rows differ.
        """
        rows = sampled_rows(np.zeros(len(x)), None, x.shape[1], 1)
        x, predictions, y, copies = x[rows], predictions[rows], y[rows], copies_among(rows, copies)
        return cls(tuple(OutputIntervals.fit(x, predictions[:, k], y[:, k], copies) for k in range(y.shape[1])))

    def interval(self, x: Array, predictions: Array, coverage: float) -> Array:
        """Lower and upper bound (n, outputs, 2) around predictions (n, outputs); each misses by (1 − coverage) / 2.

        Raises ParameterError (a ValueError) for a coverage that the number of scores cannot give.
        """
        if not 0 < coverage < 1:
            raise ParameterError(f"coverage must be above 0 and below 1, not {short_repr(coverage)}.")
        tail = (1 - coverage) / 2
        self._check(tail, f"coverage {coverage:g}", f"a coverage of {1 - 2 / (self._count + 1):.3g} or less")
        return self._around(x, predictions, [np.array(output.bounds(tail)) for output in self.outputs])

    def quantiles(self, x: Array, predictions: Array, quantiles: Iterable[float]) -> Array:
        """Quantiles (n, outputs, levels) of the target, which rise with the level, for levels between 0 and 1.

        Raises ParameterError (a ValueError) for a level that the number of scores cannot give.
        """
        try:
            levels = np.array([to_float(level) for level in quantiles])
        except (TypeError, ValueError):
            levels = np.array([])
        if not len(levels) or not ((levels > 0) & (levels < 1)).all():
            raise ParameterError("quantiles must be numbers above 0 and below 1, such as [0.1, 0.5, 0.9].")
        lowest = float(np.minimum(levels, 1 - levels).min())
        least = 1 / (self._count + 1)
        self._check(lowest, "the most extreme of these quantiles", f"quantiles from {least:.3g} to {1 - least:.3g}")
        return self._around(x, predictions, [output.quantiles(levels) for output in self.outputs])

    @property
    def _count(self) -> int:
        return len(self.outputs[0].scores)

    def _check(self, tail: float, what: str, advice: str) -> None:
        needed = int(np.ceil(1 / tail - 1 - 1e-9))
        if self._count < needed:
            has = f"{what} needs {needed:,} rows that were left out of training; there are {self._count:,}"
            raise ParameterError(f"{has}: ask for {advice}.")

    def _around(self, x: Array, predictions: Array, scores: list[Array]) -> Array:
        parts = [
            predictions[:, k, None] + output.scale(x, predictions[:, k])[:, None] * scores[k]
            for k, output in enumerate(self.outputs)
        ]
        return np.stack(parts, axis=1)

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data; scores and difficulties are among the `tensors`."""
        return {"difficulties": [len(output.difficulties) for output in self.outputs]}

    def tensors(self) -> dict[str, Array]:
        """Arrays that belong to the JSON, by name."""
        arrays = {f"scores{k}": output.scores for k, output in enumerate(self.outputs)}
        for k, output in enumerate(self.outputs):
            for half, difficulty in enumerate(output.difficulties):
                arrays |= {f"{_prefix(k, half)}{name}": array for name, array in difficulty.tensors().items()}
        return arrays

    @classmethod
    def from_json(cls, document: Mapping[str, Any], tensors: Mapping[str, Array], features: int, outputs: int) -> Self:
        """Rebuild from `to_json` and `tensors`. Raises ValueError, KeyError or TypeError for anything else."""
        counts = document["difficulties"]
        if not isinstance(counts, list) or len(counts) != outputs or any(count not in (0, HALVES) for count in counts):
            raise ValueError("intervals")
        parts = []
        for k, count in enumerate(counts):
            scores = matrix(tensors[f"scores{k}"], -1)
            if not len(scores) or (np.diff(scores) < 0).any():
                raise ValueError("scores")
            models = [Difficulty.from_tensors(tensors, _prefix(k, half), features) for half in range(count)]
            parts.append(OutputIntervals(scores, tuple(models)))
        return cls(tuple(parts))


def _prefix(output: int, half: int) -> str:
    return f"output{output}_half{half}_"


def _thinned(scores: Array) -> Array:
    """At most MAX_SCORES of the sorted scores, evenly spaced."""
    if len(scores) <= MAX_SCORES:
        return scores
    return scores[np.linspace(0, len(scores) - 1, MAX_SCORES).round().astype(np.int64)]
