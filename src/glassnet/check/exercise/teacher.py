"""check_backprop as the teacher: what it says about a network of which a part is a person's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from glassnet.check.check_backprop import BackpropReport, check_backprop
from glassnet.program.parameters import Array

Gradients = tuple[list[Array], list[Array]]
Backprop = Callable[[list[Array], list[Array], Array, Array], Gradients]  # (weights, biases, x, y) -> (dw, db)

UNKNOWN = "no known mistake"  # how check_backprop begins where it can only say which equation differs


def faults(backprop: Backprop, widths: Sequence[int]) -> list[str]:
    """The faults that check_backprop finds, in lines to print."""
    return [f"check_backprop: {fault}" for fault in _report(backprop, widths).faults]


def known_faults(backprop: Backprop, widths: Sequence[int], equations: Sequence[str] = ()) -> list[str]:
    """The mistakes that it knows, of these equations where some are given, and a factor of all numbers.

    Such a factor is no fault in general: cost and step may be defined otherwise. In the exercise both are given, so it
    is said without what would make it right. In a network whose other equations are ours, it would speak of dW and db.
    """
    report = _report(backprop, widths)
    known = [one for one in report.faults if one.equation != "run" and UNKNOWN not in one.sentence]
    named = [f"{one}" for one in known if not equations or one.equation in equations]
    notes = [] if equations else [_without_condition(note) for note in report.notes]
    return [f"check_backprop: {line}" for line in (*named, *notes)]


def _report(backprop: Backprop, widths: Sequence[int]) -> BackpropReport:
    return check_backprop(backprop, widths, ["sigmoid"] * (len(widths) - 1))


def _without_condition(note: str) -> str:
    """A note without the condition under which the numbers would be right."""
    text = note.replace("your gradient", "the gradient", 1)
    text = re.sub(r"; (right if your|your steps) .*", ".", text)
    return text.replace(": a factor such as the learning rate is inside.", ", everywhere.")


def mean_of_samples(sample: Backprop) -> Backprop:
    """The mean of the gradients of single samples: a backpropagation for a batch."""

    def batch(weights: list[Array], biases: list[Array], x: Array, y: Array) -> Gradients:
        singles = [sample(weights, biases, x[:, [i]], y[:, [i]]) for i in range(x.shape[1])]
        dw, db = (
            [np.mean(arrays, axis=0) for arrays in zip(*lists, strict=True)] for lists in zip(*singles, strict=True)
        )
        return dw, db

    return batch
