"""Whether all numbers are finite, and where not: the step is run again, equation by equation, in the plain lowering."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.batches.mini_batches import StepRange
from glassnet.execution.executor import Executor
from glassnet.execution.reference import Reference
from glassnet.program.parameters import Array
from glassnet.program.program import Program, symbol

CHUNK = 1 << 16  # numbers that are tested at a time, so that the boolean results stay in cache


def is_finite(vector: Array) -> bool:
    """Whether every number is finite."""
    return all(np.isfinite(vector[first : first + CHUNK]).all() for first in range(0, len(vector), CHUNK))


def first_not_finite(reference: Executor, step_range: StepRange) -> str:
    """A sentence about the first NaN or infinity of a step; it changes parameters that the caller must restore."""
    assert isinstance(reference, Reference)
    program = reference.program
    reference.begin(step_range, 0)
    for number, row in enumerate(program.rows):
        reference.run(number, number + 1)
        for name in row.writes:
            values = reference.rows(name)
            if not np.isfinite(values).all():
                return _sentence(name, values, row.label, program, step_range)
    return "the cost or a parameter left the range of the dtype"


def _sentence(name: str, values: Any, label: str, program: Program, step_range: StepRange) -> str:
    index = tuple(int(axis) for axis in np.argwhere(~np.isfinite(values))[0])
    value = "NaN" if np.isnan(values[index]) else "infinite"
    columns_index = f"[{', '.join(map(str, reversed(index)))}]"
    sample = ""
    if program.buffers[name].shape[0] == "m":
        first = int(step_range.batches[0, 0])
        sample = f" for sample {int(step_range.order[first + index[0]])}"
    return f"{symbol(name)}{columns_index} became {value}{sample} ({label})"
