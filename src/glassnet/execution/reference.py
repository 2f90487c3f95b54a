"""Runs a program with NumPy, one row after another: slow, plain, and the measure of the engine.

It shares memory, program and interface with the compiled executor, so that either can stand for the other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from glassnet.program.buffers import Memory, Vectors
from glassnet.program.equations import EQUATIONS
from glassnet.program.parameters import Array
from glassnet.program.program import OPERANDS, Program, Row


class Sources(NamedTuple):
    """The data of a run, samples as rows: x (n, fan_in), y (n, fan_out) or class numbers (n,), weights (n,) or None."""

    x: Array
    y: Array
    weights: Array | None = None

    def of(self, name: str) -> Array:
        """The source that a gathering row reads: "x source", "y source" or "s source"."""
        found = {"x source": self.x, "y source": self.y, "s source": self.weights}[name]
        assert found is not None
        return found


class Schedule(NamedTuple):
    """What a stretch of steps needs: the order of the samples, (first, m) of each batch, and the step scalars.

    `scalars` is (steps, number of scalars) in the program's dtype; `first_step` counts steps since the run began.
    """

    order: Array
    batches: Array
    scalars: Array
    first_step: int


class Reference(Memory):
    """The NumPy executor. `seed` is the seed of chance inside a step (dropout)."""

    equations: Mapping[str, Callable[..., Any]] = EQUATIONS

    def __init__(self, program: Program, vectors: Vectors, capacity: int, seed: int = 0) -> None:
        super().__init__(program, vectors, capacity)
        self.seed = seed
        self.step = 0
        self.scalars: dict[str, Any] = {}
        self.places: Array = np.zeros(0, np.int64)
        self.sources: Sources | None = None
        self.warnings: list[str] = []
        self.threads: int | None = None  # NumPy takes what it takes

    def bind(self, sources: Sources) -> None:
        """Name the data that gathering rows read."""
        self.sources = sources

    def inspect(self, x: Array) -> None:
        """There is one way only."""

    def steps(self, schedule: Schedule, costs: Array) -> int:
        """Run the steps of a schedule and write the cost of each; return how many were run."""
        for number in range(len(schedule.batches)):
            self.begin(schedule, number)
            self.run()
            costs[number] = self.rows("C")[0]
        return len(schedule.batches)

    def begin(self, schedule: Schedule, number: int) -> None:
        """Make ready for one step of a schedule."""
        first, self.m = map(int, schedule.batches[number])
        self.step = schedule.first_step + number
        self.places = schedule.order[first : first + self.m]
        self.scalars = dict(zip(self.program.scalars, schedule.scalars[number], strict=True))

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run the rows first .. last-1 on what the buffers hold."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            for row in self.program.rows[first:last]:
                for part in row.parts:
                    self.run_row(part)

    def shuffle(self, order: Array, draws: Array) -> None:
        """Write a random order of the samples in each row of `order`."""
        shuffle_into(order, draws)

    def prepared_call(self) -> Callable[[], None]:
        """A call that runs all rows, as often as it is made."""
        return self.run

    def run_row(self, row: Row) -> None:
        """Evaluate one equation and write its results."""
        reads = [self.operand(name) for name in row.reads]
        if row.kind in self.equations:
            operands = OPERANDS.get(row.kind, len(reads))
            reads = [self.equations[row.kind](*reads[:operands], **self.extras(row)), *reads[operands:]]
        result = reads[0]
        if row.formula is not None:
            result = row.formula(*reads, *(self.scalars[name] for name in row.scalars))
        if row.kind == "sums":
            axis = 1 if all(map(self.program.is_column, row.reads)) else 0
            terms = np.broadcast_to(result, max(reads, key=np.size).shape)
            self.rows(row.writes[0])[...] = terms.sum(axis=axis, dtype=np.float64)
            return
        for name, value in zip(row.writes, result if isinstance(result, tuple) else (result,), strict=True):
            self.set(name, value)

    def operand(self, name: str) -> Array:
        """What a row reads: columns of a quantity, or a whole source, which has samples as rows."""
        if self.program.buffers[name].home != "source":
            return self.columns(name)
        assert self.sources is not None
        return self.sources.of(name)

    def extras(self, row: Row) -> dict[str, Any]:
        """What an equation needs beside the quantities it reads."""
        scalar = self.scalars[row.scalars[0]] if row.scalars and row.formula is None else None
        match row.kind:
            case "gather":
                return {"places": self.places}
            case "one_hot":
                return {"places": self.places, "classes": self.program.extent(row).width}
            case "sample_weights":
                return {"places": self.places, "factor": scalar}
            case "softmax" | "softmax_error" | "softmax_cost":
                return {"groups": row.settings[1:]}
            case "mean_cost":
                return {"settings": row.settings}
            case "clip_scale":
                return {"limit": scalar}
            case "dropout":
                return dropout_settings(row.settings, self.seed) | {"step": self.step}
        return {}


def shuffle_into(places: Array, draws: Array) -> None:
    """Write an order in each row of places (epochs, samples), by Fisher and Yates from the inside out.

    i comes to place ⌊draw·(i + 1)/2³²⌋ and what was there to place i: each place is as likely as the others, but for a
    share of samples/2³².
    """
    others = (draws.astype(np.uint64) * np.arange(1, places.shape[1] + 1, dtype=np.uint64)) >> np.uint64(32)
    for row, chosen in zip(places, others.tolist(), strict=True):
        order: list[int] = []
        for i, other in enumerate(chosen):
            order.append(i)
            order[i], order[other] = order[other], i
        row[:] = order


def dropout_settings(settings: tuple[int, ...], seed: int) -> dict[str, Any]:
    """A dropout row's settings as its equation takes them."""
    threshold, bits, place = settings
    scale = struct.unpack("<d", struct.pack("<q", bits))[0]
    return {"threshold": threshold, "scale": scale, "keys": dropout_keys(seed, place)}


def dropout_keys(seed: int, place: int) -> tuple[int, int]:
    """Two 32-bit keys of a dropout layer, from the seed of the run and the number of its place."""
    words = np.random.SeedSequence([seed, place]).generate_state(2, np.uint32)
    return int(words[0]), int(words[1])
