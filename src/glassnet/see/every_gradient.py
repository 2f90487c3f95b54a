"""Every gradient of one batch beside the slope of C that an experiment measures: one backward pass against two forward
passes per parameter.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from glassnet.execution.model import Model
from glassnet.see.nudge import Experiment, Nudge
from glassnet.see.trace import number

GOLDEN_RATIO = (5**0.5 - 1) / 2  # whose multiples spread evenly between 0 and 1
TOLERANCE = 1e-6  # relative, as that of gradient_check
MAX_CHECKED, MAX_SECONDS = 2000, 5.0


class GradientsCheck(NamedTuple):
    """How many of `parameters` were checked, and the largest relative difference among them.

    Left out of it: `kinks`, where a kink lies within the step, and `small`, which rounding hides. `wrong` are those
    beyond the tolerance; `worst` is the one with the largest difference.
    """

    parameters: int
    checked: int
    largest: float
    worst: Nudge | None
    wrong: int
    kinks: int
    small: int

    @property
    def sentence(self) -> str:
        """The result, with the work of either way."""
        some = "" if self.checked == self.parameters else f" of {self.parameters:,} (evenly spread)"
        passes = f"{2 * self.checked:,} forward passes against 1 backward pass"
        judged = self.checked - self.kinks - self.small
        result = f"All {judged:,} that could be judged agree" if judged else "None of them could be judged"
        result = f"{self.wrong:,} do not agree" if self.wrong else result
        worst = ""
        if self.worst:
            worst = f"; the largest relative difference is {number(self.largest, 2)}, of {self.worst.quantity}"
        measured = f"{self.checked:,} gradients{some} were measured by experiment, {passes}"
        return f"{measured}. {result}{worst}.{self._unjudged()}"

    def _unjudged(self) -> str:
        have, are = "has" if self.kinks == 1 else "have", "is" if self.small == 1 else "are"
        parts = [f"{self.kinks:,} {have} a kink within the step"] if self.kinks else []
        parts += [f"{self.small:,} {are} 0 or too small to show in C"] if self.small else []
        return f" {' and '.join(parts)}." if parts else ""


def check_gradients(experiment: Experiment, seconds: float = MAX_SECONDS) -> GradientsCheck:
    """Measure the slope over every parameter, or over as many evenly spread ones as the time allows."""
    names = list(_parameters(experiment.model))
    nudges = _measured([names[index] for index in _order(len(names))], experiment, seconds)
    judged = [nudge for nudge in nudges if not nudge.kink and not nudge.is_too_small]
    worst = max(judged, key=lambda nudge: nudge.difference, default=None)
    return GradientsCheck(
        parameters=len(names),
        checked=len(nudges),
        largest=worst.difference if worst else 0.0,
        worst=worst,
        wrong=sum(nudge.is_wrong(TOLERANCE) for nudge in judged),
        kinks=sum(bool(nudge.kink) for nudge in nudges),
        small=sum(nudge.is_too_small and not nudge.kink for nudge in nudges),
    )


def _measured(names: list[str], experiment: Experiment, seconds: float) -> list[Nudge]:
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
    return [int(place) for place in order][:MAX_CHECKED]


def _parameters(model: Model) -> Iterator[str]:
    """Every parameter as an entry, "w1[0,2]"."""
    for name in model.parameters:
        for row, column in np.ndindex(model.parameters[name].shape):
            yield f"{name}[{row},{column}]"
