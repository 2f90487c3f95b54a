"""Runs a program compiled: its rows become words of addresses, and one call runs as many steps as it is given.

The interface is that of reference.Reference, on the same memory, so that either can stand for the other.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassnet.engine import address
from glassnet.engine.threads import CALLS, Pace, available, run_together
from glassnet.formula import Formula, trace
from glassnet.memory import Memory, Vectors
from glassnet.parameters import Array, aligned_zeros
from glassnet.program import OPERANDS, Program, Row
from glassnet.reference import Schedule, Sources, dropout_keys

SOURCE_CODES = {"float32": 0, "float64": 1, "uint8": 2, "int64": 3}
KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
HEAVY = 1 << 28  # parameters times samples: steps of some 20 ms and more
GATHERING = ("gather", "one_hot", "sample_weights")


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
        self.pace = Pace(available(), heavy=capacity * held.parameters.count >= HEAVY)
        self.threads: int | None = None
        self.table = self._table()

    def bind(self, sources: Sources) -> None:
        """Name the data that gathering rows read; it must stay where it is."""
        self.sources = sources
        self.shuffling = KERNEL(address("shuffle", ""))
        for number, row in enumerate(self.program.rows):
            if row.kind in GATHERING:
                words = self._words(row, bool(self.table[number, 1]))
                self.table[number, : len(words)] = words

    def steps(self, schedule: Schedule, costs: Array) -> int:
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

    def fixed(self) -> Callable[[], None]:
        """A call that runs all rows for the present number of samples, as often as it is made."""
        return self._call(0, None)

    def _call(self, first: int, last: int | None) -> Callable[[], None]:
        """A call of the interpreter that runs some rows as one step, with the scalars as they are now."""
        start, stop, _ = slice(first, last).indices(len(self.table))
        if self.order is None and any(row.kind in GATHERING for row in self.program.rows[start:stop]):
            raise RuntimeError("a program that gathers its batch has none before its first steps; set the quantities")
        names = self.program.scalars
        scalars = np.array([[self.scalars.get(name, 0.0) for name in names]], self.held.parameters.vector.dtype)
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
        """Every row as int64 words; all rows are as long as the longest."""
        rows = [self._words(row, waits) for row, waits in zip(self.program.rows, self.program.barriers(), strict=True)]
        table = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for number, words in enumerate(rows):
            table[number, : len(words)] = words
        return table

    def _words(self, row: Row, waits: bool) -> list[int]:
        """One row: kernel, barrier, units, width, addresses of reads and writes, settings."""
        units, width = self.program.extent(row)
        first = row.parts[0]  # the other segments lie behind it
        names = (*first.reads, *first.writes)
        if row.kind in ("mean_cost", "clip_scale"):
            width = len(names)
        return [self._kernel(row), int(waits), units or 0, width, *self._operands(row, names)]

    def _operands(self, row: Row, names: Sequence[str]) -> list[int]:
        """The words behind a row's kernel and loop; a product's formula comes behind the product's own words."""
        if row.kind not in OPERANDS or has_one_term(row):
            return [*map(self._address, names), *self._settings(row)]
        own, follow = (*names[: OPERANDS[row.kind]], row.writes[0]), (row.writes[0], *names[OPERANDS[row.kind] :])
        kernel = self._follower(row.formula, len(follow)) if row.formula else 0
        return [*map(self._address, own), *row.settings, kernel, len(follow), *map(self._address, follow)]

    def _follower(self, formula: Formula, operands: int) -> int:
        """The kernel of a formula that follows a product: along whole lines."""
        return address("formula", self.held.parameters.vector.dtype.name, formula, ("full",) * operands)

    def _kernel(self, row: Row) -> int:
        """The address of the row's kernel."""
        dtype = self.held.parameters.vector.dtype.name
        if has_one_term(row):
            alone, others = ("unit", "column") if self.program.extent(row).width > 1 else ("full", "scalar")
            walks = (alone, *(others,) * (OPERANDS[row.kind] - 1))
            further = len(row.reads) - len(walks)
            return address("formula", dtype, one_term(row), (*walks, *("full",) * (further + 1)))
        if row.formula is None or row.kind in OPERANDS:
            return address(row.kind, dtype)
        first = row.parts[0]
        modes = [self.program.mode(row, name) for name in (*first.reads, *first.writes)]
        for place, name in enumerate(first.writes, len(first.reads)):
            if self.program.buffers[name].home == "parameters":  # every thread reads them in the next step
                modes[place] = "shared"
        return address(row.kind, dtype, row.formula, tuple(modes), scalars=len(row.scalars))

    def _address(self, name: str) -> int:
        """Where a quantity lies in memory; 0 for a source that is not bound yet."""
        if self.program.buffers[name].home != "source":
            return self.rows(name).ctypes.data
        return self.sources.of(name).ctypes.data if self.sources is not None else 0

    def _settings(self, row: Row) -> list[int]:
        """The words behind the addresses: whole numbers a kernel needs, and where its step scalars stand."""
        scalars = [self.program.scalars.index(name) for name in row.scalars]
        if row.kind == "gather":
            if self.sources is None:
                return [0, 0]
            source = self.sources.of(row.reads[0])
            return [source.strides[0], SOURCE_CODES[source.dtype.name]]
        if row.kind == "dropout":
            threshold, scale, place = row.settings
            return [threshold, *dropout_keys(self.seed, place), scale]
        return [*row.settings, *scalars]


def apart(count: int) -> Array:
    """Whole numbers, 0, that share no cache line with others: what one thread writes, another need not fetch again."""
    return aligned_zeros((count + 7) & -8, np.int64)[:count]


def has_one_term(row: Row) -> bool:
    """Whether the row is a product of one term, of one input or BP2 from one output: a formula of numbers and lines."""
    return row.kind in OPERANDS and row.settings == (1,)


def one_term(row: Row) -> Formula:
    """x·w + b or δ·w for each sample, then the row's own formula; a sum that starts at 0 has no −0."""
    operands, formula = OPERANDS[row.kind], row.formula

    def product(number: Any, w: Any, *rest: Any) -> Any:
        bias, further = (rest[0], rest[1:]) if row.kind == "affine" else (0.0, rest)
        result = number * w + bias
        return result if formula is None else formula(result, *further)

    return trace(product, operands if formula is None else operands - 1 + formula.inputs)
