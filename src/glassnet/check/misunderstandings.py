"""What a person may have misunderstood, although their equations are right: what to return, which cost, which batch."""

from __future__ import annotations

import numpy as np

from glassnet.check.candidates.candidate import Candidate
from glassnet.check.candidates.candidate_error import CandidateError
from glassnet.check.mistakes.fault import Fault
from glassnet.check.mistakes.fit import factor
from glassnet.check.mistakes.scale import number
from glassnet.check.trial import FLOAT32_TOLERANCE, TOLERANCE, Trial

CROSS_ENTROPIES = {"sigmoid": "binary_cross_entropy", "softmax": "categorical_cross_entropy"}
NO_SLOPE = ("σ' is missing at the output", "the error is not multiplied by the derivative of softmax")
MIXED = "for a whole batch it returns a gradient that does not fit those of its samples: check it without one_sample."


def new_weights(candidate: Candidate, trial: Trial) -> Fault | None:
    """Whether they return what the weights become, W − lr·dW, instead of the gradient."""
    try:
        answer = candidate.answer(trial)
    except CandidateError:  # code may work only once
        return None
    pairs = list(zip([*answer.dw, *answer.db], [*trial.parameters[0], *trial.parameters[1]], strict=True))
    if not trial.has_biases:
        pairs = pairs[: len(answer.dw)]
    if any(theirs.shape != before.shape for theirs, before in pairs):
        return None
    steps, ours = [theirs - before for theirs, before in pairs], [*trial.gradients[0], *trial.gradients[1]]
    rate = factor(steps, ours[: len(steps)], FLOAT32_TOLERANCE if answer.is_float32 else TOLERANCE)
    if not rate:
        return None
    return Fault(
        "run", f"it returns new weights, W {'−' if rate < 0 else '+'} {number(abs(rate))}·dW; return dW and db."
    )


def other_cost(faults: list[Fault], trial: Trial) -> list[str]:
    """That the error a − y belongs to a cross-entropy, where the slope of the output is missing."""
    architecture = trial.network.architecture
    output = architecture.dense[-1].activation.name
    if architecture.cost.name != "quadratic" or output not in CROSS_ENTROPIES:
        return []
    if not any(fault.sentence.startswith(NO_SLOPE) for fault in faults):
        return []
    return [f"a − y is right if your cost is a cross-entropy: pass cost={CROSS_ENTROPIES[output]!r}."]


def mixed_samples(candidate: Candidate, trial: Trial) -> list[str]:
    """That code which is right for one sample also takes a batch, and is wrong there."""
    whole = candidate.with_conventions(candidate.conventions._replace(one_sample=False))
    try:
        answer = whole.answer(trial)
    except CandidateError:
        return []
    pairs = list(zip([*answer.dw, *answer.db], [*trial.gradients[0], *trial.gradients[1]], strict=True))
    fits = all(theirs.shape == ours.shape and np.isfinite(theirs).all() for theirs, ours in pairs)
    return [MIXED] if fits and not whole.is_multiple(trial) else []
