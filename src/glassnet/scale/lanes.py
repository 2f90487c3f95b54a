"""Which mini-batches each lane of a round trains on: blocks are dealt to lanes, and an epoch is cut into rounds.

It depends on the sizes of the blocks, the settings and the seed alone, never on who runs the lanes. After it, round.py
runs one lane's part of a round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from glassnet.batches.block_order import BlockOrder, Blocks, with_ends
from glassnet.batches.mini_batches import EpochBlock
from glassnet.program.parameters import Array
from glassnet.scale.lane_settings import LaneSettings
from glassnet.scale.round import LanePart


class LanePlan:
    """The mini-batches of a run in lanes, with the interface of BatchPlan.

    An epoch has as many batches as the lane that has most. `sizes` are the numbers of training samples of the blocks;
    block b belongs to lane b mod lanes.
    """

    def __init__(
        self, sizes: Sequence[int], settings: LaneSettings, batch_size: int, key: tuple[int, int], shuffle: bool = True
    ) -> None:
        self.blocks = Blocks(with_ends(sizes), np.arange(len(sizes) + 1))
        self.settings, self.key, self.is_shuffled = settings, key, shuffle
        self.block_batches = -(-self.blocks.sizes // batch_size)
        self.largest_batch = int(min(batch_size, self.blocks.sizes.max()))
        self.batches_per_epoch = epoch_batches_of_lanes(sizes, settings.lanes, batch_size)

    def block(self, epoch: int) -> EpochBlock:
        """The count of the batches of an epoch; only the lanes know which samples they have."""
        nothing = np.empty(0)
        return EpochBlock(epoch, nothing, nothing, nothing, np.array([0, self.batches_per_epoch]))

    def round_steps(self, batch: int) -> int:
        """The number of steps of the round that begins with this batch of an epoch."""
        return min(self.settings.steps_per_round, self.batches_per_epoch - batch)

    def parts(self, epoch: int, batch: int, shuffle: Callable[[Array, Array], None]) -> list[tuple[LanePart, ...]]:
        """What each lane reads in the round that begins with this batch; nothing for a lane that has no more."""
        sequence = np.arange(self.blocks.number)
        if self.is_shuffled:
            sequence = BlockOrder(self.blocks, self.key, epoch, shuffle).sequence
        stop = batch + self.round_steps(batch)
        lanes = self.settings.lanes
        return [self._parts(sequence[sequence % lanes == lane].tolist(), batch, stop) for lane in range(lanes)]

    def _parts(self, blocks: list[int], first: int, stop: int) -> tuple[LanePart, ...]:
        """The batches first .. stop-1 of a lane that reads these blocks one after the other."""
        ends = np.cumsum(self.block_batches[blocks])
        parts = []
        for block, end in zip(blocks, ends.tolist(), strict=True):
            begin = end - int(self.block_batches[block])
            if begin < stop and end > first:
                parts.append(LanePart(block, max(first - begin, 0), min(stop, end) - begin))
        return tuple(parts)


def epoch_batches_of_lanes(sizes: Sequence[int], lanes: int, batch_size: int) -> int:
    """The most batches of an epoch that any lane has."""
    batches = [-(-size // batch_size) for size in sizes]
    return max(sum(batches[lane::lanes]) for lane in range(lanes))
