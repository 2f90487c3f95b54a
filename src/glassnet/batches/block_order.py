"""An order of the samples that a file on disk can be read in: blocks in a random order, and the samples within each.

A file that is larger than memory is read block by block. Data in memory can be trained in the same order, which then
gives the same bits. Blocks that can only be read one after another, as those of a row group of Parquet, form a group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from glassnet.batches.mini_batches import Orders, block_epochs
from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.program.parameters import Array

SAMPLE_BYTES = 24 << 20  # of a block; of a table fewer, because text and cells become samples beside them
TABLE_SAMPLE_BYTES = 8 << 20
BlocksLike = int | Sequence[int | Sequence[int]]


class Blocks(NamedTuple):
    """Consecutive blocks of samples: the first sample of each, and the first block of each group, with both ends."""

    starts: Array
    groups: Array

    @classmethod
    def of_groups(cls, samples: Sequence[int], largest: int) -> Self:
        """Cut groups of so many samples into blocks of nearly equal size, none with more than `largest` samples.

        Groups that are smaller than a block are joined to the ones after them.
        """
        joined: list[int] = []
        for count in samples:
            if joined and (joined[-1] < largest or count == 0):
                joined[-1] += count
            else:
                joined.append(count)
        if len(joined) > 1 and joined[-1] < largest:
            joined[-2:] = [joined[-2] + joined[-1]]
        counts = [-(-count // largest) for count in joined]
        sizes = [size for count, parts in zip(joined, counts, strict=True) for size in even_parts(count, parts)]
        return cls(with_ends(sizes), with_ends(counts))

    @classmethod
    def even(cls, samples: int, largest: int) -> Self:
        """Blocks of nearly equal size, each its own group."""
        sizes = even_parts(samples, -(-samples // largest))
        return cls(with_ends(sizes), np.arange(len(sizes) + 1))

    @classmethod
    def checked(cls, blocks: Any, samples: int) -> Self:
        """The blocks that a person asks for: the most samples in one, or the number of samples of each.

        A list in the list is a group. Raises ParameterError or ParameterTypeError.
        """
        if isinstance(blocks, (int, np.integer)) and not isinstance(blocks, bool):
            if blocks < 1:
                raise ParameterError(f"blocks is {blocks}; a block has at least 1 sample.")
            return cls.even(samples, int(blocks))
        try:
            groups = [list(group) if isinstance(group, (list, tuple)) else [group] for group in blocks]
            sizes = [int(size) for group in groups for size in group]
        except (TypeError, ValueError):
            kinds = "the largest number of samples in a block, or a list with the number of each"
            raise ParameterTypeError(f"blocks must be {kinds}, not {blocks!r:.60}.") from None
        if min(sizes, default=0) < 1 or sum(sizes) != samples:
            counts = f"blocks have {sum(sizes):,} samples, but the data {samples:,}"
            raise ParameterError(f"{counts}; they must have all of them, and each at least 1.")
        return cls(with_ends(sizes), with_ends(list(map(len, groups))))

    @property
    def number(self) -> int:
        """How many blocks there are."""
        return len(self.starts) - 1

    @property
    def samples(self) -> int:
        """The number of samples in all blocks."""
        return int(self.starts[-1])

    @property
    def sizes(self) -> Array:
        """The number of samples of each block."""
        return np.diff(self.starts)

    def described(self) -> list[int | list[int]]:
        """What `checked` makes the same blocks of."""
        sizes, groups = self.sizes.tolist(), self.groups.tolist()
        lists = [sizes[first:last] for first, last in pairwise(groups)]
        return [group if len(group) > 1 else group[0] for group in lists]

    def of_part(self, chosen: Array) -> Self:
        """The blocks of some of the samples, whose numbers are `chosen` in rising order."""
        return self._replace(starts=np.searchsorted(chosen, self.starts))


class BlockOrder:
    """The order of one epoch, drawn from (seed, run, epoch): `sequence` are the blocks in the order of reading.

    `starts` are the positions in the epoch at which they begin, with the end. What is asked for is drawn when it is
    asked for, so that an epoch of any length takes no memory. `shuffle` is an executor's method.
    """

    def __init__(
        self, blocks: Blocks, key: tuple[int, int], epoch: int, shuffle: Callable[[Array, Array], None]
    ) -> None:
        self.blocks, self.key, self.epoch, self.shuffle = blocks, (*key, epoch), epoch, shuffle
        groups = self._permutation(len(blocks.groups) - 1, 0)
        parts = [np.arange(blocks.groups[group], blocks.groups[group + 1]) for group in groups]
        self.sequence = np.concatenate(parts)
        self.starts = with_ends(blocks.sizes[self.sequence])

    def samples(self, position: int) -> Array:
        """The samples of the block at this place of the sequence, in order, counted from its first one: (n,) int64."""
        block = int(self.sequence[position])
        return self._permutation(int(self.blocks.sizes[block]), block + 1)

    def position(self, position: int) -> int:
        """The place in the sequence of the block to which a position in the epoch belongs."""
        return int(np.searchsorted(self.starts, position, side="right")) - 1

    def fill_into(self, order: Array) -> None:
        """Write the whole order, as numbers of samples (n,)."""
        for position, block in enumerate(self.sequence):
            part = order[self.starts[position] : self.starts[position + 1]]
            np.add(self.samples(position), self.blocks.starts[block], out=part)

    def _permutation(self, count: int, stream: int) -> Array:
        """A permutation, (count,) int64, from the epoch's key and the number of its stream of random numbers."""
        return permutation(self.key, stream, count, self.shuffle)


def permutation(key: tuple[int, ...], stream: int, count: int, shuffle: Callable[[Array, Array], None]) -> Array:
    """A permutation, (count,) int64: of the blocks of an epoch (stream 0), or of the samples of block `stream` − 1.

    `key` is (seed, run, epoch), `shuffle` an executor's method.
    """
    bits = np.random.default_rng([*key, stream]).bit_generator
    draws = bits.random_raw((count + 1) // 2).view(np.uint32)[:count]  # 64 bits are two draws
    order = np.empty((1, count), np.int64)
    shuffle(order, draws[np.newaxis])
    return order[0]


def shuffled_blocks(blocks: Blocks, key: tuple[int, int], shuffle: Callable[[Array, Array], None]) -> Orders:
    """The orders of data in memory: those that a file of the same blocks is read in."""

    def orders(number: int, indices: Array) -> None:
        first_epoch = number * block_epochs(blocks.samples)
        for row, order in enumerate(indices):
            BlockOrder(blocks, key, first_epoch + row, shuffle).fill_into(order)

    return orders


def default_block_samples(x_bytes: int, y_bytes: int, batch_size: int, *, table: bool) -> int:
    """The most samples of a block, from the bytes of a sample and whether the file is a table; two batches at least."""
    size = TABLE_SAMPLE_BYTES if table else SAMPLE_BYTES
    return max(2 * batch_size, size // (x_bytes + y_bytes + 8))  # 8: its number in the order


def even_parts(count: int, parts: int) -> list[int]:
    """The sizes of so many nearly equal parts."""
    return [count * (part + 1) // parts - count * part // parts for part in range(parts)]


def with_ends(sizes: Sequence[int] | Array) -> Array:
    """Where parts of these sizes begin, and the end of the last: (parts + 1,) int64."""
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))]).astype(np.int64)
