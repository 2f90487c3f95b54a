"""The order in which an epoch of a run reads its samples."""

from __future__ import annotations

from glassnet.batches.mini_batches import BatchPlan, shuffled
from glassnet.execution.reference import shuffle_into
from glassnet.program.parameters import Array


def epoch_order(samples: int, seed: int, run: int, epoch: int) -> Array:
    """The numbers of all samples, in the order in which they are read; drawn up to this epoch, as longer runs begin."""
    block = BatchPlan(samples, samples, None, shuffled((seed, run), shuffle_into), epoch + 1).block(epoch)
    first = (epoch - block.first_epoch) * samples
    return block.order[first : first + samples]
