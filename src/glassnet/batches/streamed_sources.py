"""The data of a run that lie in a file and are read block by block, with the interface of Sources.

A run trains on all samples or on all but those that are held out of each block to validate it. `loaded` gives what some
steps read as arrays in memory, from any kind of sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from glassnet.batches.block_order import BlockOrder, Blocks
from glassnet.batches.mini_batches import EpochBlock, StepRange, epoch_batches
from glassnet.batches.sources import Sources, held_out_count, split_indices
from glassnet.batches.sparse import on_demand
from glassnet.batches.window import SLOTS, RowReader, Window, window_buffers
from glassnet.program.parameters import Array

SAMPLED_BLOCKS = 4  # from which samples for a diagnosis are taken


class Shape(NamedTuple):
    """What an array of samples would be: (samples, ...) and its dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def of_sample(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """The shape of one sample, and the dtype."""
        return self.shape[1:], self.dtype


class SampleFile(Protocol):
    """A file as samples: what x (n, fan_in) and y (n, ...) would be, a hash of the contents, and readers of it."""

    x: Shape
    y: Shape
    digest: str

    def reader(self) -> RowReader:
        """Open the file once more."""


class HeldOut(NamedTuple):
    """A fraction of the samples of every block that is held out for validation, drawn from the seed."""

    fraction: float
    seed: int

    def split(self, blocks: Blocks, block: int) -> tuple[Array, Array]:
        """The samples of a block to train on and to validate with, counted from its first one, in rising order."""
        return self.of_block(block, int(blocks.sizes[block]))

    def of_block(self, block: int, samples: int) -> tuple[Array, Array]:
        """The same for a block of so many samples."""
        return split_indices(samples, self.fraction, (self.seed, block))

    def counts(self, blocks: Blocks) -> Array:
        """How many samples of each block are held out."""
        return np.array([held_out_count(size, self.fraction) for size in blocks.sizes.tolist()])


class StreamedSources:
    """Samples of a file to train on. `blocks` are those of all its rows; the training samples of each are a block."""

    weights = None

    def __init__(self, file: SampleFile, blocks: Blocks, held_out: HeldOut | None = None) -> None:
        self.file, self.rows, self.held_out = file, blocks, held_out
        self.blocks = blocks
        if held_out is not None:
            counts = blocks.sizes - held_out.counts(blocks)
            self.blocks = blocks._replace(starts=np.concatenate([[0], np.cumsum(counts)]))
        self.x, self.y = (Shape((self.blocks.samples, *of.shape[1:]), of.dtype) for of in (file.x, file.y))
        self.digest = f"{file.digest} {held_out}"
        self._orders: dict[tuple[int, int], Array] = {}

    def _chosen(self, block: int) -> Array | None:
        """The rows of a block that are trained on, counted from its first; None for all."""
        return None if self.held_out is None else self.held_out.split(self.rows, block)[0]

    def window(self, order: Callable[[int], BlockOrder] | None = None) -> Window:
        """A window on the file; `order` gives the BlockOrder of an epoch, and may be named later."""
        buffers = window_buffers(int(self.rows.sizes.max()), self.file.x.of_sample(), self.file.y.of_sample())
        return Window(self.file.reader, buffers, self.rows.starts, order)

    def window_rows(self, window: Window, order: BlockOrder, first: int, last: int) -> Array:
        """The rows of a window's x and y that are the samples at the positions first .. last-1 of an epoch."""
        parts = self._parts(order, first, last)
        return np.concatenate([part + window.slot(order, position) for position, part in parts])

    def numbers(self, order: BlockOrder, first: int, last: int) -> Array:
        """The rows of the file that are the samples at these positions of an epoch."""
        parts = self._parts(order, first, last)
        return np.concatenate([part + self.rows.starts[order.sequence[position]] for position, part in parts])

    def _parts(self, order: BlockOrder, first: int, last: int) -> Iterator[tuple[int, Array]]:
        """The places of the blocks of these positions, each with its rows, counted from the first of the block."""
        for position in range(order.position(first), order.position(last - 1) + 1):
            begin, end = int(order.starts[position]), int(order.starts[position + 1])
            yield position, self._samples(order, position)[max(first - begin, 0) : min(last, end) - begin]

    def _samples(self, order: BlockOrder, position: int) -> Array:
        """The rows of a block in the order of an epoch; the last ones that were asked for are kept."""
        key = (order.epoch, position)
        if key not in self._orders:
            samples, chosen = order.samples(position), self._chosen(int(order.sequence[position]))
            self._orders[key] = samples if chosen is None else chosen[samples]
            for old in list(self._orders)[:-SLOTS]:
                del self._orders[old]
        return self._orders[key]

    def samples(self, count: int) -> Sources:
        """Some samples, evenly spread over a few blocks."""
        blocks = np.unique(np.linspace(0, self.rows.number - 1, SAMPLED_BLOCKS).astype(int)).tolist()
        reader, parts = self.file.reader(), []
        try:
            for number, block in enumerate(blocks):
                wanted = count * (number + 1) // len(blocks) - count * number // len(blocks)
                parts.append(self._spread(reader, block, wanted))
        finally:
            reader.close()
        return Sources(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _spread(self, reader: RowReader, block: int, count: int) -> tuple[Array, Array]:
        """Up to `count` training samples of a block, from runs of neighbours: a run is read at once."""
        first, size = int(self.rows.starts[block]), int(self.rows.sizes[block])
        chosen = self._chosen(block)
        rows = np.arange(size) if chosen is None else chosen
        rows = rows[: 2 * count][np.linspace(0, min(len(rows), 2 * count) - 1, min(count, len(rows))).astype(int)]
        arrays = [np.empty((rows[-1] + 1, *shape), dtype) for shape, dtype in map(Shape.of_sample, (self.x, self.y))]
        reader.read_into(first, *arrays)
        return arrays[0][rows], arrays[1][rows]


class StreamedValidation:
    """The samples of a file that validate a run, read in order: those that are held out, or all of another file."""

    weights = None

    def __init__(self, file: SampleFile, blocks: Blocks, held_out: HeldOut | None = None) -> None:
        self.file, self.rows, self.held_out = file, blocks, held_out
        count = blocks.samples if held_out is None else int(held_out.counts(blocks).sum())
        self.x, self.y = (Shape((count, *of.shape[1:]), of.dtype) for of in (file.x, file.y))
        self.digest = f"{file.digest} {held_out}"

    def parts(self, size: int) -> Iterator[Sources]:
        """All samples in order, `size` at a time."""
        reader = self.file.reader()
        try:
            waiting: list[tuple[Array, Array]] = []
            count = 0
            for x, y in self._pieces(reader, size):
                waiting.append((x, y))
                count += len(x)
                if count >= size:
                    joined = [np.concatenate(arrays) for arrays in zip(*waiting, strict=True)]
                    for first in range(0, count - size + 1, size):
                        yield Sources(*(array[first : first + size] for array in joined))
                    waiting = [(joined[0][count // size * size :], joined[1][count // size * size :])]
                    count %= size
            if count:
                yield Sources(*(np.concatenate(arrays) for arrays in zip(*waiting, strict=True)))
        finally:
            reader.close()

    def _pieces(self, reader: RowReader, size: int) -> Iterator[tuple[Array, Array]]:
        """The samples in pieces of any size."""
        shapes = [Shape.of_sample(shape) for shape in (self.file.x, self.file.y)]
        for block in range(self.rows.number):
            first, last = self.rows.starts[block : block + 2].tolist()
            chosen = np.arange(last - first) if self.held_out is None else self.held_out.split(self.rows, block)[1]
            for begin in range(0, last - first, size):
                count = min(size, last - first - begin)
                rows = chosen[np.searchsorted(chosen, begin) : np.searchsorted(chosen, begin + count)] - begin
                x, y = (np.empty((count, *shape), dtype) for shape, dtype in shapes)
                reader.read_into(first + begin, x, y)
                yield x[rows], y[rows]


class LoadedRows:
    """Some rows of a file in memory, looked up by their numbers in it."""

    def __init__(self, numbers: Array, rows: Array) -> None:
        order = np.argsort(numbers)
        self.numbers, self.rows = numbers[order], rows[order]

    def __getitem__(self, numbers: Array) -> Array:
        found: Array = self.rows[np.searchsorted(self.numbers, numbers)]
        return found


class EvenBatches:
    """The (first, m) of the mini-batches of an epoch, made for the slice that is asked for."""

    def __init__(self, samples: int, size: int) -> None:
        self.samples, self.size = samples, size

    def __len__(self) -> int:
        return -(-self.samples // self.size)

    def __getitem__(self, numbers: slice) -> Array:
        first, last, _ = numbers.indices(len(self))
        samples = min(last * self.size, self.samples) - first * self.size
        return epoch_batches(samples, self.size) + np.array([first * self.size, 0])


class EvenWeights(EvenBatches):
    """The weights of the same mini-batches: their numbers of samples."""

    def __getitem__(self, numbers: slice) -> Array:
        weights: Array = super().__getitem__(numbers)[:, 1].astype(np.float64)
        return weights


class StreamPlan:
    """The mini-batches of a run on streamed sources, with the interface of BatchPlan; a block of it is one epoch."""

    def __init__(self, blocks: Blocks, batch_size: int, key: tuple[int, int], shuffle: Any) -> None:
        self.batches, self.weights = EvenBatches(blocks.samples, batch_size), EvenWeights(blocks.samples, batch_size)
        self.batches_per_epoch, self.largest_batch = len(self.batches), min(batch_size, blocks.samples)
        self.order = lru_cache(2)(partial(BlockOrder, blocks, key, shuffle=shuffle))

    def block(self, epoch: int) -> EpochBlock:
        """The mini-batches of an epoch."""
        starts = np.array([0, self.batches_per_epoch])
        return EpochBlock(epoch, self.order(epoch), self.batches, self.weights, starts)


def loaded(sources: Any, steps: StepRange) -> tuple[Sources, StepRange]:
    """The data that some steps read, in memory or, of a sparse x, made dense where it is indexed; and these steps."""
    if isinstance(sources, StreamedSources):
        return _loaded_from_file(sources, steps)
    return sources._replace(x=on_demand(sources.x)), steps


def _loaded_from_file(sources: StreamedSources, steps: StepRange) -> tuple[Sources, StepRange]:
    order, first = steps.order, int(steps.batches[0, 0])
    last = int(steps.batches[-1].sum())
    window = sources.window(lambda epoch: order)
    try:
        window.load(order, first, last)
        rows = sources.window_rows(window, order, first, last)
        numbers = sources.numbers(order, first, last)
        x, y = (LoadedRows(numbers, array[rows]) for array in (window.x, window.y))
    finally:
        window.close()
    return Sources(x, y), steps._replace(order=numbers, batches=steps.batches - [first, 0])  # type: ignore[arg-type]
