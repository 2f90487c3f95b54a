"""Compares the gradient that a person's code returned with ours on one trial, first its shapes, then its numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.check.candidate import Candidate, CandidateError
from glassnet.check.hypotheses import Fault, Gradients
from glassnet.check.search import first_difference, search
from glassnet.check.trial import FLOAT32_TOLERANCE, TOLERANCE, Trial
from glassnet.program.parameters import Array


class Comparison(NamedTuple):
    """What a comparison shows: faults, and notes on what differs from ours and is right all the same."""

    faults: list[Fault]
    notes: list[str]


def compare_gradients(candidate: Candidate, trial: Trial) -> Comparison:
    """The faults of their gradient on one trial, and notes. Raises CandidateError where their code raises."""
    answer = candidate.answer(trial)
    tolerance = FLOAT32_TOLERANCE if answer.is_float32 else TOLERANCE
    faults, theirs = _match_shapes(trial, (answer.dw, answer.db), tolerance)
    if not all(np.isfinite(part).all() for part in (*theirs[0], *theirs[1])):
        return Comparison([*faults, Fault("run", "its gradients are not finite.")], [])
    known = search(trial, theirs, tolerance)
    if known is None:
        if not all(map(is_same, candidate.answer(trial).dw, answer.dw)):
            sentence = "it returns other numbers when it is called again with the same data."
            return Comparison([*faults, Fault("run", sentence)], [])
        known = (first_difference(trial.gradients, theirs, tolerance),)
    return Comparison([*faults, *known], [])


def _match_shapes(trial: Trial, theirs: Gradients, tolerance: float) -> tuple[list[Fault], Gradients]:
    """The faults that the shapes show, and their arrays in our shapes. Raises CandidateError for impossible shapes."""
    dw, db = list(theirs[0]), list(theirs[1])
    shapes = [w.shape for w in trial.network.weights]
    faults: list[Fault] = []

    def fit(parts: list[Array]) -> bool:
        return [part.shape for part in parts] == shapes

    if not fit(dw) and fit(db):
        dw, db = db, dw
        faults.append(Fault("run", "dw and db are swapped: return dw first, then db."))
    if not fit(dw) and fit(dw[::-1]):
        dw, db = dw[::-1], db[::-1]
        faults.append(Fault("BP4", "dw and db are in backward order: the last layer comes first."))
    if not fit(dw) and fit([part.T for part in dw]):
        dw = [part.T for part in dw]
        faults.append(Fault("BP4", "dW is transposed: a·δᵀ instead of δ·aᵀ."))
    for number, (part, shape) in enumerate(zip(dw, shapes, strict=True)):
        if part.shape != shape:
            raise CandidateError(f"its dw[{number}] has shape {part.shape}, where {shape} is expected", "BP4")
    for number, part in enumerate(db):
        if part.size == shapes[number][0]:
            db[number] = part.reshape(-1, 1)
            continue
        faults.append(_bias_fault(trial, number, part, tolerance))
        db = trial.gradients[1]
        break
    return faults, (dw, db)


def _bias_fault(trial: Trial, number: int, part: Array, tolerance: float) -> Fault:
    """What the shape of a db says about the mistake."""
    delta, width = trial.prepared.executor.columns(f"delta{number + 1}"), trial.widths[number + 1]
    if part.size == 1:
        return Fault("BP3", f"db[{number}] is one number for all {width} neurons; sum over the samples only (axis 1).")
    if part.size == trial.m:
        sentence = "db is summed over the wrong axis: over neurons, not over samples (axis 0 instead of axis 1)."
        return Fault("BP3", sentence)
    if part.shape == delta.shape:
        return Fault("BP3", f"db[{number}] is δ itself, {part.shape}; return its mean over the samples.")
    return Fault("BP3", f"db[{number}] has shape {part.shape}; ({width}, 1) is expected.")


def is_same(one: Array, other: Array) -> bool:
    """Whether two calls returned the same, up to the rounding of products whose arrays lie elsewhere in memory."""
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-9, atol=1e-12)
