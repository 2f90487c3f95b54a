"""The forward pass alone, as fast as possible: fused equations, blocks that stay in cache, a fast path for one sample.

`inference.py` runs equations whose quantities have names; this runs the same equations, with the same bits, where only
the result counts.
"""

from __future__ import annotations

import math
from threading import get_ident

import numpy as np

from glassnet.execution.model import Model
from glassnet.program.lowering import forward_lowerings
from glassnet.program.parameters import Array
from glassnet.program.program import Buffer, Program, Row
from glassnet.tables.formula import trace

CACHED_NUMBERS = 1 << 16  # outputs of the widest layer that are computed together
MIN_BLOCK, MAX_BLOCK = 256, 8192  # samples that are computed together
SQUARE_SUMS = "square sums of a0"
REAL = (np.dtype(np.float32), np.dtype(np.float64))


class Predictor:
    """The forward pass of `model` on up to `capacity` samples at a time, for one thread at a time."""

    def __init__(self, model: Model, capacity: int, program: Program) -> None:
        self.executor = model.executor(program, capacity)
        self.result = program.rows[-1].writes[0]
        self.prepare(capacity)

    def prepare(self, m: int) -> None:
        """Prepare for batches of m samples, in this thread."""
        self.executor.m, self.thread = m, get_ident()
        self.x, self.outputs = self.executor.rows("a0"), self.executor.rows(self.result)
        self.run = self.executor.prepared_call()

    def __call__(self, rows: Array, results: Array) -> None:
        """Write the results (m, fan_out) for rows (m, fan_in)."""
        if len(rows) != len(self.x) or self.thread != get_ident():  # each thread has its own scratch memory
            self.prepare(len(rows))
        if rows.dtype == self.x.dtype:
            self.x[...] = rows
        else:
            with np.errstate(under="ignore"):  # a number too small for the dtype is 0 in it
                np.copyto(self.x, rows, "same_kind" if rows.dtype.kind == "f" else "unsafe")
        self.run()
        results[...] = self.outputs


class SinglePredictor(Predictor):
    """One finite sample at a time."""

    def __init__(self, model: Model) -> None:
        super().__init__(model, 1, with_square_sums(forward_program(model)))
        self.column, self.output, self.square_sum = self.x.T, self.outputs.T, self.executor.rows(SQUARE_SUMS)
        self.dtype = self.column.dtype

    def predict(self, x: Array) -> Array | None:
        """The output for a column (inputs, 1), or None where it is not float32 or float64, or not all finite."""
        dtype = x.dtype
        if dtype is self.dtype:  # NumPy has a single object for each of its own dtypes, so this comparison is quick
            self.column[...] = x
        elif dtype in REAL:
            with np.errstate(over="ignore"):
                self.column[...] = x
        else:
            return None
        self.run()
        if not self.square_sum.item() < math.inf:  # NaN, infinite, or so large that the slow path must check it
            return None
        return self.output.copy()


def forward_program(model: Model, precision: str | None = None) -> Program:
    """The forward pass that this model's engine runs; its last equation writes the result.

    `precision` is that of the products: None is that of the dtype, whatever the model is trained in.
    """
    return forward_lowerings(model.architecture._replace(precision=precision)).for_engine(model.engine)


def with_square_sums(program: Program) -> Program:
    """The program with Σ x² of each sample, which is finite only where all of x is."""
    squares = Row("sums", "forward", ("a0",), (SQUARE_SUMS,), formula=trace(lambda x: x * x, 1))
    buffers = {**program.buffers, SQUARE_SUMS: Buffer(("m",), float64=True)}
    return program._replace(rows=(squares, *program.rows), buffers=buffers)


def block_size(model: Model, samples: int) -> int:
    """How many samples to compute together, so few that their activations stay in cache.

    All blocks but the last have the same size, so that an executor is prepared once.
    """
    widest = max(model.architecture.inputs, *(dense.fan_out for dense in model.architecture.dense))
    limit = max(MIN_BLOCK, min(MAX_BLOCK, CACHED_NUMBERS // widest))
    return -(-samples // -(-samples // limit))
