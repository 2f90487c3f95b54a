"""What is wrong with a backpropagation: a mistake that people make, and the fault that a check reports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from glassnet.program.parameters import Array

Gradients = tuple[list[Array], list[Array]]  # dw (fan_out, fan_in) and db (fan_out, 1) of each layer


def digits(value: float, count: int) -> str:
    """A number with so many significant digits: 0.12, −3 or 1e-5."""
    text = re.sub(r"e([+-])0*", r"e\1", f"{value:.{count}g}")
    return text.replace("-", "−", 1) if value < 0 else text


def listed(names: Sequence[object]) -> str:
    """Names as people list them: 1, 2 and 3."""
    texts = [str(name) for name in names]
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def layers_text(layers: Sequence[int]) -> str:
    """The words for some layers: layer 2, or layers 1, 2 and 3."""
    return f"layer{'s' if len(layers) > 1 else ''} {listed(sorted(layers))}"


class Fault(NamedTuple):
    """A mistake: its equation ("forward", "BP1" ... "BP4", "update", "start"; "run" for none), and a sentence."""

    equation: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.equation}: {self.sentence}"


class ShapeFault(Fault):
    """A fault that only equal widths hide: elsewhere NumPy raises, or an array of another shape is returned."""


class Mistake(NamedTuple):
    """A known mistake, to be found in one layer or in all where it can be made.

    `sentence` contains {where} if the place belongs inside it. `needs_square` says that it runs only where the widths
    are equal: elsewhere NumPy raises, or an array of another shape is returned. `weight` is what it counts when two
    explanations are compared; a note is no fault. `any_scale`: what is left out of a sum changes its size as well.
    """

    equation: str
    sentence: str
    needs_square: bool = False
    weight: float = 1.0
    is_note: bool = False
    any_scale: bool = False

    def fault(self, layers: Sequence[int], possible: Sequence[int], last: int) -> Fault:
        """The fault, made in `layers`, where it could have been made in the `possible` ones of `last` layers."""
        kind = ShapeFault if self.needs_square else Fault
        everywhere = set(layers) >= set(possible)
        if "{where}" not in self.sentence:
            return kind(
                self.equation, self.sentence if everywhere else f"in {layers_text(layers)} only, {self.sentence}"
            )
        where = "in the hidden layers" if everywhere else f"in {layers_text(layers)} only"
        return kind(self.equation, self.sentence.format(where="at the output" if list(layers) == [last] else where))
