"""The step scalars of every run: learning rates, penalty, clipping limits and the factor of the sample weights.

A program names the scalars that its equations read; this fills them in for any number of steps, for mini-batch runs,
L-BFGS, the explanation of a step and the measurements of layers alike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.program.program import Program


class StepInputs(NamedTuple):
    """What the scalars of some steps depend on, one entry per step.

    `steps` counts from 0, `rates` are the learning rates as the schedule gives them, `samples` and `weights` are m and
    Σw of each batch. The penalty is divided by `penalty_divisors`, the weight decay multiplied by `decays`, the rates
    of dropout by `dropouts`; `clip_norm`, `clip_value` and `max_norm` hold for all steps.
    """

    steps: Array
    rates: Array
    samples: Array
    weights: Array
    penalty_divisors: Any = 1.0
    clip_norm: float | None = None
    clip_value: float | None = None
    decays: Any = 1.0
    dropouts: Any = 1.0
    max_norm: float | None = None


def step_scalars(program: Program, architecture: Architecture, inputs: StepInputs, dtype: Any) -> Array:
    """The table (steps, program.scalars), computed in float64 and rounded once to `dtype`."""
    values: dict[str, Any] = {
        "l1": architecture.l1 / inputs.penalty_divisors,
        "l2": architecture.l2 / inputs.penalty_divisors,
        "clip norm": inputs.clip_norm,
        "clip value": inputs.clip_value,
        "max norm": inputs.max_norm,
        "dropout factor": inputs.dropouts,
        "weight factor": inputs.samples / inputs.weights,
    }
    for group, (factor, decay_factor) in enumerate(program.groups):
        scalars = program.optimizer.scalars(inputs.steps + 1, inputs.rates * factor, inputs.decays * decay_factor)
        values |= {f"{name} {group}": column for name, column in scalars.items()}
    table = np.empty((len(inputs.steps), len(program.scalars)), dtype)
    for column, name in enumerate(program.scalars):
        table[:, column] = values[name]
    return table


def first_step_scalars(program: Program, architecture: Architecture, lr: float, m: int, dtype: Any) -> dict[str, Any]:
    """The scalars of a first step on a batch of m samples, by name."""
    one, batch = np.zeros(1), np.full(1, float(m))
    table = step_scalars(program, architecture, StepInputs(one, np.array([lr]), batch, batch), dtype)
    return dict(zip(program.scalars, table[0], strict=True))
