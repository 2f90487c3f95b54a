"""Why a person's code cannot be run with these widths: the error, and the mistake that only equal widths would hide.

On a network whose widths and batch are equal every transpose fits. What the code computes there shows which mistake
raises the error elsewhere; the error itself is always reported.
"""

from __future__ import annotations

from glassnet.check.candidate import Candidate, CandidateError
from glassnet.check.comparison import compare_gradients
from glassnet.check.fault import Fault
from glassnet.check.trial import Trial


def run_faults(candidate: Candidate, trial: Trial, error: CandidateError) -> list[Fault]:
    """The error that their code raised or the shape that it returned, with the mistake that explains it."""
    sentence = f"{error}; layers were {trial.widths}, x {trial.x.shape}"
    hidden = _hidden_faults(candidate, trial)
    if not hidden:
        return [Fault(error.equation, f"{sentence}.")]
    first, *rest = hidden
    return [Fault(first.equation, f"{first.sentence.rstrip('.')} ({sentence})."), *rest]


def _hidden_faults(candidate: Candidate, trial: Trial) -> list[Fault]:
    """The faults on a network of equal widths, if known mistakes explain all that it computes."""
    if any(layer.activation.groups for layer in trial.dense):  # groups fit only their own widths
        return []
    width = max(2, min(5, max(trial.widths)))
    try:
        found = compare_gradients(candidate, trial.variant([width] * len(trial.widths), width)).faults
    except CandidateError:
        return []
    return [] if any("no known mistake" in fault.sentence for fault in found) else found
