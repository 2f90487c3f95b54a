"""Calibration: probabilities that mean what they say, by one temperature and, where it clearly pays, isotonic steps.

The temperature is fitted to what single members predict for the rows they did not train on, and it is applied to each
member before the members are averaged: no row is ever predicted by an average of networks that have all left it out,
so a temperature for the average itself could only be fitted to rows that some of them know. The log-loss is convex, so
the average is at least as good as its calibrated members are on average (Jensen's inequality).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from glassnet.tabular.isotonic import Isotonic
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.plain_data import real

MIN_PROBABILITY = 1e-9  # −log of it is 20.7: no prediction makes a log-loss infinite
LOG_SHARPNESS = (-3.0, 3.0)  # the range of log(1 / temperature)
PSEUDO_ROWS = 1.0  # rows with a label drawn at random: they keep the temperature above 0 where no row is wrong


@dataclass(frozen=True)
class Calibration:
    """A temperature for each member's log-probabilities, and isotonic steps for the averaged probabilities or None."""

    temperature: float = 1.0
    isotonic: Isotonic | None = None

    @classmethod
    def fit(cls, probabilities: Sequence[Array], labels: Sequence[Array], weights: Sequence[Array]) -> Self:
        """Fit the temperature to the probabilities (rows, classes), labels and weights (rows,) of each holdout.

        The temperature minimises the weighted log-loss of all of them (Guo et al. 2017, section 4.2).
        """
        log_probabilities = safe_log(np.concatenate(probabilities))
        return cls(_temperature(log_probabilities, np.concatenate(labels), np.concatenate(weights)))

    def soften(self, probabilities: Array) -> Array:
        """One member's probabilities (n, classes) at the temperature: softmax(log p / T)."""
        return softmax(safe_log(probabilities) / self.temperature)

    def finish(self, probabilities: Array) -> Array:
        """The averaged probabilities (n, classes) after the isotonic steps; never 0, rows sum to 1."""
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
    def from_json(cls, document: Mapping[str, Any], tensors: Mapping[str, Array], classes: int) -> Self:
        """Rebuild from `to_json` and `tensors`. Raises ValueError, KeyError or TypeError for anything else."""
        temperature, count = real(document["temperature"]), document["isotonic"]
        if type(count) is not int or count not in (0, classes) or temperature <= 0:
            raise ValueError("calibration")
        return cls(temperature, Isotonic.from_tensors(tensors, count) if count else None)


def _temperature(log_probabilities: Array, labels: Array, weights: Array) -> float:
    """The temperature with the smallest log-loss of labels that are smoothed by one row in all."""
    from scipy.optimize import minimize_scalar

    smoothing = PSEUDO_ROWS / (weights.sum() / weights.mean() + PSEUDO_ROWS)
    rows = np.arange(len(labels))
    chosen = (1 - smoothing) * log_probabilities[rows, labels] + smoothing * log_probabilities.mean(axis=1)

    def loss(log_sharpness: float) -> float:
        sharpness = np.exp(log_sharpness)
        scaled = log_probabilities * sharpness
        return float(np.average(log_sum(scaled) - sharpness * chosen, weights=weights))

    best = minimize_scalar(loss, bounds=LOG_SHARPNESS, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(-best.x)) if best.fun < loss(0.0) else 1.0


def safe_log(probabilities: Array) -> Array:
    """The logarithm of probabilities, with 0 raised to MIN_PROBABILITY, in float64."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), MIN_PROBABILITY))


def bounded(probabilities: Array) -> Array:
    """Probabilities (n, classes) of at least MIN_PROBABILITY, each row with the sum 1."""
    raised = np.maximum(probabilities, MIN_PROBABILITY)
    return raised / raised.sum(axis=1, keepdims=True)


def softmax(scores: Array) -> Array:
    """exp(z) / Σ exp(z) of each row (n, classes)."""
    return np.exp(scores - log_sum(scores)[:, None])


def log_sum(scores: Array) -> Array:
    """log Σ exp(z) of each row (n,), without overflow."""
    largest = scores.max(axis=1)
    return largest + np.log(np.exp(scores - largest[:, None]).sum(axis=1))


def log_losses(probabilities: Array, labels: Array) -> Array:
    """−log p of each row's class (n,)."""
    return -safe_log(probabilities[np.arange(len(labels)), labels])


def calibration_error(probabilities: Array, labels: Array, weights: Array, bins: int = 15) -> float:
    """The expected calibration error of the predicted class: |accuracy − confidence|, averaged over bins of equal size.

    Source: Guo et al. 2017, equation 3, with bins of equally many rows instead of equal width. A perfect model of n
    rows still shows about 0.4·√(bins/n), because the accuracy of a bin is uncertain.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(bins, len(labels)))
    gaps = [abs(np.sum(weights[rows] * (correct[rows] - confidence[rows]))) for rows in parts]
    return float(sum(gaps) / weights.sum())
