"""Probabilities (n, classes) of rows: their logarithms and losses without overflow and without infinity."""

from __future__ import annotations

import numpy as np

from glassnet.tabular.out_of_holdout import Array

MIN_PROBABILITY = 1e-9  # −log of it is 20.7: no prediction makes a log-loss infinite


def safe_log(probabilities: Array) -> Array:
    """The logarithm of probabilities, with 0 raised to MIN_PROBABILITY, in float64."""
    raised: Array = np.maximum(np.asarray(probabilities, np.float64), MIN_PROBABILITY)
    return np.log(raised, out=raised)


def bounded(probabilities: Array) -> Array:
    """Probabilities (n, classes) of at least MIN_PROBABILITY, each row with the sum 1."""
    raised: Array = np.maximum(probabilities, MIN_PROBABILITY)
    raised /= raised.sum(axis=1, keepdims=True)
    return raised


def softmax(scores: Array) -> Array:
    """exp(z) / Σ exp(z) of each row (n, classes), without overflow."""
    powers = scores.copy()
    inplace_softmax(powers)
    return powers


def inplace_softmax(scores: Array) -> None:
    """Replace scores (n, classes) by their softmax: of many rows, new arrays take as long as the arithmetic."""
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)


def log_sum(scores: Array) -> Array:
    """log Σ exp(z) of each row (n,), without overflow."""
    largest = scores.max(axis=1)
    return largest + np.log(np.exp(scores - largest[:, None]).sum(axis=1))


def log_losses(probabilities: Array, labels: Array) -> Array:
    """−log p of each row's class (n,)."""
    return -safe_log(probabilities[np.arange(len(labels)), labels])
