"""Whether x and y are paired wrongly: shuffled one without the other, or a y of another sample.

Where all samples have the same y, or all the same x, such a mistake does not show. A gradient that is right then, and
wrong otherwise, pairs them wrongly.
"""

from __future__ import annotations

import numpy as np

from glassnet.check.candidates.candidate import Candidate, CandidateError
from glassnet.check.mistakes.fault import Fault
from glassnet.check.mistakes.fit import factor
from glassnet.check.shapes import match_shapes
from glassnet.check.trial import Trial

SHUFFLED = "the samples of x are paired with the y of other samples: shuffle both with the same order."


def pairing_fault(candidate: Candidate, trial: Trial, tolerance: float) -> Fault | None:
    """The fault, if it is that and nothing else."""
    if trial.m < 2 or not (
        _is_right(candidate, trial, True, tolerance) and _is_right(candidate, trial, False, tolerance)
    ):
        return None
    return Fault("run", SHUFFLED)


def _is_right(candidate: Candidate, trial: Trial, same_x: bool, tolerance: float) -> bool:
    """Whether their gradient is a multiple of ours where all samples have the same x, or the same y."""
    twin = trial.variant(trial.widths, trial.m, trial.seed)
    x, y = (
        (np.repeat(twin.x[:, :1], twin.m, axis=1), twin.y)
        if same_x
        else (twin.x, np.repeat(twin.y[:, :1], twin.m, axis=1))
    )
    twin.use(x, y)
    try:
        answer = candidate.answer(twin)
        dw, db = match_shapes(twin, answer).arrange(twin, answer)
    except CandidateError:
        return False
    biases = [(one, our) for one, our in zip(db, twin.gradients[1], strict=True) if one is not None]
    theirs, ours = [*dw, *(one for one, _ in biases)], [*twin.gradients[0], *(our for _, our in biases)]
    ratio = factor(theirs, ours, tolerance)
    return ratio is not None and ratio > 0
