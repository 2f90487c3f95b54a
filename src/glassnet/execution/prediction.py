"""The forward pass alone, as fast as it goes: fused rows, blocks that stay in cache, and a short way for one sample.

Everything that can be made once is kept for each calling thread; nothing is locked. `inference.py` runs the rows that
have names, this the same equations with the same bits where only the result counts.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from glassnet.execution.executor import Executor, executor
from glassnet.program.architecture import Architecture
from glassnet.program.buffers import vectors
from glassnet.program.builder import build
from glassnet.program.lowering import fused
from glassnet.program.parameters import Array
from glassnet.program.program import Buffer, Program, Row
from glassnet.tables.formula import trace

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

NUMBERS = 1 << 16  # of the widest layer that pass through the network together
LEAST, MOST = 256, 8192  # samples that do
SQUARES = "square sums of a0"
REAL = (np.dtype(np.float32), np.dtype(np.float64))


class Predictor:
    """The forward pass of `network` on up to `capacity` samples at a time, for one thread."""

    def __init__(self, network: NeuralNetwork, capacity: int, program: Program | None = None) -> None:
        program = program or forward_program(network)
        held = vectors(program, network.parameters, network.statistics)
        self.runner: Executor = executor(network.engine, program, held, capacity, network.seed)
        self.result = program.rows[-1].writes[0]
        self.samples(capacity)

    def samples(self, m: int) -> None:
        """Make ready for batches of m samples."""
        self.runner.m = m
        self.x, self.out, self.run = self.runner.rows("a0"), self.runner.rows(self.result), self.runner.prepared_call()

    def __call__(self, rows: Array, results: Array) -> None:
        """The results (m, fan_out) of rows (m, fan_in)."""
        if len(rows) != len(self.x):
            self.samples(len(rows))
        np.copyto(self.x, rows, "same_kind" if rows.dtype.kind == "f" else "unsafe")
        self.run()
        results[...] = self.out


class Single(Predictor):
    """One sample at a time; only good numbers get through."""

    def __init__(self, network: NeuralNetwork) -> None:
        super().__init__(network, 1, watched(forward_program(network)))
        self.column, self.answer, self.squares = self.x.T, self.out.T, self.runner.rows(SQUARES)
        self.dtype = self.column.dtype

    def predict(self, x: Array) -> Array | None:
        """The answer to a column (inputs, 1), or None where that is not float32 or float64, or not all finite."""
        dtype = x.dtype
        if dtype is self.dtype:  # NumPy has one object for each of its own, so that this is quick
            self.column[...] = x
        elif dtype in REAL:
            with np.errstate(over="ignore"):
                self.column[...] = x
        else:
            return None
        self.run()
        if not self.squares.item() < math.inf:  # NaN, infinite, or large enough to look at closely
            return None
        return self.answer.copy()


def forward_program(network: NeuralNetwork) -> Program:
    """The rows of the forward pass; the last one writes the result."""
    plain, joined = forward_programs(network.architecture)
    return plain if network.engine == "numpy" else joined


@lru_cache(maxsize=16)
def forward_programs(architecture: Architecture) -> tuple[Program, Program]:
    """The same as it is built and as it is fused, made once for all networks that are alike."""
    program = build(architecture)
    forward = program._replace(rows=program.rows[: program.head("forward")])
    return forward, fused(forward, forward.rows[-1].writes[0])


def watched(program: Program) -> Program:
    """The program with Σ x² of each sample, which is finite only where all of x is."""
    squares = Row("sums", "forward", ("a0",), (SQUARES,), formula=trace(lambda x: x * x, 1))
    buffers = {**program.buffers, SQUARES: Buffer(("m",), float64=True)}
    return program._replace(rows=(squares, *program.rows), buffers=buffers)


def block_size(network: NeuralNetwork, samples: int) -> int:
    """How many of the samples pass through together: so few that their activations stay in cache.

    All blocks but the last are of one size, so that an executor is made ready once.
    """
    widest = max(network.architecture.inputs, *(dense.fan_out for dense in network.architecture.dense))
    most = max(LEAST, min(MOST, NUMBERS // widest))
    return -(-samples // -(-samples // most))
