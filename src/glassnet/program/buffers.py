"""Where the quantities of a program lie: parameters and states in their vectors, all others in one workspace.

Both executors run on the same memory, with samples as rows (samples × features); a person is shown its transpose.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from glassnet.program.bfloat16_pairs import Pairing, packed, paired_name, unpacked, words_shape
from glassnet.program.parameters import Array, Parameters, aligned_zeros, padded
from glassnet.program.program import Program


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
        self.pairings = {name: program.pairings(name) for name in program.buffers}
        sizes = {False: 0, True: 0}
        for name, buffer in program.buffers.items():
            if buffer.home == "work" and program.memory(name) == name:
                for array, shape in self.arrays(name, capacity).items():
                    self.offsets[array] = sizes[buffer.float64]
                    sizes[buffer.float64] += padded(math.prod(shape))
        dtype = vectors.parameters.vector.dtype
        self.work = {False: aligned_zeros(sizes[False], dtype), True: aligned_zeros(sizes[True], np.float64)}

    def arrays(self, name: str, m: int) -> dict[str, tuple[int, ...]]:
        """The shapes of what holds a quantity for m samples: one array, or one for each way of pairing its numbers."""
        shape = self.shape(name, m)
        words: dict[str, tuple[int, ...]] = {
            paired_name(name, pairing): words_shape(shape, pairing) for pairing in self.pairings[name]
        }
        return words or {name: shape}

    def shape(self, name: str, m: int) -> tuple[int, ...]:
        """The shape of a quantity for m samples."""
        return tuple(m if isinstance(side, str) else side for side in self.program.buffers[name].shape)

    def rows(self, name: str) -> Array:
        """A view as the engine has it: (m, n), (m,), (fan_in, fan_out), (n,) or (1,); rounded to bfloat16, a copy."""
        buffer = self.program.buffers[name]
        if buffer.home != "work":
            return self.vectors.at(buffer.home).rows(buffer.segment)
        if pairings := self.pairings[name]:
            return unpacked(self._words(name, pairings[0]), self.shape(name, self.m), pairings[0])
        return self._view(self.program.memory(name), self.shape(name, self.m), buffer.float64)

    def _words(self, name: str, pairing: Pairing) -> Array:
        """The words that hold a rounded quantity, paired in one way."""
        return self._view(paired_name(name, pairing), words_shape(self.shape(name, self.m), pairing), False)

    def _view(self, array: str, shape: tuple[int, ...], float64: bool) -> Array:
        """One of the arrays in the workspace."""
        offset = self.offsets[array]
        return self.work[float64][offset : offset + math.prod(shape)].reshape(shape)

    def columns(self, name: str) -> Array:
        """A view as the article has it: (n, m), (1, m) for one value per sample, (n, 1) for a column of features."""
        rows, shape = self.rows(name), self.program.buffers[name].shape
        if len(shape) == 2:
            return rows.T
        return rows[np.newaxis, :] if shape[0] == "m" else rows[:, np.newaxis]

    def set(self, name: str, columns: Any) -> None:
        """Copy values into a quantity; they have samples as columns."""
        if pairings := self.pairings[name]:
            rows = np.broadcast_to(np.asarray(columns).T, self.shape(name, self.m))
            for pairing in pairings:
                self._words(name, pairing)[...] = packed(rows, pairing)
            return
        with np.errstate(under="ignore"):  # a number too small for the dtype is 0 in it
            self.columns(name)[...] = columns
