"""Runs a program compiled: its rows become words of addresses, and one call runs as many steps as it is given.

The interface is that of reference.Reference, on the same memory, so that either can stand for the other.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from glassnet.engine import address
from glassnet.memory import Memory, Vectors
from glassnet.parameters import Array
from glassnet.program import OPERANDS, Program, Row
from glassnet.reference import Schedule, Sources, dropout_keys

SOURCE_CODES = {"float32": 0, "float64": 1, "uint8": 2, "int64": 3}
HEADER = 4  # words before a row's first address: kernel, barrier, units, width
SCRATCH = 1 << 16  # bytes
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
        self.interpret = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address("interpret", ""))
        self.context = np.zeros(16, np.int64)
        self.abort = np.zeros(1, np.int64)
        self.cost = np.zeros(1)
        self.scratch = np.zeros(SCRATCH, np.uint8)
        self.context[1] = 1
        self.context[8], self.context[9], self.context[10] = self.abort.ctypes.data, self.scratch.ctypes.data, SCRATCH
        self.table = self._table()

    def bind(self, sources: Sources) -> None:
        """Name the data that gathering rows read; it must stay where it is."""
        self.sources = sources
        self.table = self._table()

    def steps(self, schedule: Schedule, costs: Array) -> int:
        """Run the steps of a schedule in one call, without the GIL; write the cost of each; return how many."""
        self.order = schedule.order  # kept alive: rows that are run by themselves later read it too
        self.context[6] = self.order.ctypes.data
        cost = self.rows("C").ctypes.data
        batches = np.ascontiguousarray(schedule.batches)
        return self._call((0, len(self.table)), batches, schedule.scalars, schedule.first_step, costs, cost)

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run the rows first .. last-1 on what the buffers hold, as one step."""
        start, stop, _ = slice(first, last).indices(len(self.table))
        if self.order is None and any(row.kind in GATHERING for row in self.program.rows[start:stop]):
            raise RuntimeError("a program that gathers its batch has none before its first steps; set the quantities")
        names = self.program.scalars
        scalars = np.array([[self.scalars.get(name, 0.0) for name in names]], self.held.parameters.vector.dtype)
        batches = np.array([[0, self.m]], np.int64)
        self._call((start, stop), batches, scalars, self.step, np.zeros(1), self.cost.ctypes.data)

    def _call(
        self, rows: tuple[int, int], batches: Array, scalars: Array, first_step: int, costs: Array, cost: int
    ) -> int:
        """One call of the interpreter; how many steps it finished."""
        first, last = rows
        words = self.table.shape[1]
        arguments = np.array(
            [
                *(self.table.ctypes.data + 8 * words * first, last - first, words, self.context.ctypes.data),
                *(batches.ctypes.data, scalars.ctypes.data, scalars.strides[0], first_step, len(batches)),
                *(costs.ctypes.data, cost, 0),
            ],
            np.int64,
        )
        self.interpret(arguments.ctypes.data, None)
        return int(arguments[11])

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
        names = (*row.reads, *row.writes)
        if row.kind in ("mean_cost", "clip_scale"):
            width = len(names)
        addresses = [self._address(name) for name in names]
        return [self._kernel(row), int(waits), units or 0, width, *addresses, *self._settings(row)]

    def _kernel(self, row: Row) -> int:
        """The address of the row's kernel."""
        dtype = self.held.parameters.vector.dtype.name
        if row.formula is None or row.kind in OPERANDS:
            return address(row.kind, dtype, row.formula)
        modes = tuple(self.program.mode(row, name) for name in (*row.reads, *row.writes))
        return address(row.kind, dtype, row.formula, modes, scalars=len(row.scalars))

    def _address(self, name: str) -> int:
        """Where a quantity lies in memory; 0 for a source that is not bound yet."""
        if self.program.buffers[name].home != "source":
            return self.rows(name).ctypes.data
        return self.sources.of(name).ctypes.data if self.sources is not None else 0

    def _settings(self, row: Row) -> list[int]:
        """The words behind the addresses: whole numbers a kernel needs, and where its step scalars stand."""
        scalars = [self.program.scalars.index(name) for name in row.scalars]
        if row.kind == "gather" and self.sources is not None:
            source = self.sources.of(row.reads[0])
            return [source.strides[0], SOURCE_CODES[source.dtype.name]]
        if row.kind == "dropout":
            threshold, scale, place = row.settings
            return [threshold, *dropout_keys(self.seed, place), scale]
        return [*row.settings, *scalars]
