"""Every gradient of one batch beside the slope of C that an experiment measures: one backward pass against two forward
passes per parameter.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from glassnet.execution.model import Model
from glassnet.see.nudge import Experiment, Nudge
from glassnet.see.slope import AGREES, KINK, SMALL, STEEP, WRONG, compare
from glassnet.see.trace import number

GOLDEN_RATIO = (5**0.5 - 1) / 2  # whose multiples spread evenly between 0 and 1
TOLERANCE = 1e-6  # relative, as that of gradient_check
MAX_CHECKED, MAX_SECONDS = 2000, 5.0


class GradientsCheck(NamedTuple):
    """How many of `parameters` were checked, and the largest relative difference among them.

    `wrong` are those that disagree; `worst` is the one with the largest difference. Left out of it, as a slope by
    differences says nothing there: `kinks`, where C bends at once within the step, `small`, which rounding hides, and
    `steep`, where C bends too much.
    """

    parameters: int
    checked: int
    largest: float
    worst: Nudge | None
    wrong: int
    kinks: int
    small: int
    steep: int

    @property
    def sentence(self) -> str:
        """The result, with the work of either way."""
        some = "" if self.checked == self.parameters else f" of {self.parameters:,} (evenly spread)"
        passes = f"{2 * self.checked:,} forward passes against 1 backward pass"
        judged = self.checked - self.kinks - self.small - self.steep
        result = f"All {judged:,} that could be judged agree" if judged else "None of them could be judged"
        result = f"{self.wrong:,} {'does' if self.wrong == 1 else 'do'} not agree" if self.wrong else result
        worst = ""
        if self.worst:
            worst = f"; the largest relative difference is {number(self.largest, 2)}, of {self.worst.quantity}"
        measured = f"{self.checked:,} gradients{some} were measured by experiment, {passes}"
        return f"{measured}. {result}{worst}.{self._unjudged()}"

    def _unjudged(self) -> str:
        have, are = "has" if self.kinks == 1 else "have", "is" if self.small == 1 else "are"
        parts = [f"{self.kinks:,} {have} a kink within the step"] if self.kinks else []
        parts += [f"{self.small:,} {are} 0 or too small to show in C"] if self.small else []
        parts += [f"{self.steep:,} {'bends' if self.steep == 1 else 'bend'} C too much"] if self.steep else []
        return f" {', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}." if parts else ""


class Judged(NamedTuple):
    """A nudge with the verdict on its two slopes, and their relative difference."""

    nudge: Nudge
    verdict: str
    difference: float


def check_gradients(experiment: Experiment, seconds: float = MAX_SECONDS) -> GradientsCheck:
    """Measure the slope over every parameter, or over as many evenly spread ones as the time allows."""
    names = list(_parameters(experiment.model))
    nudges = _nudges([names[index] for index in _order(len(names))], experiment, seconds)
    measured = [_judge(nudge, experiment) for nudge in nudges]
    verdicts = Counter(each.verdict for each in measured)
    worst = max((each for each in measured if each.verdict in (AGREES, WRONG)), key=_difference, default=None)
    return GradientsCheck(
        parameters=len(names),
        checked=len(measured),
        largest=worst.difference if worst else 0.0,
        worst=worst.nudge if worst else None,
        wrong=verdicts[WRONG],
        kinks=verdicts[KINK],
        small=verdicts[SMALL],
        steep=verdicts[STEEP],
    )


def _difference(judged: Judged) -> tuple[bool, float]:
    """The order of differences: those that are wrong are above the others."""
    return judged.verdict == WRONG, judged.difference


def _judge(nudge: Nudge, experiment: Experiment) -> Judged:
    """The verdict by the one step that was made, or where that disagrees by many, as in `gradient_check`."""
    if nudge.kink or nudge.is_too_small:
        return Judged(nudge, KINK if nudge.kink else SMALL, nudge.difference)
    if not nudge.is_wrong(TOLERANCE):
        return Judged(nudge, AGREES, nudge.difference)

    def cost(step: float) -> float:
        return experiment.cost_with({nudge.quantity: nudge.value + step})

    comparison = compare(nudge.derivative, cost, nudge.cost, TOLERANCE)
    return Judged(nudge, comparison.verdict, comparison.difference)


def _nudges(names: list[str], experiment: Experiment, seconds: float) -> list[Nudge]:
    nudges = [experiment.nudge(name) for name in names[:1]]  # may have to wait for a kernel
    started = time.perf_counter()
    for name in names[1:]:
        nudges.append(experiment.nudge(name))
        if time.perf_counter() - started > seconds:
            break
    return nudges


def _order(count: int) -> list[int]:
    """The places of the parameters, so that the first of them are evenly spread; at most MAX_CHECKED."""
    order = np.argsort(np.arange(count) * GOLDEN_RATIO % 1, kind="stable")
    return [int(index) for index in order][:MAX_CHECKED]


def _parameters(model: Model) -> Iterator[str]:
    """Every parameter as an entry, "w1[0,2]"."""
    for name in model.parameters:
        for row, column in np.ndindex(model.parameters[name].shape):
            yield f"{name}[{row},{column}]"
