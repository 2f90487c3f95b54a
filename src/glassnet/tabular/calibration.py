"""Calibration: probabilities that mean what they say, by one temperature and, where it clearly pays, isotonic steps.

The temperature is fitted to what members predict for the rows they did not train on, one member per row, and applied to
the average of all members, for which no such rows are left. An average is softer than its members, so that it stays a
little too cautious. The other order, each member at the temperature and then the average, is more cautious still: on
26 letters the log-loss is .059 against .055, and on three tables of two classes both are the same.
docs/why/tabular.md has the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from glassnet.tabular.isotonic import Isotonic
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.plain_data import real
from glassnet.tabular.probabilities import bounded, inplace_softmax, log_sum, safe_log

LOG_SHARPNESS = (-3.0, 3.0)  # the range of log(1 / temperature)
PSEUDO_ROWS = 1.0  # rows with a label drawn at random: they keep the temperature above 0 where no row is wrong


@dataclass(frozen=True)
class Calibration:
    """A temperature for log-probabilities, and isotonic steps for what comes out of it, or None."""

    temperature: float = 1.0
    isotonic: Isotonic | None = None

    @classmethod
    def fit(cls, probabilities: Sequence[Array], labels: Sequence[Array], weights: Sequence[Array]) -> Self:
        """Fit the temperature to the probabilities (rows, classes), labels and weights (rows,) of each holdout.

        The temperature minimises the weighted log-loss of all of them (Guo et al. 2017, section 4.2).
        """
        log_probabilities = safe_log(np.concatenate(probabilities))
        return cls(_temperature(log_probabilities, np.concatenate(labels), np.concatenate(weights)))

    def where_it_helps(self, probabilities: Array, labels: Array, weights: Array) -> Self:
        """Without the temperature where it raises the smoothed log-loss of averaged probabilities (rows, classes)."""
        before, after = (
            -np.average(_smoothed(safe_log(each), labels, weights), weights=weights)
            for each in (probabilities, self.soften(probabilities))
        )
        return replace(self, temperature=1.0) if after > before else self

    def soften(self, probabilities: Array) -> Array:
        """Averaged probabilities (n, classes) at the temperature: softmax(log p / T)."""
        scores = safe_log(probabilities)
        scores /= self.temperature
        inplace_softmax(scores)
        return scores

    def finish(self, probabilities: Array) -> Array:
        """Probabilities (n, classes) after the isotonic steps; never 0, and each row sums to 1."""
        if self.isotonic is not None:
            probabilities = self.isotonic.apply(probabilities)
        return bounded(probabilities)

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data; the isotonic steps are among the `tensors`."""
        classes = 0 if self.isotonic is None else len(self.isotonic.steps)
        return {"temperature": self.temperature, "isotonic": classes}

    def tensors(self) -> dict[str, Array]:
        """Arrays that belong to the JSON, by name."""
        return {} if self.isotonic is None else self.isotonic.tensors()

    @classmethod
    def from_json(cls, document: Mapping[str, Any], tensors: Mapping[str, Array], features: int, outputs: int) -> Self:
        """Rebuild from `to_json` and `tensors`. Raises ValueError, KeyError or TypeError for anything else."""
        temperature, count = real(document["temperature"]), document["isotonic"]
        if type(count) is not int or count not in (0, outputs) or temperature <= 0:
            raise ValueError("calibration")
        return cls(temperature, Isotonic.from_tensors(tensors, count) if count else None)


def _temperature(log_probabilities: Array, labels: Array, weights: Array) -> float:
    """The temperature with the smallest log-loss of labels that are smoothed by one row in all."""
    from scipy.optimize import minimize_scalar

    chosen = _smoothed(log_probabilities, labels, weights)

    def loss(log_sharpness: float) -> float:
        sharpness = np.exp(log_sharpness)
        scaled = log_probabilities * sharpness
        return float(np.average(log_sum(scaled) - sharpness * chosen, weights=weights))

    best = minimize_scalar(loss, bounds=LOG_SHARPNESS, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(-best.x)) if best.fun < loss(0.0) else 1.0


def _smoothed(log_probabilities: Array, labels: Array, weights: Array) -> Array:
    """The log-probability (n,) of each label, where one row in all has a label that is drawn at random."""
    smoothing = PSEUDO_ROWS / (weights.sum() / weights.mean() + PSEUDO_ROWS)
    chosen = log_probabilities[np.arange(len(labels)), labels]
    smoothed: Array = (1 - smoothing) * chosen + smoothing * log_probabilities.mean(axis=1)
    return smoothed


class CalibrationError(NamedTuple):
    """How far probabilities are from the frequencies, and how far perfect ones would seem to be for so few rows."""

    error: float
    expected: float


def calibration_error(probabilities: Array, labels: Array, weights: Array, bins: int = 15) -> CalibrationError:
    """The expected calibration error of the predicted class: |accuracy − confidence|, averaged over bins of equal size.

    Source: Guo et al. 2017, equation 3, with bins of equally many rows instead of equal width.
    """
    confidence = probabilities.max(axis=1)
    gaps = (probabilities.argmax(axis=1) == labels) - confidence
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(bins, len(labels)))
    share = weights / weights.sum()
    variances = share**2 * confidence * (1 - confidence)
    error = sum(abs(float(share[rows] @ gaps[rows])) for rows in parts)
    expected = sum(np.sqrt(2 / np.pi * variances[rows].sum()) for rows in parts)  # the mean of |N(0, σ)| is σ·√(2/π)
    return CalibrationError(error, float(expected))
