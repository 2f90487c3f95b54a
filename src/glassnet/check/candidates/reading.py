"""One way to hand arrays to a person's code and to take its gradients: which way samples, weights and biases lie.

What a person has not declared is tried: `readings` lists the ways, the likeliest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidates.conventions import FOLDED, Conventions, class_numbers
from glassnet.program.parameters import Array

BIAS_SHAPES = {"column": "(fan_out, 1)", "flat": "(fan_out,)", "row": "(1, fan_out)"}
BIAS_ORDER = {
    "columns": ("column", "flat", "row"),
    "rows": ("flat", "row", "column"),
    "flat": ("flat", "row", "column"),
}


class Reading(NamedTuple):
    """How arrays lie in their code. Ours are x (fan_in, batch), weights (fan_out, fan_in) and biases (fan_out, 1).

    `samples` is "columns", "rows" or, one at a time, "flat" (fan_in,); `weights` "columns" (fan_out, fan_in) or "rows"
    (fan_in, fan_out); `biases` a key of BIAS_SHAPES, "first" or "last" (folded into W), or "none"; `targets` "same" as
    x, "flat" (batch,), or "labels"; with `ones`, x contains the ones that belong to folded biases.
    """

    samples: str = "columns"
    weights: str = "columns"
    biases: str = "column"
    targets: str = "same"
    ones: bool = False
    bare: bool = False

    def give_samples(self, array: Array) -> Array:
        """Samples for their code: a copy in its orientation."""
        if self.samples == "columns":
            return array.copy()
        return array.ravel().copy() if self.samples == "flat" else array.T.copy()

    def take_samples(self, array: Any) -> Array:
        """Samples of their code as columns."""
        given = np.asarray(array)
        return given.T if self.samples == "rows" else given

    def give_x(self, x: Array) -> Array:
        """x for their code, with the ones where it expects them."""
        if not self.ones:
            return self.give_samples(x)
        parts = [np.ones((1, x.shape[1])), x]
        return self.give_samples(np.vstack(parts if self.biases == "first" else parts[::-1]))

    def give_y(self, y: Array) -> Any:
        """y for their code; one class number alone where it takes one sample."""
        if self.targets == "same":
            return self.give_samples(y)
        if self.targets == "flat":
            return y[0].copy()
        numbers = class_numbers(y)
        return numbers if len(numbers) > 1 else numbers[0]

    def give_weights(self, weights: list[Array], biases: list[Array]) -> list[Array]:
        """The weights for their code, with the biases where they are folded into them."""
        if self.biases in FOLDED:
            pairs = [(b, w) if self.biases == "first" else (w, b) for w, b in zip(weights, biases, strict=True)]
            weights = [np.hstack(pair) for pair in pairs]
        return [self._weight(w).copy() for w in weights]

    def give_biases(self, biases: list[Array]) -> list[Array]:
        """The biases for their code; none where it has none of their own."""
        if self.biases not in BIAS_SHAPES:
            return []
        return [{"column": b, "flat": b.ravel(), "row": b.T}[self.biases].copy() for b in biases]

    def take_weight(self, array: Any) -> Array:
        """A gradient of weights in our orientation."""
        return self._weight(np.asarray(array))

    def take_bias(self, array: Any) -> Array:
        """A gradient of biases with samples as columns; one of a single axis stays as it is."""
        given = np.asarray(array)
        return given.T if self.samples == "rows" or self.biases == "row" else given

    def _weight(self, array: Array) -> Array:
        return array.T if self.weights == "rows" else array

    def __str__(self) -> str:
        fan_in = "fan_in + 1" if self.ones else "fan_in"
        x = {
            "columns": f"samples as columns, x ({fan_in}, batch)",
            "rows": f"samples as rows, x (batch, {fan_in})",
            "flat": f"one sample as x ({fan_in},)",
        }
        columns = "fan_in + 1" if self.biases in FOLDED else "fan_in"
        weights = f"(fan_out, {columns})" if self.weights == "columns" else f"({columns}, fan_out)"
        parts = [x[self.samples], f"weights {weights}"]
        if self.biases in BIAS_SHAPES:
            parts.append(f"biases {BIAS_SHAPES[self.biases]}")
        if self.targets == "flat":
            parts.append("y (batch,)")
        if self.bare:
            parts.append("arrays in place of lists")
        return ", ".join(parts)


def readings(conventions: Conventions, widths: Sequence[int]) -> Iterator[Reading]:
    """The ways to read code of these conventions for a network of these widths, the likeliest first."""
    yield from _readings(conventions, widths[-1])
    if len(widths) == 2:
        yield from (one._replace(bare=True) for one in _readings(conventions, widths[-1]))


def _readings(conventions: Conventions, outputs: int) -> Iterator[Reading]:
    targets = ["labels"] if conventions.labels else ["same", "flat"] if outputs == 1 else ["same"]
    for target in targets:
        for samples, weights in _orientations(conventions):
            if target == "flat" and samples == "flat":
                continue  # (1,) is what it gets already
            for biases in _bias_places(conventions, samples):
                for ones in (False, True) if biases in FOLDED else (False,):
                    yield Reading(samples, weights, biases, target, ones)


def _orientations(conventions: Conventions) -> Iterator[tuple[str, str]]:
    """Samples and weights: those of one notation first, then mixtures such as PyTorch's x @ W.T."""
    if conventions.rows is not True:
        yield "columns", "columns"
        if conventions.one_sample:
            yield "flat", "columns"
    if conventions.rows is not False:
        yield "rows", "rows"
        if conventions.one_sample:
            yield "flat", "rows"
        yield "rows", "columns"
    if conventions.rows is not True:
        yield "columns", "rows"


def _bias_places(conventions: Conventions, samples: str) -> tuple[str, ...]:
    """Where the biases are: the shapes to try, or what was declared."""
    if conventions.biases is True:
        return BIAS_ORDER[samples]
    return ("none",) if conventions.biases is False else (str(conventions.biases),)
