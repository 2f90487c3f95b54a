"""The last equations of a training step: clipping the gradients, then the optimiser's recurrence per segment."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from glassnet.program.equation_list import EquationList
from glassnet.program.parameters import Segment
from glassnet.program.program import Buffer, symbol
from glassnet.tables.optimizers import Optimizer

ONE = np.ones(1)


class StepOptions(NamedTuple):
    """What a training step adds to the network: its optimiser, and which equations it needs.

    `factors` multiply the rate and `decay_factors` the decay, one per segment of the parameters; a segment whose factor
    is 0 has no update. Without `decay_factors` weights decay and other segments do not. `labels` says that y are class
    numbers, `max_norm` that each neuron's weights are limited, `dropout_schedule` that the rates of dropout are
    multiplied by a step scalar.
    """

    optimizer: Optimizer
    weighted: bool = False
    labels: bool = False
    clip_norm: bool = False
    clip_value: bool = False
    factors: tuple[float, ...] = ()
    decay_factors: tuple[float, ...] = ()
    max_norm: bool = False
    dropout_schedule: bool = False

    @property
    def decays(self) -> bool:
        """Whether the optimiser treats weights and other segments differently."""
        return self.optimizer.scalars(ONE, ONE, 1.0) != self.optimizer.scalars(ONE, ONE, 0.0)

    def pairs(self, segments: tuple[Segment, ...]) -> list[tuple[float, float]]:
        """The factors on the rate and on the decay of each segment."""
        rates = self.factors or (1.0,) * len(segments)
        decays = self.decay_factors or tuple(float(segment.is_weight) for segment in segments)
        return list(zip(rates, decays if self.decays else (0.0,) * len(segments), strict=True))

    def groups(self, segments: tuple[Segment, ...]) -> tuple[tuple[float, float], ...]:
        """The distinct pairs of factors, in order; the step scalars of the n-th are called "name n"."""
        return tuple(dict.fromkeys(self.pairs(segments)))


def add_update(equations: EquationList, options: StepOptions) -> None:
    """Add the equations of clipping and of the update."""
    equations.label = "update"
    if options.clip_value:
        _clip_value(equations)
    if options.clip_norm:
        _clip_norm(equations)
    groups, pairs = options.groups(equations.segments), options.pairs(equations.segments)
    text = f"W, b ← {options.optimizer.name}(lr)"
    for segment, pair in zip(equations.segments, pairs, strict=True):
        if pair[0]:  # at a rate of 0 nothing moves; without an update the fused step computes no gradient either
            _optimise(equations, segment, options.optimizer, groups.index(pair), text)
            text = ""  # the first line says it for all
    if options.max_norm:
        _limit_norms(equations, [segment for segment in equations.segments if segment.is_weight])


def _clip_value(equations: EquationList) -> None:
    """Limit every gradient to the interval from −limit to limit."""
    text = "gradients ← clip(gradients, −limit, limit)"
    for segment in equations.segments:
        reads, writes = (f"d{segment.name}",), {f"d{segment.name}": segment.shape}
        equations.formula(lambda g, limit: np.clip(g, -limit, limit), reads, writes, text, scalars=("clip value",))
        text = ""  # the first line says it for all


def _clip_norm(equations: EquationList) -> None:
    """Multiply all gradients by min(1, limit/‖gradients‖)."""
    sums = {f"square sums {segment.name}": segment for segment in equations.segments}
    for name, segment in sums.items():
        equations.sums(lambda g: g * g, (f"d{segment.name}",), name, segment.shape[0])
    settings = (len(sums), *(segment.shape[0] for segment in sums.values()))
    equations.add("clip_scale", tuple(sums), {"clip": (1,)}, scalars=("clip norm",), settings=settings)
    text = "gradients ← gradients · min(1, limit/‖gradients‖)"
    for segment in equations.segments:
        name = f"d{segment.name}"
        equations.formula(lambda g, scale: g * scale, (name, "clip"), {name: segment.shape}, text)
        text = ""


def _limit_norms(equations: EquationList, weights: list[Segment]) -> None:
    """Scale the weights of every neuron whose norm exceeds the limit back to it."""
    for w, (fan_in, fan_out), layer, _ in weights:  # all of these come first, so that threads wait twice in all
        equations.add("square_means", (w,), {f"mean squares {w}": (fan_out,)}, settings=(fan_in,), layer=layer)
    for w, shape, layer, _ in weights:
        limited, reads = partial(_limited, shape[0]), (w, f"mean squares {w}")
        text = f"{symbol(w)} ← {symbol(w)} · min(1, max norm/‖weights of a neuron‖)"
        equations.formula(limited, reads, {w: shape}, text, scalars=("max norm",), layer=layer)


def _limited(fan_in: int, w: Any, mean: Any, limit: Any) -> Any:
    """w times limit/‖w‖ where the norm of a neuron's weights, whose mean square is given, exceeds the limit."""
    norm = np.sqrt(mean * fan_in)
    return w * np.where(norm > limit, limit / norm, 1.0)


def _optimise(equations: EquationList, segment: Segment, optimizer: Optimizer, group: int, text: str) -> None:
    """Add w, states ← the optimiser's update; its scalars are those of the segment's group."""
    states = tuple(f"{name} {segment.name}" for name in optimizer.states)
    for number, name in enumerate(states):
        equations.buffers[name] = Buffer(segment.shape, f"state{number}", segment=segment.name, layer=segment.layer)
    names = tuple(optimizer.scalars(ONE, ONE))
    arrays = 2 + len(states)

    def update(*values: Any) -> Any:
        return optimizer.update(*values[:arrays], **dict(zip(names, values[arrays:], strict=True)))

    reads, writes = (segment.name, f"d{segment.name}", *states), (segment.name, *states)
    scalars, shapes = tuple(f"{name} {group}" for name in names), dict.fromkeys(writes, segment.shape)
    equations.formula(update, reads, shapes, text, scalars=scalars, role="update", layer=segment.layer)
