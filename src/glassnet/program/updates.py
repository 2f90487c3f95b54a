"""The last rows of a training step: clipping the gradients, then the optimiser's recurrence for every segment."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.program.parameters import Segment
from glassnet.program.program import Buffer
from glassnet.program.row_list import RowList
from glassnet.tables.optimizers import Optimizer

ONE = np.ones(1)


class StepOptions(NamedTuple):
    """What a training step has beyond the network: its optimiser, and which rows it needs.

    `factors` are factors on the rate, one a dense layer; `labels` where y are class numbers.
    """

    optimizer: Optimizer
    weighted: bool = False
    labels: bool = False
    clip_norm: bool = False
    clip_value: bool = False
    factors: tuple[float, ...] = ()

    def group(self, segment: Segment) -> tuple[float, bool]:
        """The factor on a segment's rate, and whether decay applies to it."""
        factor = self.factors[max(segment.layer, 1) - 1] if self.factors else 1.0
        return factor, segment.is_weight and self.decays

    @property
    def decays(self) -> bool:
        """Whether the optimiser treats weights and other segments differently."""
        return self.optimizer.scalars(ONE, ONE, 1.0) != self.optimizer.scalars(ONE, ONE, 0.0)

    def groups(self, segments: tuple[Segment, ...]) -> tuple[tuple[float, bool], ...]:
        """The different groups, in order; the step scalars of the n-th are called "name n"."""
        return tuple(dict.fromkeys(map(self.group, segments)))


def add_update(rows: RowList, step: StepOptions) -> None:
    """Add the rows of clipping and of the update."""
    rows.label = "update"
    if step.clip_value:
        _clip_value(rows)
    if step.clip_norm:
        _clip_norm(rows)
    for segment in rows.segments:
        _optimise(rows, segment, step)


def _clip_value(rows: RowList) -> None:
    """Every gradient kept between −limit and limit."""
    text = "gradients ← clip(gradients, −limit, limit)"
    for number, segment in enumerate(rows.segments):
        name = f"d{segment.name}"
        rows.formula(
            lambda g, limit: np.clip(g, -limit, limit),
            (name,),
            {name: segment.shape},
            "" if number else text,
            scalars=("clip value",),
        )


def _clip_norm(rows: RowList) -> None:
    """All gradients times min(1, limit/‖gradients‖)."""
    sums = {f"square sums {segment.name}": segment for segment in rows.segments}
    for name, segment in sums.items():
        rows.sums(lambda g: g * g, (f"d{segment.name}",), name, segment.shape[0])
    settings = (len(sums), *(segment.shape[0] for segment in sums.values()))
    rows.add("clip_scale", tuple(sums), {"clip": (1,)}, scalars=("clip norm",), settings=settings)
    text = "gradients ← gradients · min(1, limit/‖gradients‖)"
    for number, segment in enumerate(rows.segments):
        name = f"d{segment.name}"
        rows.formula(lambda g, scale: g * scale, (name, "clip"), {name: segment.shape}, "" if number else text)


def _optimise(rows: RowList, segment: Segment, step: StepOptions) -> None:
    """w, states ← the optimiser's update; its scalars belong to the segment's group."""
    group = step.groups(rows.segments).index(step.group(segment))
    states = tuple(f"{name} {segment.name}" for name in step.optimizer.states)
    rows.buffers |= {name: Buffer(segment.shape, f"state{number}") for number, name in enumerate(states)}
    words = tuple(step.optimizer.scalars(ONE, ONE))
    arrays = 2 + len(states)

    def update(*values: Any) -> Any:
        return step.optimizer.update(*values[:arrays], **dict(zip(words, values[arrays:], strict=True)))

    rows.formula(
        update,
        (segment.name, f"d{segment.name}", *states),
        dict.fromkeys((segment.name, *states), segment.shape),
        f"W, b ← {step.optimizer.name}(lr)" if segment is rows.segments[0] else "",
        scalars=tuple(f"{word} {group}" for word in words),
    )
