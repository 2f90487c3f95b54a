"""Runs a program with NumPy, one equation after another: slow, plain, and the measure of the engine.

It shares memory, program and interface with the compiled executor, so that either can stand for the other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.program.buffers import Memory, Vectors
from glassnet.program.equations import EQUATIONS, dropout_keys
from glassnet.program.parameters import Array
from glassnet.program.program import OPERANDS, Program, Row


class Reference(Memory):
    """The NumPy executor. `seed` seeds the random numbers inside a step (dropout)."""

    engine = "numpy"
    equations: Mapping[str, Callable[..., Any]] = EQUATIONS

    def __init__(self, program: Program, vectors: Vectors, capacity: int, seed: int = 0) -> None:
        super().__init__(program, vectors, capacity)
        self.seed = seed
        self.step = 0
        self.scalars: dict[str, Any] = {}
        self.indices: Array = np.zeros(0, np.int64)
        self.sources: Sources | None = None
        self.warnings: list[str] = []
        self.threads: int | None = None  # NumPy decides by itself
        self.may_compile_program = False  # nothing is compiled

    def bind(self, sources: Sources) -> None:
        """Name the data that gathering equations read."""
        self.sources = sources

    def inspect(self, x: Array) -> None:
        """No-op: NumPy has a single code path."""

    def steps(self, steps: StepRange, costs: Array) -> int:
        """Run steps and write the cost of each; return how many were run."""
        for number in range(len(steps.batches)):
            self.begin(steps, number)
            self.run()
            costs[number] = self.rows("C")[0]
        return len(steps.batches)

    def begin(self, steps: StepRange, number: int) -> None:
        """Set the batch and the scalars of one of the steps."""
        first, self.m = map(int, steps.batches[number])
        self.step = steps.first_step + number
        self.indices = steps.order[first : first + self.m]
        self.scalars = dict(zip(self.program.scalars, steps.scalars[number], strict=True))

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run the equations first .. last-1 on what the buffers contain."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            for row in self.program.rows[first:last]:
                for part in row.parts:
                    self.run_row(part)

    def close(self) -> None:
        """No-op: nothing goes on beside the steps."""

    def shuffle(self, orders: Array, draws: Array) -> None:
        """Fill each row of `orders` with a permutation."""
        shuffle_into(orders, draws)

    def prepared_call(self) -> Callable[[], None]:
        """A function that runs all equations, as often as it is called."""
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
        """What an equation reads: columns of a quantity, or a whole source, which has samples as rows."""
        if self.program.buffers[name].home != "source":
            return self.columns(name)
        assert self.sources is not None
        return self.sources.of(name)

    def extras(self, row: Row) -> dict[str, Any]:
        """What an equation needs beside the quantities it reads."""
        scalar = self.scalars[row.scalars[0]] if row.scalars and row.formula is None else None
        match row.kind:
            case "gather":
                return {"indices": self.indices}
            case "one_hot":
                return {"indices": self.indices, "classes": self.program.extent(row).width}
            case "sample_weights":
                return {"indices": self.indices, "factor": scalar}
            case "softmax" | "softmax_error" | "softmax_cost" | "softmax_and_cost":
                return {"groups": row.settings[1:]}
            case "mean_cost" | "select" | "add_selected" | "concatenate" | "split" | "look_up" | "look_up_gradient":
                return {"settings": row.settings}
            case "grouped_affine" | "grouped_propagate" | "grouped_bp4":
                return {"settings": row.settings}
            case "clip_scale":
                return {"limit": scalar}
            case "dropout":
                threshold, bits, layer = row.settings
                keys = dropout_keys(self.seed, layer)
                return {"threshold": threshold, "scale": _float(bits), "keys": keys, "step": self.step}
            case "noise":
                bits, layer = row.settings
                return {"scale": _float(bits), "keys": dropout_keys(self.seed, layer), "step": self.step}
            case "scheduled_dropout":
                bits, layer = row.settings
                keys = dropout_keys(self.seed, layer)
                return {"rate": _float(bits), "factor": scalar, "keys": keys, "step": self.step}
        return {}


def _float(bits: int) -> float:
    """The float64 of these bits."""
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


def shuffle_into(orders: Array, draws: Array) -> None:
    """Fill each row of `orders` (epochs, samples) with a permutation, by the inside-out Fisher-Yates shuffle.

    Element i goes to position ⌊draw·(i + 1)/2³²⌋ and what was there to position i: each position is equally likely, up
    to a share of samples/2³².
    """
    positions = (draws.astype(np.uint64) * np.arange(1, orders.shape[1] + 1, dtype=np.uint64)) >> np.uint64(32)
    for row, chosen in zip(orders, positions.tolist(), strict=True):
        order: list[int] = []
        for i, other in enumerate(chosen):
            order.append(i)
            order[i], order[other] = order[other], i
        row[:] = order
