"""Whether their code returns the same for the same arguments, and if not, what it keeps between calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.check.candidates.candidate import Answer
from glassnet.check.mistakes.fault import Fault
from glassnet.check.mistakes.fit import multiples
from glassnet.check.mistakes.scale import number
from glassnet.check.trial import FLOAT32_TOLERANCE, Trial
from glassnet.program.parameters import Array

OTHER_NUMBERS = "it returns other numbers when it is called again with the same data."


def is_same(one: Array, other: Array, tolerance: float = 1e-9) -> bool:
    """Whether two calls returned the same, up to the rounding of products whose arrays lie elsewhere in memory."""
    return one.shape == other.shape and np.allclose(one, other, rtol=tolerance, atol=1e-3 * tolerance)


def repetition_fault(trials: Sequence[Trial], answers: Sequence[Answer], tolerance: float) -> Fault | None:
    """What is wrong where the last call, with the arguments of the first, returns something else; else None."""
    is_float32 = tolerance >= FLOAT32_TOLERANCE
    close = 1e-4 if is_float32 else 1e-9
    if all(is_same(p, q, close) for p, q in zip(answers[0].dw, answers[-1].dw, strict=True)):
        return None
    calls = [np.concatenate([part.ravel() for part in answer.dw]) for answer in answers]
    ours = [np.concatenate([part.ravel() for part in trial.gradients[0]]) for trial in trials]
    later = slice(1, None)
    if len({one.size for one in (*calls, *ours)}) > 1 or not np.isfinite(calls).all():
        return Fault("run", OTHER_NUMBERS)
    theirs, before = np.concatenate(calls[later]), np.concatenate(calls[:-1])
    factors = multiples(theirs, [np.concatenate(ours[later]), before], 0.0, max(tolerance, 1e-6))
    if factors is None:
        return Fault("run", OTHER_NUMBERS)
    share, carried = factors
    if abs(carried - 1) < 1e-3:
        return Fault("BP4", "the gradients of earlier calls are added: dw and db are not set to 0 for each batch.")
    text = f"each call returns {number(share)} × its gradient plus {number(carried)} × what the call before returned"
    return Fault("update", f"momentum is inside the gradient: {text}; that belongs in the step.")
