"""Whether all numbers are finite, and where not: the step is run again, row by row, in the plain lowering."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.execution.reference import Reference, Schedule, Sources
from glassnet.program.buffers import Vectors
from glassnet.program.parameters import Array
from glassnet.program.program import Program, symbol

NEAR = 1 << 16  # numbers


def is_finite(vector: Array) -> bool:
    """Whether every number is; looked at in parts that stay near, because a large answer's memory would cost more."""
    return all(np.isfinite(vector[first : first + NEAR]).all() for first in range(0, len(vector), NEAR))


def first_not_finite(network: Any, program: Program, held: Vectors, sources: Sources, schedule: Schedule) -> str:
    """A sentence about the first NaN or infinity of this step; the parameters are changed, the caller restores them."""
    reference = Reference(program, held, int(schedule.batches[0, 1]), network.seed)
    reference.bind(sources)
    reference.begin(schedule, 0)
    for number, row in enumerate(program.rows):
        reference.run(number, number + 1)
        for name in row.writes:
            values = reference.rows(name)
            if not np.isfinite(values).all():
                return _sentence(name, values, row.label, program, schedule)
    return "the cost or a parameter left the range of the dtype"


def _sentence(name: str, values: Any, label: str, program: Program, schedule: Schedule) -> str:
    place = tuple(int(index) for index in np.argwhere(~np.isfinite(values))[0])
    what = "NaN" if np.isnan(values[place]) else "infinite"
    shape = program.buffers[name].shape
    where = f"[{', '.join(map(str, reversed(place)))}]"
    sample = ""
    if shape[0] == "m":
        first = int(schedule.batches[0, 0])
        sample = f" for sample {int(schedule.order[first + place[0]])}"
    return f"{symbol(name)}{where} became {what}{sample} ({label})"
