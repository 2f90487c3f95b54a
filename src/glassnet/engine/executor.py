"""Runs a program compiled: its rows become words of addresses, and one call runs as many steps as it is given.

The interface is that of reference.Reference, on the same memory, so that either can stand for the other.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.engine import EngineUnavailable, address
from glassnet.engine.cache import has_masks
from glassnet.engine.rowwords import GATHERING, Same, code, dropout_words, row_words, stride, width_beside_x
from glassnet.engine.threads import CALLS, Pace, available, run_together
from glassnet.execution.reference import dropout_keys
from glassnet.program.buffers import Memory, Vectors
from glassnet.program.parameters import Array, aligned_zeros
from glassnet.program.program import Program

SOURCE_CODES = {"float32": 0, "float64": 1, "uint8": 2, "int64": 3}
KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
SOME, LEFT = 64, 0.85  # samples that are looked for zeros; the work that may be left without these
HEAVY = 1 << 28  # parameters times samples: steps of some 20 ms and more


class Compiled(Memory):
    """The compiled executor. `seed` is the seed of chance inside a step (dropout)."""

    def __init__(self, program: Program, held: Vectors, capacity: int, seed: int = 0) -> None:
        super().__init__(program, held, capacity)
        self.seed = seed
        self.step = 0
        self.warnings: list[str] = []
        self.sources: Sources | None = None
        self.order: Array | None = None
        self.scalars: dict[str, Any] = {}
        self.interpret = KERNEL(address("interpret", ""))
        self.abort, self.barrier, self.cost = apart(1), apart(1), np.zeros(1)
        self.contexts = [apart(16)]
        self.context = self.contexts[0]
        self.context[1] = 1
        self.threads: int | None = None
        self.places, self.skipping, self.can_skip = self._places(), False, True
        self.table = self._table()

    @cached_property
    def pace(self) -> Pace:
        """What chooses the number of threads, made when the first steps are run."""
        return Pace(available(), heavy=self.capacity * self.vectors.parameters.count >= HEAVY)

    def bind(self, sources: Sources) -> None:
        """Name the data that gathering rows read; it must stay where it is."""
        self.sources = sources
        self.shuffling = KERNEL(address("shuffle", ""))
        for name in (row.reads[0] for row in self.program.rows if row.kind in GATHERING):
            source = sources.of(name)
            found = source.ctypes.data, source.strides[0], SOURCE_CODES[source.dtype.name]
            self.places |= zip((name, stride(name), code(name)), found, strict=True)
        self._choose(self._skips(sources.x))

    def inspect(self, x: Array) -> None:
        """Leave zeros out of products with x from now on, where that is worth it; the bits are the same."""
        skips = self._skips(x)
        if skips != self.skipping:
            self._choose(skips)

    def _skips(self, x: Array) -> bool:
        """Whether products with x are to leave out its zeros."""
        size = width_beside_x(Same(self.program)) * self.work[False].itemsize
        return size > 0 and self.can_skip and has_masks() and is_worth_skipping(x, size)

    def _choose(self, skipping: bool) -> None:
        """Make the table anew, with zeros left out or not; without, where the kernels for it cannot be had."""
        self.skipping = skipping
        try:
            self.table[:] = self._table()
        except EngineUnavailable:
            if not skipping:
                raise
            self.can_skip = False
            self._choose(False)

    def steps(self, schedule: StepRange, costs: Array) -> int:
        """Run the steps of a schedule in one call, without the GIL; write the cost of each; return how many."""
        self.order = schedule.order  # kept alive: rows that are run by themselves later read it too
        batches, numbers = np.ascontiguousarray(schedule.batches), schedule.scalars
        addresses = (batches.ctypes.data, numbers.ctypes.data, numbers.strides[0], schedule.first_step, len(batches))
        words = [0, len(self.table), *addresses, costs.ctypes.data, self.rows("C").ctypes.data, 1]
        with CALLS.one() as alone:
            threads = self.pace.threads(self.threads) if alone or self.threads else 1
            arguments = [self._arguments(words, self._context(thread, threads)) for thread in range(threads)]
            self.barrier[0] = 0
            started = time.perf_counter()
            run_together(lambda argument: self.interpret(argument.ctypes.data, None), arguments, self.abort)
            if alone:
                self.pace.took(threads, time.perf_counter() - started, len(batches))
        return int(arguments[0][11])

    def shuffle(self, places: Array, draws: Array) -> None:
        """Write an order in each row of places."""
        row = np.array([places.ctypes.data, *places.shape, draws.ctypes.data], np.int64)
        self.shuffling(row.ctypes.data, None)

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run the rows first .. last-1 on what the buffers hold, as one step."""
        self._call(first, last)()

    def prepared_call(self) -> Callable[[], None]:
        """A call that runs all rows for the present number of samples, as often as it is made."""
        return self._call(0, None)

    def _call(self, first: int, last: int | None) -> Callable[[], None]:
        """A call of the interpreter that runs some rows as one step, with the scalars as they are now."""
        start, stop, _ = slice(first, last).indices(len(self.table))
        if self.order is None and any(row.kind in GATHERING for row in self.program.rows[start:stop]):
            raise RuntimeError("a program that gathers its batch has none before its first steps; set the quantities")
        names = self.program.scalars
        scalars = np.array([[self.scalars.get(name, 0.0) for name in names]], self.vectors.parameters.vector.dtype)
        batches, cost = np.array([[0, self.m]], np.int64), self.cost.ctypes.data
        words = [start, stop - start, batches.ctypes.data, scalars.ctypes.data, 0, self.step, 1, cost, cost, 0]
        arguments, interpret = self._arguments(words, self._context(0, 1)), self.interpret
        place, kept = arguments.ctypes.data, (arguments, batches, scalars, self)  # alive as long as the call

        def call() -> None:
            assert kept
            interpret(place, None)

        return call

    def _arguments(self, words: list[int], context: Array) -> Array:
        """What the interpreter is called with; `words`: first row, rows, batches ... cost, whether to flush."""
        first, rows, *rest, flush = words
        size = self.table.shape[1]
        table = self.table.ctypes.data + 8 * size * first
        arguments = apart(14)
        arguments[:] = table, rows, size, context.ctypes.data, *rest, 0, flush, self.barrier.ctypes.data
        return arguments

    def _context(self, thread: int, threads: int) -> Array:
        """The context of a thread."""
        while len(self.contexts) <= thread:
            self.contexts.append(apart(16))
        context = self.contexts[thread]
        context[:2] = thread, threads
        context[6] = 0 if self.order is None else self.order.ctypes.data
        context[8] = self.abort.ctypes.data
        return context

    # The table of rows ------------------------------------------------------------------------------------------------

    def _table(self) -> Array:
        """Every row as int64 words, addresses in place of the names; all rows are as long as the longest."""
        places = self.places
        rows = row_words(Same(self.program), self.vectors.parameters.vector.dtype.name, self.skipping)
        table = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for number, words in enumerate(rows):
            table[number, : len(words)] = [places[word] if type(word) is str else word for word in words]
        return table

    def _places(self) -> dict[str, int]:
        """Where every quantity lies in memory, and what else an executor's words say by name; 0 is not known yet."""
        places: dict[str, int] = {}
        starts: dict[Any, int] = {wide: array.ctypes.data for wide, array in self.work.items()}
        for name, buffer in self.program.buffers.items():
            if buffer.home == "work":
                offset = self.offsets[self.program.memory(name)]
                places[name] = starts[buffer.float64] + offset * self.work[buffer.float64].itemsize
            elif buffer.home == "source":
                places |= dict.fromkeys((name, stride(name), code(name)), 0)
            else:
                held = self.vectors.at(buffer.home)
                start = starts.setdefault(buffer.home, held.vector.ctypes.data)
                places[name] = start + held.offsets[buffer.segment] * held.vector.itemsize
        for row in self.program.rows:
            if row.kind == "dropout":
                place = row.settings[2]
                places |= zip(dropout_words(place), dropout_keys(self.seed, place), strict=True)
        return places


def is_worth_skipping(x: Array, size: int) -> bool:
    """Whether so much of x (samples, inputs) is 0 that its products go faster without; lines of w have `size` bytes.

    A product without zeros makes two lines at a time, of the terms that are not 0 in both, and a list of these first:
    measured, the list takes as long as 32 bytes of a line would.
    """
    some = x[:: max(1, len(x) // SOME)][: min(SOME, len(x) & -2)] != 0
    return len(some) > 0 and float((some[::2] | some[1::2]).mean()) + 32 / size < LEFT


def apart(count: int) -> Array:
    """Whole numbers, 0, that share no cache line with others: what one thread writes, another need not fetch again."""
    return aligned_zeros((count + 7) & -8, np.int64)[:count]
