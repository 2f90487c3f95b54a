"""What is wrong with a backpropagation: a mistake that people make, and the fault that a check reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from glassnet.program.parameters import Array

Gradients = tuple[list[Array], list[Array]]  # dw (fan_out, fan_in) and db (fan_out, 1) of each layer


class Fault(NamedTuple):
    """A mistake: its equation ("forward", "BP1" ... "BP4", "update", "start"; "run" for none), and a sentence."""

    equation: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.equation}: {self.sentence}"


class Mistake(NamedTuple):
    """A known mistake, to be found in one layer or in all where it can be made.

    `sentence` contains {where} if the place belongs inside it. `needs_square` says that it runs only where the widths
    are equal: elsewhere NumPy raises, or an array of another shape is returned. `weight` is what it counts when two
    explanations are compared; a note is no fault.
    """

    equation: str
    sentence: str
    needs_square: bool = False
    weight: float = 1.0
    is_note: bool = False

    def fault(self, layers: Sequence[int], possible: Sequence[int], last: int) -> Fault:
        """The fault, made in `layers`, where it could have been made in the `possible` ones of `last` layers."""
        names = f"layer{'s' if len(layers) > 1 else ''} {' and '.join(map(str, sorted(layers)))}"
        everywhere = set(layers) >= set(possible)
        if "{where}" not in self.sentence:
            return Fault(self.equation, self.sentence if everywhere else f"in {names} only, {self.sentence}")
        where = "at the output" if list(layers) == [last] else "in the hidden layers" if everywhere else f"in {names} only"
        return Fault(self.equation, self.sentence.format(where=where))
