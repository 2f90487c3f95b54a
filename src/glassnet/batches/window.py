"""The blocks of a file that a run reads next, in fixed memory that a thread fills while the run computes.

Three blocks fit: the one that is learnt, the next, which a mini-batch may reach into, and one that is being read. The
buffers never move, so that the engine reads the samples in place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from glassnet.batches.block_order import BlockOrder
from glassnet.program.parameters import Array

OrderOfEpoch = Callable[[int], BlockOrder]
SLOTS = 3
WAIT_SECONDS = 0.5  # after which a waiting run looks again whether Ctrl-C was pressed


class RowReader(Protocol):
    """An open file whose rows are read as samples."""

    def read_into(self, first: int, x: Array, y: Array) -> None:
        """Fill x (n, fan_in) and y (n, ...) with the samples from `first` on. Raises DataError."""

    def close(self) -> None:
        """Close the file."""


class Window:
    """The blocks that are in memory; x and y hold SLOTS blocks of `largest` samples, one after the other.

    `row_starts` are the first rows of the blocks in the file, and `order` gives the BlockOrder of an epoch. Blocks are
    counted through all epochs: number n is in epoch n // blocks per epoch.
    """

    def __init__(
        self,
        open_file: Callable[[], RowReader],
        buffers: tuple[Array, Array],
        row_starts: Array,
        order: OrderOfEpoch | None = None,
    ) -> None:
        self.open_file, (self.x, self.y), self.row_starts, self.order = open_file, buffers, row_starts, order
        self.reader: RowReader | None = None  # opened by the thread
        self.per_epoch, self.largest = len(row_starts) - 1, len(self.x) // SLOTS
        self.changed = threading.Condition()
        self.oldest = self.next = 0  # the numbers of the oldest block that is in use, and of the next that is read
        self.restarts, self.closed = 0, False
        self.failure: BaseException | None = None  # of the next block
        self.thread: threading.Thread | None = None

    def load(self, order: BlockOrder, first: int, last: int) -> int:
        """Wait until the samples at the positions first .. last-1 of an epoch are there.

        Return the position up to which all others are there, too. Blocks before `first` may be overwritten from now
        on. Raises DataError where the file cannot be read.
        """
        begin = order.epoch * self.per_epoch
        oldest, newest = begin + order.position(first), begin + order.position(last - 1)
        if newest - oldest >= SLOTS:
            raise RuntimeError("a mini-batch reaches over more blocks than the window holds")
        with self.changed:
            self._start(oldest)
            self.oldest = oldest
            self.changed.notify_all()
            while self.next <= newest:
                if self.failure is not None:
                    failure, self.failure = self.failure, None
                    raise failure
                self.changed.wait(WAIT_SECONDS)
            return int(order.starts[min(self.next - begin, self.per_epoch)])

    def slot(self, order: BlockOrder, position: int) -> int:
        """The row of x and y at which a block of an epoch begins, by its place in the epoch."""
        return (order.epoch * self.per_epoch + position) % SLOTS * self.largest

    def close(self) -> None:
        """End the thread and close the file."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        if self.thread is not None:
            self.thread.join()
        if self.reader is not None:
            self.reader.close()

    def _start(self, number: int) -> None:
        """Let the thread go on from a block that it has neither read nor reads next; start it the first time."""
        if not self.oldest <= number <= self.next:
            self.next, self.failure = number, None
            self.restarts += 1
        if self.thread is None:
            self.thread = threading.Thread(target=self._read_ahead, name="glassnet-reader", daemon=True)
            self.thread.start()

    def _read_ahead(self) -> None:
        while (task := self._next_task()) is not None:
            number, restarts = task
            failure: BaseException | None = None
            try:
                self._read(number)
            except BaseException as error:  # it belongs to the run, which raises it when it needs the block
                failure = error
            with self.changed:
                if restarts == self.restarts:
                    self.next, self.failure = number + (failure is None), failure
                self.changed.notify_all()

    def _next_task(self) -> tuple[int, int] | None:
        """The number of the next block to read, once there is room for it, and the count of restarts; None to end."""
        with self.changed:
            while not self.closed and (self.failure is not None or self.next >= self.oldest + SLOTS):
                self.changed.wait()
            return None if self.closed else (self.next, self.restarts)

    def _read(self, number: int) -> None:
        assert self.order is not None
        if self.reader is None:
            self.reader = self.open_file()
        order = self.order(number // self.per_epoch)
        block = int(order.sequence[number % self.per_epoch])
        first, count = int(self.row_starts[block]), int(self.row_starts[block + 1] - self.row_starts[block])
        slot = number % SLOTS * self.largest
        self.reader.read_into(first, self.x[slot : slot + count], self.y[slot : slot + count])


def window_buffers(largest: int, x: tuple[tuple[int, ...], Any], y: tuple[tuple[int, ...], Any]) -> tuple[Array, Array]:
    """x and y of a window for blocks of up to `largest` samples, each given by its (shape of a sample, dtype)."""
    x_buffer, y_buffer = (np.ones((SLOTS * largest, *shape), dtype) for shape, dtype in (x, y))
    return x_buffer, y_buffer  # ones, so that nobody takes them for sparse data
