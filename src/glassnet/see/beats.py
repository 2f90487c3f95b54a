"""A beat of a step: one equation with its real numbers, in columns or in rows, and the words of its sentence.

story.py makes beats of the rows that were run; layout.py draws them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from glassnet.program.parameters import Array
from glassnet.program.program import Program, Row, symbol
from glassnet.see.ascii import spelled
from glassnet.see.trace import number

SAMPLES = 4  # how many samples are shown
Axis = int | str | None  # a layer whose neurons are counted, "m" for samples, None for a single row or column


class Shown(NamedTuple):
    """A quantity in an equation; `axes` say what its rows and columns count."""

    symbol: str
    values: Array
    axes: tuple[Axis, Axis]

    @property
    def turned(self) -> Shown:
        """The transpose, under the same name."""
        return Shown(self.symbol, self.values.T, (self.axes[1], self.axes[0]))


class Beat(NamedTuple):
    """One equation: its label, a title, its text, its quantities with the signs between them, and a sentence.

    In `text`, {} stand for the factors of a matrix product, which the other notation turns round.
    """

    label: str
    title: str
    text: str
    terms: tuple[Shown | str, ...]
    sentence: str

    @property
    def formula(self) -> str:
        """The equation in words."""
        factors = [term.symbol for term in self.terms if isinstance(term, Shown)]
        return self.text.format(*factors[:2]) if "{}" in self.text else self.text

    @property
    def turned(self) -> Beat:
        """The same in rows: every array transposed, the factors of a product the other way round."""
        terms = [term if isinstance(term, str) else term.turned for term in self.terms]
        if "{}" in self.text:
            terms[0], terms[2] = terms[2], terms[0]
        return self._replace(terms=tuple(terms))

    @property
    def spelled(self) -> Beat:
        """The same in ASCII."""
        terms = [spelled(t) if isinstance(t, str) else t._replace(symbol=spelled(t.symbol)) for t in self.terms]
        label, title, text, sentence = map(spelled, (self.label, self.title, self.text, self.sentence))
        return Beat(label, title, text, tuple(terms), sentence)


class Worked(NamedTuple):
    """A row of the program that was run: what it read before, and what it wrote."""

    program: Program
    row: Row
    reads: Mapping[str, Array]
    writes: Mapping[str, Array]

    def shown(self, name: str, after: bool = False) -> Shown:
        """A quantity as the row read it; or as it wrote it, where it did not read it or `after` is asked."""
        values = self.writes[name] if after or name not in self.reads else self.reads[name]
        return Shown(symbol(name), values, axes(name, self.program))


def axes(name: str, program: Program) -> tuple[Axis, Axis]:
    """What rows and columns of a quantity count; the number in its name is its layer."""
    found, shape = re.search(r"\d+", name), program.buffers[name].shape
    layer = int(found[0]) if found else None
    if len(shape) == 2 and shape[0] != "m":
        return layer, None if layer is None else layer - 1
    return (layer if len(shape) == 2 or shape[0] != "m" else None), (None if program.is_column(name) else "m")


def largest(values: Array) -> tuple[int, int]:
    """Where the largest number stands among the samples that are shown."""
    neuron, sample = np.unravel_index(np.abs(values[:, :SAMPLES]).argmax(), values[:, :SAMPLES].shape)
    return int(neuron), int(sample)


def signed(value: float) -> str:
    """A number with its sign."""
    return f"{'+' if value > 0 else ''}{number(float(value))}"


def span(values: Array) -> str:
    """From where to where numbers go."""
    low, high = number(float(values.min())), number(float(values.max()))
    return f"is {low}" if low == high else f"lies between {low} and {high}"


def brackets(value: float) -> str:
    """A number as a factor: a negative one in brackets."""
    return f"({number(float(value))})" if value < 0 else number(float(value))


def direction(gradient: Array) -> str:
    """What the first sample's ∂c/∂a asks for."""
    place = int(np.abs(gradient[:, 0]).argmax())
    value = float(gradient[place, 0])
    if value == 0:
        return "The first sample's outputs are right: its error is 0."
    which = f"Output {place}" if len(gradient) > 1 else "The output"
    return f"{which} is too {'high' if value > 0 else 'low'} for the first sample, so ∂c/∂a is {signed(value)}."


def passed(arrived: Array, gate: Array, delta: Array) -> str:
    """Which neuron was told most, and what its gate let through."""
    neuron, sample = largest(arrived)
    came, left, opening = arrived[neuron, sample], delta[neuron, sample], gate[neuron, sample]
    where = f"neuron {neuron}" + (f" (sample {sample})" if arrived.shape[1] > 1 else "")
    loudest, _ = largest(delta)
    sentence = f"What arrives is multiplied by the slope at z. {signed(came)} arrives at {where}, {signed(left)} passes"
    sentence += f": its gate is {number(float(opening))}."
    return sentence + (
        " The neuron that is told most passes on less than another: it is saturated, its gate all but shut."
        if loudest != neuron and abs(opening) < abs(gate).max() / 10
        else ""
    )


BETWEEN = {
    "moments": "The mean and the variance of each neuron over the samples of this batch.",
    "feature_moments": "The mean and the variance of each sample over its neurons.",
    "mean_product": "γ multiplies x̂, so its gradient is the error times x̂, as the mean over the samples.",
}


def between(row: Row) -> str:
    """What a row of a layer between the dense layers does, in a sentence."""
    if row.kind == "dropout" and row.label == "forward":
        return "Dropout sets values that chance picks to 0 and divides the others by the share that stays."
    if row.kind == "dropout":
        return "What was set to 0 on the way forward lets no error back; the others pass it, divided the same."
    if row.kind in BETWEEN:
        return BETWEEN[row.kind]
    if row.label != "forward":
        return "The error passes back through this layer."
    if row.writes[0] in row.reads:
        return "Kept for inference, which has no batch to take it from; this step does not use it."
    if row.writes[0].endswith("_normal"):
        return "Each value as its distance from the mean, in deviations."
    return "A layer between the dense layers, with its own learnt γ (scale) and, where it has one, β (shift)."


def recurrence(name: str, states: Sequence[str], text: str) -> str:
    """An optimiser's formulas in the order in which they can be read: what it remembers first, by name in the last."""
    step, *kept = text.split(", ")
    for state, made in zip(states, kept, strict=True):
        step = step.replace(f" ({made})", f" {state}").replace(made, state)
    lines = [f"{state} ← {made}" for state, made in zip(states, kept, strict=True)]
    return "; ".join([*lines, f"{name} ← {step}"])
