"""A mistake planted in an implementation's text, and what a right diagnosis of it says."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .implementation import Replacements

MISSING = r"missing|without|left out|lacks"
AT_A = r"σ'\(a\)|at a\b|at a instead"
GIVEN_Z = r"given z|z·\(1 − z\)|1 − z²|needs a\b"
SIGN = r"\bsign\b|y − a|uphill"
AXIS = r"axis|over neurons|over samples|over features"
ITSELF = r"itself|stands for σ'"
BIAS = r"\bbias"
ORDER = r"order|last layer comes first|backward"
FROM_ERROR = r"gate.*(δ|error)|(δ|error).*gate|where the error|own sign"
RAW = r"raw|without σ'|before σ'|not yet|σ' of the (layer above|output)|a − y"
EARLY = r"updat"
ONE_SAMPLE = r"(last|one|single) sample"
SUMMED = r"\bsum\b|1/m|divided|\d+ (×|times)"
MEAN = r"mean|1/m|divided|sum"
Z_FOR_A = r"\bz of the layer below|\bz (stands|is used|instead)|z1? for a"
SOFTMAX_AXIS = r"axis|over the (samples|batch)"
LAYER = {
    1: r"layer 1\b|[Ww]1\b|b1\b|\[0\]|first layer|hidden layer",
    2: r"layer 2\b|[Ww]2\b|b2\b|\[1\]|second layer|output|last layer",
    3: r"layer 3\b|[Ww]3\b|b3\b|\[2\]|third layer|output|last layer",
}


class Mutation(NamedTuple):
    """The texts replaced, the equations that a diagnosis may fairly name, and what an exact sentence contains."""

    label: str
    replacements: Replacements
    equations: tuple[str, ...]
    words: tuple[str, ...]


def mutation(label: str, old: str, new: str, equations: str, *words: str) -> Mutation:
    """One text replaced; `equations` are separated by spaces."""
    return Mutation(label, [(old, new)], tuple(equations.split()), words)


def names(equation: str) -> set[str]:
    """The equations in "BP3 and BP4" or "forward or BP1"."""
    return set(re.split(r" and | or |, ", equation))


def is_fair(fault: Any, planted: Mutation) -> bool:
    """Whether the fault's equation is one that the diagnosis may name."""
    return bool(names(fault.equation) & set(planted.equations))


def says(fault: Any, planted: Mutation) -> bool:
    """Whether the fault's sentence contains what was planted."""
    return is_fair(fault, planted) and all(re.search(word, str(fault.sentence)) for word in planted.words)


def verdict(report: Any, planted: Mutation) -> str:
    """Return "unseen", "wrong", "vague" or "exact".

    Wrong is a report that names any other equation. Exact is one of which a fault says what was planted.
    """
    if report.ok or not report.faults:
        return "unseen"
    if not all(is_fair(fault, planted) for fault in report.faults):
        return "wrong"
    return "exact" if any(says(fault, planted) for fault in report.faults) else "vague"


def verdict_of_two(report: Any, first: Mutation, second: Mutation) -> str:
    """Return "unseen", "wrong", "vague", "one" or "both" for a file with two mistakes."""
    either = Mutation("", [], (*first.equations, *second.equations), ())
    notes = " ".join(report.notes)
    if report.ok and all(re.search(word, notes) for planted in (first, second) for word in planted.words):
        return "vague"  # the same factor in dW and in db is one of the whole gradient
    if verdict(report, either) != "exact":
        return verdict(report, either)
    named = [any(says(fault, planted) for fault in report.faults) for planted in (first, second)]
    return "both" if all(named) else "one" if any(named) else "vague"
