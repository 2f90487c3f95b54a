"""Whether a network had better learn the logarithm of a target: for positive values that are skewed to the right.

Prices, incomes and durations vary by shares of themselves. Their logarithm spreads them evenly, so that errors of few
large values do not hide all others. The exponential of a mean of logarithms lies below the mean: smearing corrects it.
"""

from __future__ import annotations

import numpy as np

from glassnet.data.reading import Array

# On 17 such targets of public tables (wages, prices, durations; five splits each), kernel ridge regression on the
# logarithm had 1.3 % less RMSE with smearing (1 % more at worst), 0.4 % less without (3 % more at worst), and 6 % less
# absolute error.
MIN_SKEWNESS = 1.0
MAX_SHARE = 0.5  # of the skewness that may be left in the logarithms
MAX_SMEARING = 2.0
LOG_RANGE = (float(np.log(np.finfo(float).tiny)), float(np.log(np.finfo(float).max)))


def log_advice(columns: Array) -> str:
    """Why the logarithm of the targets (outputs, n) should be learnt; empty if it should not."""
    if columns.size == 0 or (columns <= 0).any():
        return ""
    findings = [(skewness(column), skewness(np.log(column))) for column in columns]
    if any(skew <= MIN_SKEWNESS or abs(of_log) >= MAX_SHARE * skew for skew, of_log in findings):
        return ""
    skew, of_log = (round(number, 1) + 0.0 for number in findings[0])  # + 0.0 makes −0.0 positive
    return f"positive and skewed (skewness {skew:.1f}, that of its logarithm {of_log:.1f}): the logarithm is learnt"


def smearing_factor(values: Array, predictions: Array, weights: Array | None = None) -> float:
    """The mean of positive values (n,) over that of their predictions (n,), weighted; from 1/2 to 2.

    Source: Duan, Smearing Estimate (1983), in the form of a ratio of means.
    """
    size = max(float(values.max()), float(predictions.max()))
    ratio = np.average(values / size, weights=weights) / np.average(predictions / size, weights=weights)
    return float(np.clip(ratio, 1 / MAX_SMEARING, MAX_SMEARING))


def skewness(values: Array) -> float:
    """The mean cube of the standardised values; 0 for constant ones."""
    scaled = values / (np.abs(values).max() or 1.0)
    scaled = scaled - scaled.mean()
    deviation = np.sqrt(np.mean(scaled**2))
    return float(np.mean((scaled / deviation) ** 3)) if deviation > 0 else 0.0
