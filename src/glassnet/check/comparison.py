"""Compares the gradient that a person's code returned with ours: shapes, then zeros, then the numbers of several trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glassnet.check.candidate import Answer, Candidate, CandidateError
from glassnet.check.decoder import UNKNOWN, Theirs
from glassnet.check.fault import Fault
from glassnet.check.pairing import pairing_fault
from glassnet.check.repetition import is_same, repetition_fault
from glassnet.check.scale import Setting, judge, number
from glassnet.check.search import Explanation, Search, first_difference, gap_text
from glassnet.check.shapes import Matched, match_shapes
from glassnet.check.trial import FLOAT32_TOLERANCE, TOLERANCE, Trial

TRIALS = 4  # so that even one number per array is four, and two unknown factors cannot explain what they do not cause
RUN_AGAIN = "after it is mended, run the check again"
OTHER_SIZES = (11, 13, 17, 19, 23)  # of a batch, to see which factors depend on it

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
    faults, theirs = _without_zeros(trial, _stacked(matched, trials, answers[:-1]))
    found = _Numbers(candidate, trials, theirs, tolerance).comparison()
    return Comparison([*matched.faults, *faults, *found.faults], [*matched.notes, *found.notes])


def _stacked(matched: Matched, trials: Sequence[Trial], answers: Sequence[Answer]) -> Theirs:
    """Their gradients in all trials, in our shapes."""
    pairs = [matched.arrange(trial, answer) for trial, answer in zip(trials, answers, strict=True)]
    count = len(trials[0].widths) - 1
    parts = [[[pair[kind][layer] for pair in pairs] for layer in range(count)] for kind in (0, 1)]
    stacked = [[None if any(one is None for one in layer) else np.stack(layer) for layer in kind] for kind in parts]
    return Theirs([None, *stacked[0]], [None, *stacked[1]])


def _without_zeros(trial: Trial, theirs: Theirs) -> tuple[list[Fault], Theirs]:
    """The faults of gradients that are 0 though ours are not, and the others."""
    layers = range(1, len(theirs.dw))
    zero = {
        name: [n for n in layers if parts[n] is not None and not np.any(parts[n])]
        for name, parts in (("dW", theirs.dw), ("db", theirs.db))
    }
    every = {name: [n for n in layers if parts[n] is not None] for name, parts in (("dW", theirs.dw), ("db", theirs.db))}
    kept = Theirs(*([None if part is None or not part.any() else part for part in parts] for parts in theirs))
    sizes = ", ".join(f"{np.abs(dw).max():.2g}" for dw in trial.gradients[0])
    if zero == every:
        text = f"the gradient is 0: every dW and db is, where the largest entries of ours are {sizes} (dW of each layer)."
        return [Fault("run", text)], kept
    faults = []
    both = [n for n in zero["dW"] if n in zero["db"] or n not in every["db"]]
    if both and both == list(range(1, len(both) + 1)):
        names = " and ".join(map(str, both))
        text = f"the gradient is 0 in layer {names}: no error arrives below layer {len(both) + 1}."
        return [Fault("BP2", text)], kept
    for name, equation, what in (("dW", "BP4", "the weights have"), ("db", "BP3", "the biases have")):
        if zero[name] == every[name] != []:
            faults.append(Fault(equation, f"{name} is 0: {what} no gradient."))
        elif zero[name]:
            text = " and ".join(f"{name}{n}" for n in zero[name])
            faults.append(Fault(equation, f"the gradient is 0 in {text}, and not in the other layers."))
    return faults, kept


class _Numbers:
    """The comparison of numbers in several trials."""

    def __init__(self, candidate: Candidate, trials: Sequence[Trial], theirs: Theirs, tolerance: float) -> None:
        self.candidate, self.trials, self.theirs, self.tolerance = candidate, trials, theirs, tolerance
        self.trial = trials[0]
        self.search = Search(trials, theirs, tolerance)

    def comparison(self) -> Comparison:
        """The faults and notes of the best explanations; where there is none, where the numbers first differ."""
        if all(part is None for part in (*self.theirs.dw, *self.theirs.db)):
            return Comparison([], [])
        best = self.search.best()
        if best and not _is_unknown(best[0]):
            return self._explained(best)
        if fault := pairing_fault(self.candidate, self.trial, self.tolerance):
            return Comparison([fault], [])
        difference = first_difference(self.trial.gradients, self.theirs, self.tolerance)
        certain = best[0] if best else self.search.partial()
        if certain is None:
            return Comparison([difference], [])
        return self._in_part(certain, difference)

    def _in_part(self, certain: Explanation, difference: Fault) -> Comparison:
        """The faults that are certain, and where something else is wrong."""
        faults = self.search.faults(certain)
        unknown = [(mistake, layer) for mistake, layer in certain.reading.mistakes if mistake in UNKNOWN.values()]
        if not unknown and not faults:
            return Comparison([difference], [])
        for name, other in (("dW", "db"), ("db", "dW")):
            if layers := [layer for mistake, layer in unknown if mistake is UNKNOWN[name]]:
                text = f"no known mistake gives these numbers; {name} differs in layer {_listed(layers)}, by "
                text += f"{self._gap(name, layers[0])}; δ is right there, as {other} shows."
                faults.append(Fault(UNKNOWN[name].equation, text))
        if certain.unread:
            text = f"no known mistake gives the numbers of layer {certain.unread}, behind the others; {RUN_AGAIN}."
            faults.append(Fault("BP2", text))
        verdict = judge(certain.factors, self._setting) if certain.factors else None
        return Comparison([*faults, *(verdict.faults if verdict else ())], list(verdict.notes) if verdict else [])

    def _gap(self, name: str, layer: int) -> str:
        """By how much their dW or db of a layer differs from ours."""
        kind = int(name == "db")
        theirs, ours = self.theirs[kind][layer], self.trial.gradients[kind][layer - 1]
        assert theirs is not None
        return gap_text(float(np.abs(theirs[0] - ours).max() / np.abs(ours).max()))

    @property
    def _setting(self) -> Setting:
        return Setting(self.trial.m, self.trial.widths, self.tolerance)

    def _explained(self, best: list[Explanation]) -> Comparison:
        explanation = best[0]
        faults, other = self.search.faults(explanation), None
        if any(abs(factor - 1) > self.tolerance for factor in explanation.factors.values()):
            other = self._factors_of_another_batch()
        verdict = judge(explanation.factors, self._setting, other) if explanation.factors else None
        if len(faults) == 1:
            faults = [_with_alternatives(faults[0], [self.search.faults(one) for one in best[1:]])]
        notes = [f"{mistake.sentence}; that is right, too." for mistake, _ in explanation.reading.mistakes if mistake.is_note]
        decay_faults, decay_notes = _decays(explanation)
        return Comparison(
            [*faults, *decay_faults, *(verdict.faults if verdict else ())],
            [*(verdict.notes if verdict else ()), *decay_notes, *notes],
        )

    def _factors_of_another_batch(self) -> tuple[dict[tuple[str, int], float], int] | None:
        """The factors in a batch of another size; None where their code cannot take one, or is not explained there."""
        m = next(m for m in OTHER_SIZES if m not in self.trial.widths and m > self.trial.m)
        trials = [self.trial.variant(self.trial.widths, m, self.trial.seed + n) for n in range(2)]
        try:
            answers = [self.candidate.answer(one) for one in trials]
            theirs = _without_zeros(trials[0], _stacked(match_shapes(trials[0], answers[0]), trials, answers))[1]
        except CandidateError:
            return None
        best = Search(trials, theirs, self.tolerance).best()
        return (dict(best[0].factors), trials[0].m) if best else None


def _listed(layers: list[int]) -> str:
    return " and ".join(map(str, sorted(layers)))


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


def _decays(explanation: Explanation) -> tuple[list[Fault], list[str]]:
    """What is said of multiples of W and sign(W) in the gradient: a penalty, if they are alike and positive."""
    faults, notes = list[Fault](), list[str]()
    for attribute, term, name in (("decay", "{}", "L2"), ("sign_decay", "sign({})", "L1")):
        for kind, symbol, equation in (("dW", "W", "BP4"), ("db", "b", "BP3")):
            parts = [(n, getattr(part, attribute)) for one, n, part in explanation.reading.parts if one == kind]
            values = [value for _, value in parts if value]
            if not values:
                continue
            what = f"{number(values[0])}·{term.format(symbol)}"
            if len(values) < len(parts) or not np.allclose(values, values[0], rtol=1e-3):
                each = ", ".join(f"{number(value)} in layer {n}" for n, value in sorted(parts))
                faults.append(Fault(equation, f"{kind} contains {term.format(symbol)} times {each}: a penalty is the same in all."))
            elif values[0] < 0:
                faults.append(Fault(equation, f"the penalty has the wrong sign: {kind} contains {what}; add it."))
            else:
                notes.append(f"your {kind} contains an {name} term, {what}: right if your cost has that penalty{_of_biases(kind)}.")
    return faults, notes


def _of_biases(kind: str) -> str:
    return "; biases are usually left out of it" if kind == "db" else ""
