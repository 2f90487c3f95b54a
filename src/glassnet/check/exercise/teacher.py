"""check_backprop as the teacher: what it says about a network of which a part is a person's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from glassnet.check.check_backprop import check_backprop
from glassnet.program.parameters import Array

Gradients = tuple[list[Array], list[Array]]
Backprop = Callable[[list[Array], list[Array], Array, Array], Gradients]  # (weights, biases, x, y) -> (dw, db)

UNKNOWN = "no known mistake"  # how check_backprop begins where it can only say which equation differs


def faults(backprop: Backprop, widths: Sequence[int], named: bool = False) -> list[str]:
    """The faults that check_backprop finds, in lines to print; with `named`, the mistakes it knows, and its notes.

    A note, such as a factor that all gradients share, is no fault in general; here our own numbers are asked for.
    """
    report = check_backprop(backprop, widths, ["sigmoid"] * (len(widths) - 1))
    known = [one for one in report.faults if one.equation != "run" and UNKNOWN not in one.sentence]
    return [f"check_backprop: {fault}" for fault in ([*known, *report.notes] if named else report.faults)]


def mean_of_samples(sample: Backprop) -> Backprop:
    """The mean of the gradients of single samples: a backpropagation for a batch."""

    def batch(weights: list[Array], biases: list[Array], x: Array, y: Array) -> Gradients:
        singles = [sample(weights, biases, x[:, [i]], y[:, [i]]) for i in range(x.shape[1])]
        dw, db = (
            [np.mean(arrays, axis=0) for arrays in zip(*lists, strict=True)] for lists in zip(*singles, strict=True)
        )
        return dw, db

    return batch
