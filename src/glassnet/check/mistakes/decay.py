"""Multiples of W and sign(W) in a gradient: an L2 or L1 penalty, if they are alike in all layers and positive."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.check.mistakes.decoder import Part
from glassnet.check.mistakes.explanation import Explanation
from glassnet.check.mistakes.fault import Fault
from glassnet.check.mistakes.scale import number

ALIKE = 1e-3  # relative, of the factors of different layers


class OtherBatch(NamedTuple):
    """The explanation of the same code on a batch of m samples."""

    explanation: Explanation
    m: int


class _Term(NamedTuple):
    """A penalty, the parameters in its gradient, and the equation and arrays that they stand in."""

    penalty: str
    text: str
    kind: str
    equation: str


TERMS = (
    _Term("L2", "W", "dW", "BP4"),
    _Term("L2", "b", "db", "BP3"),
    _Term("L1", "sign(W)", "dW", "BP4"),
    _Term("L1", "sign(b)", "db", "BP3"),
)


def decay_findings(explanation: Explanation, m: int, other: OtherBatch | None) -> tuple[list[Fault], list[str]]:
    """The faults of such terms, and the notes."""
    faults, notes = list[Fault](), list[str]()
    for term in TERMS:
        values = _values(explanation, term)
        if not any(values.values()):
            continue
        first = next(iter(values.values()))
        again = {} if other is None else _values(other.explanation, term)
        by_m = bool(again) and other is not None and _alike([first * m, *(value * other.m for value in again.values())])
        what = f"{number(first * m)}/m·{term.text}" if by_m else f"{number(first)}·{term.text}"
        if not _alike(list(values.values())):
            each = ", ".join(f"{number(value)} in layer {n}" for n, value in sorted(values.items()))
            text = f"{term.kind} contains {term.text} times {each}; a penalty has the same factor in all layers."
            faults.append(Fault(term.equation, text))
        elif first < 0:
            faults.append(Fault(term.equation, f"the penalty has the wrong sign: {term.kind} contains {what}; add it."))
        else:
            biases = "; most leave the biases out of it" if term.kind == "db" else ""
            right = "right if your cost has that penalty"
            notes.append(f"your {term.kind} contains an {term.penalty} term, {what}: {right}{biases}.")
    return faults, notes


def _values(explanation: Explanation, term: _Term) -> dict[int, float]:
    """The factor of a term in every layer."""
    parts = {layer: part for kind, layer, part in explanation.reading.parts if kind == term.kind}
    return {layer: _value(part, term) for layer, part in parts.items()}


def _value(part: Part, term: _Term) -> float:
    return part.decay if term.penalty == "L2" else part.sign_decay


def _alike(values: list[float]) -> bool:
    return bool(np.allclose(values, values[0], rtol=ALIKE, atol=0))
