"""Compares the gradient that a person's code returned with ours: shapes, zeros, then the numbers of several trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glassnet.check.candidates.arrays_candidate import ArraysCandidate
from glassnet.check.candidates.candidate import Answer, Candidate, CandidateError
from glassnet.check.mistakes.decay import OtherBatch, decay_findings
from glassnet.check.mistakes.decoder import UNKNOWN, Theirs
from glassnet.check.mistakes.explanation import NOTHING_KNOWN, Explanation, Wording, first_difference, gap_text
from glassnet.check.mistakes.fault import Fault, layers_text
from glassnet.check.mistakes.scale import Setting, Verdict, judge
from glassnet.check.mistakes.search import Search
from glassnet.check.pairing import pairing_fault
from glassnet.check.repetition import is_same, repetition_fault
from glassnet.check.shapes import Matched, match_shapes
from glassnet.check.trial import FLOAT32_TOLERANCE, TOLERANCE, Trial
from glassnet.check.zeros import find_zeros, without, zero_faults
from glassnet.program.parameters import Array

TRIALS = 4  # so that even one number per array is four, and two unknown factors cannot explain what they do not cause
OTHER_SIZES = (11, 13, 17, 19, 23)  # of a batch, to see which factors depend on it

RIGHT_ERROR = "δ is right there"  # in the sentence of a fault in one of dW and db

__all__ = ["Comparison", "compare_gradients", "is_same"]


class Comparison(NamedTuple):
    """What a comparison shows: faults, and notes on what differs from ours and is right all the same."""

    faults: list[Fault]
    notes: list[str]


def compare_gradients(candidate: Candidate, trial: Trial) -> Comparison:
    """The faults of their gradient, and notes. Raises CandidateError where their code raises on the first trial."""
    with np.errstate(all="ignore"):  # wrong equations may overflow, or divide by 0
        return _compare(candidate, trial)


def _compare(candidate: Candidate, trial: Trial) -> Comparison:
    first = candidate.answer(trial)
    matched = match_shapes(trial, first)
    trials = [trial, *(trial.variant(trial.widths, trial.m, trial.seed + n) for n in range(1, TRIALS))]
    try:
        answers = [first, *(candidate.answer(one) for one in trials[1:]), candidate.answer(trial)]
    except CandidateError as error:
        return Comparison([*matched.faults, Fault(error.equation, f"called again, {error}.")], [])
    tolerance = FLOAT32_TOLERANCE if first.is_float32 else TOLERANCE
    if not all(np.isfinite(part).all() for part in (*first.dw, *first.db)):
        return Comparison([*matched.faults, Fault("run", "its gradients are not finite.")], [])
    if fault := repetition_fault([*trials, trial], answers, tolerance):
        return Comparison([*matched.faults, pairing_fault(candidate, trial, tolerance) or fault], [])
    theirs = _stacked(matched, trials, answers[:-1])
    zeros = find_zeros(trial, theirs)
    comparison = _Numbers(candidate, trials, without(theirs, zeros), tolerance).comparison()
    makes_steps = isinstance(candidate, ArraysCandidate)
    faults = (
        zero_faults(trial, theirs, zeros, makes_steps=makes_steps) if zeros.are_exact or not comparison.faults else []
    )
    if any(fault.equation == "forward" and "bias" in fault.sentence for fault in comparison.faults):
        faults = [fault for fault in faults if fault.equation != "BP3"]  # the ones are 0, in z and so in db
    return Comparison([*matched.faults, *faults, *comparison.faults], [*matched.notes, *comparison.notes])


def _stacked(matched: Matched, trials: Sequence[Trial], answers: Sequence[Answer]) -> Theirs:
    """Their gradients in all trials, in our shapes."""
    pairs = [matched.arrange(trial, answer) for trial, answer in zip(trials, answers, strict=True)]
    count = len(trials[0].widths) - 1
    parts: list[list[list[Array | None]]] = [
        [[pair[kind][layer] for pair in pairs] for layer in range(count)] for kind in (0, 1)
    ]
    stacked = [[_stack(layer) for layer in kind] for kind in parts]
    return Theirs([None, *stacked[0]], [None, *stacked[1]])


def _stack(arrays: list[Array | None]) -> Array | None:
    """One array of all trials, with the trials in front; None where a trial has none."""
    given = [one for one in arrays if one is not None]
    return np.stack(given) if len(given) == len(arrays) else None


class _Numbers:
    """The comparison of numbers in several trials."""

    def __init__(self, candidate: Candidate, trials: Sequence[Trial], theirs: Theirs, tolerance: float) -> None:
        self.candidate, self.trials, self.theirs, self.tolerance = candidate, trials, theirs, tolerance
        self.trial = trials[0]
        self.search = Search(trials, theirs, tolerance)
        self.wording = Wording(self.search.right)

    def comparison(self) -> Comparison:
        """The faults and notes of the best explanations; where there is none, where the numbers first differ."""
        if all(part is None for part in (*self.theirs.dw, *self.theirs.db)):
            return Comparison([], [])
        best = self.search.best()
        if best and not _is_unknown(best[0]):
            return self._explained(best)
        if fault := pairing_fault(self.candidate, self.trial, self.tolerance):
            return Comparison([fault], [])
        certain = best[0] if best else self.search.partial()
        if certain is None:
            return Comparison([first_difference(self.trial, self.theirs, self.tolerance)], [])
        return self._in_part(certain)

    def _in_part(self, certain: Explanation) -> Comparison:
        """The faults that are certain, and where something else is wrong."""
        verdict = judge(certain.factors, self._setting) if certain.factors else Verdict((), ())
        faults = [*self.wording.faults(certain), *verdict.faults]
        again = " Mend what is named above and run the check again." if faults else ""
        unknown = [(mistake, layer) for mistake, layer in certain.reading.mistakes if mistake in UNKNOWN.values()]
        for name, other in (("dW", "db"), ("db", "dW")):
            if layers := [layer for mistake, layer in unknown if mistake is UNKNOWN[name]]:
                text = f"{NOTHING_KNOWN}; {name} differs in {layers_text(layers)}, by {self._gap(name, layers[0])}"
                faults.append(Fault(UNKNOWN[name].equation, f"{text}; {RIGHT_ERROR}, as {other} shows.{again}"))
        if certain.unread and certain.forward.mistake is not None:
            forward = faults[0]
            faults = [Fault(forward.equation, f"{forward.sentence} Mend it and run the check again.")]
        elif certain.unread:
            above = next(iter(certain.factors.values()), 1.0)
            rest = first_difference(self.trial, self.theirs, self.tolerance, (certain.unread, above))
            faults.append(Fault(rest.equation, f"{rest.sentence}{again}"))
        return Comparison(faults, list(verdict.notes))

    def _gap(self, name: str, layer: int) -> str:
        """By how much their dW or db of a layer differs from ours."""
        kind = int(name == "db")
        theirs, ours = self.theirs[kind][layer], self.trial.gradients[kind][layer - 1]
        assert theirs is not None
        return gap_text(float(np.abs(theirs[0] - ours).max() / np.abs(ours).max()))

    @property
    def _setting(self) -> Setting:
        return Setting(self.trial.m, self.trial.widths, self.tolerance, self._has_half, self._lr)

    @property
    def _lr(self) -> float:
        candidate = self.candidate
        return candidate.rate_of_steps(self.trial) if isinstance(candidate, ArraysCandidate) else 1.0

    @property
    def _has_half(self) -> bool:
        return self.trial.network.architecture.cost.name in ("quadratic", "huber")

    def _explained(self, best: list[Explanation]) -> Comparison:
        explanation = best[0]
        faults, other, again = self.wording.faults(explanation), None, None
        parts = [part for _, _, part in explanation.reading.parts]
        if any(abs(part.factor - 1) > self.tolerance or part.decay or part.sign_decay for part in parts):
            other = self._another_batch()
        if other is not None:
            again = (other.explanation.factors, other.m)
        verdict = judge(explanation.factors, self._setting, again) if explanation.factors else None
        if len(faults) == 1:
            faults = [_with_alternatives(faults[0], [self.wording.faults(one) for one in best[1:]])]
        notes = [
            f"{mistake.sentence}; that is right, too." for mistake, _ in explanation.reading.mistakes if mistake.is_note
        ]
        decay_faults, decay_notes = decay_findings(explanation, self.trial.m, other)
        return Comparison(
            [*faults, *decay_faults, *(verdict.faults if verdict else ())],
            [*(verdict.notes if verdict else ()), *decay_notes, *notes],
        )

    def _another_batch(self) -> OtherBatch | None:
        """The explanation of a batch of another size; None where their code cannot take one, or nothing explains it."""
        m = next(m for m in OTHER_SIZES if m not in self.trial.widths and m > self.trial.m)
        trials = [self.trial.variant(self.trial.widths, m, self.trial.seed + n) for n in range(2)]
        try:
            answers = [self.candidate.answer(one) for one in trials]
            theirs = _stacked(match_shapes(trials[0], answers[0]), trials, answers)
            theirs = without(theirs, find_zeros(trials[0], theirs))
        except CandidateError:
            return None
        best = Search(trials, theirs, self.tolerance).best()
        return OtherBatch(best[0], trials[0].m) if best else None


def _is_unknown(explanation: Explanation) -> bool:
    return any(mistake in UNKNOWN.values() for mistake, _ in explanation.reading.mistakes)


def _with_alternatives(fault: Fault, others: list[list[Fault]]) -> Fault:
    """The fault, and those of other equations that give the very same numbers."""
    single = [one[0] for one in others if len(one) == 1 and one[0].equation != fault.equation]
    if not single:
        return fault
    equations = " or ".join(dict.fromkeys([fault.equation, *(one.equation for one in single)]))
    text = "; or ".join(dict.fromkeys(one.sentence.rstrip(".") for one in (fault, *single)))
    return Fault(equations, f"{text}. The gradient alone does not tell them apart.")
