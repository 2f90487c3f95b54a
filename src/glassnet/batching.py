"""The order of the samples and the cutting into mini-batches: from a seed to what every step reads.

The order of an epoch depends on (seed, run, epoch) alone, so that a run can be taken up at any step.
"""

from __future__ import annotations

import numpy as np

from glassnet.parameters import Array


def epoch_order(samples: int, seed: int, run: int, epoch: int, shuffle: bool = True) -> Array:
    """The places of all samples in the order in which this epoch reads them."""
    if not shuffle:
        return np.arange(samples)
    return np.random.default_rng([seed, run, epoch]).permutation(samples)


def epoch_batches(samples: int, batch_size: int) -> Array:
    """(first, m) of each mini-batch; the last one is smaller where the samples do not divide."""
    first = np.arange(0, samples, batch_size, dtype=np.int64)
    return np.stack([first, np.minimum(batch_size, samples - first)], axis=1)


def batch_weights(weights: Array | None, order: Array, batches: Array) -> Array:
    """Σw of each mini-batch; without weights the number of its samples."""
    if weights is None:
        return batches[:, 1].astype(np.float64)
    return np.add.reduceat(weights[order], batches[:, 0])


def split_validation(samples: int, fraction: float, seed: int) -> tuple[Array, Array]:
    """Places for training and for validation: a share drawn from the seed, each in rising order."""
    held = np.random.default_rng([seed, 2**31]).permutation(samples)[: max(1, round(samples * fraction))]
    chosen = np.zeros(samples, bool)
    chosen[held] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
