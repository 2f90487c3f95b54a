"""How well x predicts y at all, apart from the network: two regressions, each scored on samples that it has not seen.

Where a network has learnt nothing, it may be at fault, or its data. Ridge regression, linear and with a Gaussian
kernel, takes some ten milliseconds, and its leave-one-out errors have a closed form (Hastie, Tibshirani & Friedman, The
Elements of Statistical Learning, 2009, equation 7.64).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glassnet.execution.blas_threads import one_blas_thread
from glassnet.program.parameters import Array
from glassnet.training.history import Predictability

MAX_SAMPLES = 256  # evenly spaced
MIN_SAMPLES = 20
MIN_OCCURRENCES = 10  # of a second value of y, for its share to be estimated
RIDGES = (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)  # with kernels whose diagonal is 1 on average
WIDTHS = (1.0, 0.3, 0.1)  # of the Gaussian kernel, relative to the median distance of two samples


def predictability(x: Array, y: Array) -> Predictability | None:
    """The scores for x (n, inputs) and y (n, outputs); None where there are too few samples to tell."""
    chosen = np.linspace(0, len(x) - 1, min(MAX_SAMPLES, len(x))).astype(np.int64)
    x, y = standardised(x[chosen]), np.asarray(y[chosen], np.float64)
    y = standardised(y, keep_ratios=True)
    if len(x) < MIN_SAMPLES or not y.shape[1] or _occurrences(y) < MIN_OCCURRENCES:
        return None
    with one_blas_thread():  # threads that wait for one another take longer than so few samples
        linear = max(_scores(x @ x.T / max(1, x.shape[1]), y))
        kernel = max(max(_scores(gram, y)) for gram in _gaussian_kernels(x)) if x.shape[1] else linear
    return Predictability(linear, kernel, len(x))


def standardised(columns: Array, keep_ratios: bool = False) -> Array:
    """The columns that vary, in float64 with mean 0 and standard deviation 1, whatever their size.

    With `keep_ratios` one factor scales them all, so that a wider column still counts for more.
    """
    columns = np.asarray(columns, np.float64)
    largest = np.abs(columns).max(axis=0, keepdims=True, initial=0)
    largest = largest.max(keepdims=True, initial=0) if keep_ratios else largest
    columns = columns / np.where(largest > 0, largest, 1)
    columns = columns - columns.mean(axis=0)
    spreads = columns.std(axis=0)
    varies = spreads > 1e-12
    return np.asarray(columns[:, varies] / (1.0 if keep_ratios else spreads[varies]))


def _occurrences(y: Array) -> int:
    """How many samples do not have the most frequent target."""
    _, counts = np.unique(y, axis=0, return_counts=True)
    return int(len(y) - counts.max())


def _gaussian_kernels(x: Array) -> Iterator[Array]:
    """exp(−½ d²/s²) of all pairs of samples, for some widths s."""
    squares = np.square(x).sum(axis=1)
    distances = np.maximum(squares[:, np.newaxis] + squares - 2 * x @ x.T, 0)
    middle = float(np.median(distances[np.triu_indices(len(x), 1)])) or 1.0
    return (np.exp(-0.5 * distances / (middle * width**2)) for width in WIDTHS)


def _scores(gram: Array, y: Array) -> Iterator[float]:
    """1 − (squared leave-one-out errors) / (those of the mean), for each ridge; y has mean 0."""
    n = len(y)
    values, vectors = np.linalg.eigh(gram)
    projected, squares = vectors.T @ y, vectors**2
    of_mean = float(np.square(y).sum()) * (n / (n - 1)) ** 2
    for ridge in RIDGES:
        inverse = 1 / (np.maximum(values, 0) + ridge)
        errors = vectors @ (inverse[:, np.newaxis] * projected) / (squares @ inverse)[:, np.newaxis]
        yield 1 - float(np.square(errors).sum()) / of_mean
