"""Where the quantities of a program lie: parameters and states in their vectors, all others in one workspace.

Both executors run on the same memory, with samples as rows (samples × features); a person is shown its transpose.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from glassnet.program.parameters import Array, Parameters, aligned_zeros, padded
from glassnet.program.program import Program, Size


class Vectors(NamedTuple):
    """The vectors that outlive a step: parameters, gradients, the optimiser's states, running statistics."""

    parameters: Parameters
    gradients: Parameters
    states: tuple[Parameters, ...]
    statistics: Parameters

    def at(self, home: str) -> Parameters:
        """The vector that a `home` of `program.Buffer` names."""
        named = {"parameters": self.parameters, "gradients": self.gradients, "statistics": self.statistics}
        return (named | {f"state{number}": state for number, state in enumerate(self.states)})[home]


def new_vectors(program: Program, parameters: Parameters, statistics: Parameters) -> Vectors:
    """New gradients and optimiser states, all zero, beside the given parameters and statistics."""
    states = program.optimizer.states if program.optimizer else ()
    return Vectors(parameters, parameters.like(), tuple(parameters.like() for _ in states), statistics)


class Memory:
    """The quantities of a program for batches of up to `capacity` samples."""

    def __init__(self, program: Program, vectors: Vectors, capacity: int) -> None:
        self.program, self.vectors, self.capacity, self.m = program, vectors, capacity, capacity
        self.offsets: dict[str, int] = {}
        sizes = {False: 0, True: 0}
        for name, buffer in program.buffers.items():
            if buffer.home == "work" and program.memory(name) == name:
                self.offsets[name] = sizes[buffer.float64]
                sizes[buffer.float64] += padded(self.size(buffer.shape, capacity))
        dtype = vectors.parameters.vector.dtype
        self.work = {False: aligned_zeros(sizes[False], dtype), True: aligned_zeros(sizes[True], np.float64)}

    @staticmethod
    def size(shape: tuple[Size, ...], m: int) -> int:
        """Number of elements of a buffer for m samples."""
        return math.prod(m if isinstance(side, str) else side for side in shape)

    def rows(self, name: str) -> Array:
        """A view as the engine has it: (m, n), (m,), (fan_in, fan_out), (n,) or (1,)."""
        buffer = self.program.buffers[name]
        if buffer.home != "work":
            return self.vectors.at(buffer.home).rows(buffer.segment)
        offset = self.offsets[self.program.memory(name)]
        shape = tuple(self.m if isinstance(side, str) else side for side in buffer.shape)
        return self.work[buffer.float64][offset : offset + self.size(buffer.shape, self.m)].reshape(shape)

    def columns(self, name: str) -> Array:
        """A view as the article has it: (n, m), (1, m) for one value per sample, (n, 1) for a column of features."""
        rows, shape = self.rows(name), self.program.buffers[name].shape
        if len(shape) == 2:
            return rows.T
        return rows[np.newaxis, :] if shape[0] == "m" else rows[:, np.newaxis]

    def set(self, name: str, columns: Any) -> None:
        """Copy values into a quantity; they have samples as columns."""
        with np.errstate(under="ignore"):  # a number too small for the dtype is 0 in it
            self.columns(name)[...] = columns
