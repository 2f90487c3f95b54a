"""Whether a network had better learn the logarithm of a target: for positive values that are skewed to the right.

Prices, incomes and durations vary by shares of themselves. Their logarithm spreads them evenly, so that errors of few
large values do not hide all others.
"""

from __future__ import annotations

import numpy as np

from glassnet.data.reading import Array

MIN_SKEWNESS = 1.0  # above it, a distribution counts as highly skewed
MAX_SHARE = 0.5  # of the skewness that may be left in the logarithms
MIN_RATIO = 10.0  # between the 99 % and the 1 % quantile
LOG_RANGE = (float(np.log(np.finfo(float).tiny)), float(np.log(np.finfo(float).max)))


def log_advice(columns: Array) -> str:
    """Why the logarithm of the targets (outputs, n) should be learnt; empty if it should not."""
    if columns.size == 0 or (columns <= 0).any():
        return ""
    findings = [(skewness(column), skewness(np.log(column)), _ratio(column)) for column in columns]
    if not all(
        skew > MIN_SKEWNESS and abs(of_log) < MAX_SHARE * skew and ratio > MIN_RATIO for skew, of_log, ratio in findings
    ):
        return ""
    skew, of_log, _ = findings[0]
    return f"positive and skewed (skewness {skew:.1f}, that of its logarithm {of_log:.1f}): the logarithm is learnt"


def skewness(values: Array) -> float:
    """The mean cube of the standardised values; 0 for constant ones."""
    scaled = values / np.abs(values).max()
    scaled = scaled - scaled.mean()
    deviation = np.sqrt(np.mean(scaled**2))
    return float(np.mean((scaled / deviation) ** 3)) if deviation > 0 else 0.0


def _ratio(values: Array) -> float:
    low, high = np.log(np.quantile(values / values.max(), [0.01, 0.99]).clip(np.finfo(float).tiny))
    return float(np.exp(min(high - low, 700.0)))
