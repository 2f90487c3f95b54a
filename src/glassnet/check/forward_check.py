"""Compares a person's prediction with ours, which tells a wrong forward pass from a wrong output error."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from glassnet.check.candidates.candidate import Candidate
from glassnet.check.candidates.candidate_error import CandidateError
from glassnet.check.mistakes.fault import Fault
from glassnet.check.trial import FLOAT32_TOLERANCE, Trial


def forward_faults(candidate: Candidate, trial: Trial, predict: Any) -> list[Fault]:
    """What is wrong with their prediction; `trial.forward_is_right` is set to the result."""
    ours = trial.prepared.executor.columns(f"a{len(trial.widths) - 1}")
    try:
        with contextlib.suppress(CandidateError):  # the comparison of gradients reports it
            candidate.choose(trial)
        theirs = candidate.prediction(trial, predict)
    except CandidateError as error:
        return [Fault("forward", f"predict: {error}.")]
    if theirs.shape != ours.shape:
        return [Fault("forward", f"predict returns an array of shape {theirs.shape}, the outputs are {ours.shape}.")]
    trial.forward_is_right = bool(np.allclose(theirs, ours, rtol=FLOAT32_TOLERANCE, atol=1e-4))
    if trial.forward_is_right:
        return []
    index = np.unravel_index(int(np.argmax(np.abs(theirs - ours))), ours.shape)
    values = f"{theirs[index]:.4g} where ours is {ours[index]:.4g}"
    return [Fault("forward", f"its prediction differs, {values}; mend the forward pass, then run the check again.")]
