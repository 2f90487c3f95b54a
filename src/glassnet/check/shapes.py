"""What the shapes of a returned gradient say, and how its arrays are brought into ours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.check.candidates.candidate import Answer, CandidateError
from glassnet.check.mistakes.fault import Fault, listed
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array

NOT_CHECKED = "biases are not checked: declared as none."


class Matched(NamedTuple):
    """The faults of the shapes, and what brings the arrays into ours; `unusable` are the layers whose db fits none."""

    faults: list[Fault]
    notes: list[str]
    is_swapped: bool
    is_backward: bool
    is_transposed: bool
    unusable: tuple[int, ...]

    def arrange(self, trial: Trial, answer: Answer) -> tuple[list[Array], list[Array | None]]:
        """dw and db in our shapes; None for a db that cannot be compared."""
        dw, given = (answer.db, answer.dw) if self.is_swapped else (answer.dw, answer.db)
        db: list[Array | None] = list(given)
        if self.is_backward:
            dw, db = dw[::-1], db[::-1]
        if self.is_transposed:
            dw = [part.T for part in dw]
        if not trial.has_biases:
            return list(dw), [None] * len(dw)
        for number, part in enumerate(db):
            assert part is not None
            db[number] = None if number in self.unusable else part.reshape(-1, 1)
        return list(dw), db


def match_shapes(trial: Trial, answer: Answer) -> Matched:
    """What the shapes show. Raises CandidateError for a dw of impossible shape."""
    shapes, faults = [w.shape for w in trial.network.weights], list[Fault]()
    dw, db = list(answer.dw), list(answer.db)

    def fit(parts: list[Array]) -> bool:
        return [part.shape for part in parts] == shapes

    if is_swapped := not fit(dw) and fit(db):
        dw, db = db, dw
        faults.append(Fault("run", "dw and db are swapped: return dw first, then db."))
    if is_backward := not fit(dw) and fit(dw[::-1]):
        dw, db = dw[::-1], db[::-1]
        faults.append(Fault("BP4", "dw and db are in backward order: the last layer comes first."))
    if is_transposed := not fit(dw) and fit([part.T for part in dw]):
        dw = [part.T for part in dw]
        faults.append(Fault("BP4", "dW is transposed: a·δᵀ instead of δ·aᵀ."))
    for number, (part, shape) in enumerate(zip(dw, shapes, strict=True)):
        if part.shape != shape:
            raise CandidateError(f"its dw[{number}] has shape {part.shape}, where {shape} is expected", "BP4")
    if not trial.has_biases:
        return Matched(faults, [NOT_CHECKED], is_swapped, is_backward, is_transposed, ())
    unusable = tuple(number for number, part in enumerate(db) if part.size != shapes[number][0])
    if unusable:
        faults.append(_bias_fault(trial, unusable, db))
    elif answer.misfits:
        layer, shape, b = answer.misfits[0]
        becomes = np.broadcast_shapes(shape, b)
        cure = "sum with keepdims=True" if len(shape) < len(b) else "give db the shape of b"
        text = f"db[{layer}] has shape {shape}, but b has {b}: b − lr·db becomes {becomes}; {cure}."
        faults.append(Fault("BP3", text))
    return Matched(faults, [], is_swapped, is_backward, is_transposed, unusable)


def _bias_fault(trial: Trial, unusable: tuple[int, ...], db: list[Array]) -> Fault:
    """What the shape of the first db that does not fit says about the mistake."""
    number, part = unusable[0], db[unusable[0]]
    delta, width = trial.prepared.executor.columns(f"delta{number + 1}"), trial.widths[number + 1]
    if part.size == 1:
        text = f"db[{number}] is one number for all {width} neurons; sum over the samples only (axis 1)."
    elif part.size == trial.m:
        text = "db is summed over the wrong axis: over neurons, not over samples (axis 0 instead of axis 1)."
    elif part.shape == delta.shape and np.allclose(part, part[:1]):  # b itself was broadcast by it
        text = f"db is summed over the wrong axis, over neurons instead of samples: b takes the shape {part.shape}."
    elif part.shape == delta.shape:
        text = f"db[{number}] is δ itself, {part.shape}; return its mean over the samples."
    else:
        text = f"db[{number}] has shape {part.shape}; ({width}, 1) is expected."
    names = listed([f"db[{n}]" for n in unusable])
    return Fault("BP3", f"{text[:-1]}; the numbers of {names} could not be compared.")
