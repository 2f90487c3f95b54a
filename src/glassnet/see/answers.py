"""A person's own numbers for a quantity of a step: which of them are right, and which equation they slipped in.

Numbers are compared as far as they were written: 0.23 is right for 0.2288, 0.2 is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from glassnet.errors import ParameterError, counted
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.program.program import symbol
from glassnet.see.quantities import quantity_name
from glassnet.see.slips import Slip, Slips
from glassnet.see.trace import Trace, number

RELATIVE = 0.005  # how far an answer may be off
MIN_DIGITS = 2  # that an answer must have to be right by rounding
FACTORS = {2.0: "twice", 0.5: "half of", 10.0: "ten times", 0.1: "a tenth of"}
FACTORS |= {100.0: "a hundred times", 0.01: "a hundredth of", 1000.0: "a thousand times", 0.001: "a thousandth of"}
EQUATIONS = {
    "z": "z = W·a + b",
    "a": "a = σ(z)",
    "delta": "δ = ∂c/∂a ⊙ σ'(z) at the output (BP1), δ = Wᵀ·δ⁺ ⊙ σ'(z) below it, where δ⁺ is the next layer's (BP2)",
    "dw": "dW = δ·aᵀ / m (BP4)",
    "db": "db = mean(δ) over the batch (BP3)",
    "C": "C = mean(c) over the batch",
}


class AnswerVerdict(NamedTuple):
    """Whether all numbers that were given are right, which of them are, and a sentence."""

    right: bool
    cells: tuple[bool, ...]
    sentence: str


def judged_answer(
    architecture: Architecture,
    trace: Trace,
    quantity: str,
    values: Sequence[float | None],
    positions: Array | None = None,
) -> AnswerVerdict:
    """Compare numbers, row by row and None where none is given, with a quantity of a trace.

    `positions` are the places in the quantity that they stand for, as flat indices; None means all of it. Raises
    ParameterError where the quantity is unknown, or the numbers do not fit it.
    """
    name = quantity_name(quantity, trace)
    if name.rstrip("0123456789") not in EQUATIONS:
        raise ParameterError(f"{quantity!r} is no exercise; those are z, a, δ, dW and db of a layer, and C.")
    right = trace[name].ravel()
    positions = np.arange(len(right)) if positions is None else positions
    if len(values) != len(positions):
        raise ParameterError(f"{symbol(name)} has {counted(len(positions), 'number')}, but {len(values)} were given.")
    given = np.array([math.nan if value is None else float(value) for value in values])
    answered = ~np.isnan(given)
    if not answered.any():
        raise ParameterError(f"fill in at least one number of {symbol(name)}.")
    positions, given = positions[answered], given[answered]
    cells = np.zeros(len(values), bool)
    cells[answered] = fits(given, right[positions])
    if cells[answered].all():
        return AnswerVerdict(True, tuple(cells.tolist()), _praise(len(values), int(answered.sum()), name))
    explain = partial(_explained, Slips(architecture, trace), name)
    wrong = ~cells[answered]
    sentence = explain(given, positions) or _of_wrong(name, wrong, explain(given[wrong], positions[wrong]))
    return AnswerVerdict(False, tuple(cells.tolist()), sentence or _unexplained(name, cells[answered]))


def fits(given: Array, right: Array) -> Array:
    """Which numbers are the right ones, up to rounding to the digits that were written."""
    with np.errstate(all="ignore"):
        gap = np.abs(given - right)
        rounding = np.array([_rounding(value) for value in given.tolist()])
        return np.asarray((gap <= RELATIVE * np.abs(right)) | (gap <= rounding) & (right != 0))


def _rounding(value: float) -> float:
    """Half a unit of the last digit that a number was written with; 0 for numbers of one digit."""
    digits, _, exponent = f"{value:.15g}".partition("e")
    whole, _, decimals = digits.lstrip("-").partition(".")
    if len((whole + decimals).strip("0")) < MIN_DIGITS:
        return 0.0
    return 0.5000001 * 10.0 ** (int(exponent or 0) - len(decimals))


def _explained(slips: Slips, name: str, given: Array, positions: Array) -> str:
    """The first slip that gives these numbers, as a sentence; empty if there is none."""
    right = slips.trace[name].ravel()[positions]
    for slip in slips.of(name):
        if _explains(slip, given, right, positions):
            return f"{symbol(name)}: {slip.sentence}"
    table = slips.trace[name]
    if min(table.shape) > 1 and len(positions) == table.size and fits(given, table.T.ravel()).all():
        return f"{symbol(name)}: these are the numbers of its transpose; rows and columns are exchanged."
    m = slips.m
    known = FACTORS | ({float(m): f"{m} (= m) times", 1 / m: f"1/{m} (= 1/m) of"} if m > 1 else {})
    for factor, text in known.items():
        if right.any() and fits(given, right * factor).all():
            each = "each of your numbers" if len(given) > 1 else "your number"
            return f"{symbol(name)}: {each} is {text} the right one."
    if len(given) > 1 and sorted(map(number, given.tolist())) == sorted(map(number, right.tolist())):
        return f"{symbol(name)}: these are the right numbers in another order; rows are neurons, columns are samples."
    return ""


def _of_wrong(name: str, wrong: Array, sentence: str) -> str:
    """The slip behind the wrong ones of some numbers; empty if all are wrong, or no slip explains them."""
    if not sentence or wrong.all():
        return ""
    count = int(wrong.sum())
    which = "the marked one" if count == 1 else f"the {count} marked ones"
    return f"{symbol(name)}: {len(wrong) - count} of {len(wrong)} right. In {which}: {sentence.partition(': ')[2]}"


def _explains(slip: Slip, given: Array, right: Array, positions: Array) -> bool:
    """Whether a slip gives all of these numbers, one of them other than the right one."""
    values = np.asarray(slip.values, np.float64).ravel()[positions]
    return bool(fits(given, values).all() and not fits(values, right).all())


def _praise(asked: int, answered: int, name: str) -> str:
    if answered < asked:
        return f"Right so far: {answered} of the {asked} numbers of {symbol(name)}."
    every = {1: "", 2: "both numbers of "}.get(asked, f"all {asked} numbers of ")
    return f"Right: {every}{symbol(name)}."


def _unexplained(name: str, cells: Array) -> str:
    """What to look at again where no slip explains the numbers."""
    kind = name.rstrip("0123456789")
    which = f"{int(cells.sum())} of {counted(len(cells), 'number')} right" if len(cells) > 1 else "not right"
    return f"{symbol(name)}: {which}, and no usual slip explains it. Compute it again by {EQUATIONS[kind]}."
