"""A stage of a step: one equation with its real numbers, in columns or in rows, and a sentence about it.

stage_text.py makes stages of the equations that were evaluated; layout.py draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from glassnet.program.parameters import Array
from glassnet.program.program import Program, Row, symbol
from glassnet.see.ascii import to_ascii
from glassnet.see.trace import number

SAMPLES = 4  # how many samples are shown
Axis = int | str | None  # a layer whose neurons are counted, "m" for samples, None for a single row or column


class LabelledArray(NamedTuple):
    """A quantity in an equation; `axes` say what its rows and columns count.

    `quantity` is its name in the program or, of what no equation writes, a name of the same kind: "gate1", "change_w1".
    """

    symbol: str
    values: Array
    axes: tuple[Axis, Axis]
    quantity: str
    is_transposed: bool = False

    @property
    def transposed(self) -> LabelledArray:
        """The transpose, under the same name."""
        axes = (self.axes[1], self.axes[0])
        return self._replace(values=self.values.T, axes=axes, is_transposed=not self.is_transposed)


class Stage(NamedTuple):
    """One equation: its label, a title, its text, its quantities with the signs between them, and a sentence.

    In `text`, which may have several lines, {} stand for the factors of a matrix product, whose order the other
    notation reverses. `key` names the stage among those of a step: "forward.1", "bp2.1.gate", "update.w1". `layer` is
    the dense layer that it belongs to, 0 for x. `of_sample` is the sentence for one sample of the batch, by its place,
    where that is another one.
    """

    label: str
    title: str
    text: str
    terms: tuple[LabelledArray | str, ...]
    sentence: str
    key: str
    layer: int
    of_sample: Callable[[int], str] | None = None

    @property
    def formula(self) -> str:
        """The equation as text."""
        factors = [term.symbol for term in self.terms if isinstance(term, LabelledArray)]
        return self.text.format(*factors[:2]) if "{}" in self.text else self.text

    @property
    def transposed(self) -> Stage:
        """The same in rows: every array transposed, and the factors of a product in reverse order."""
        terms = [term if isinstance(term, str) else term.transposed for term in self.terms]
        if "{}" in self.text:
            terms[0], terms[2] = terms[2], terms[0]
        return self._replace(terms=tuple(terms))

    @property
    def in_ascii(self) -> Stage:
        """The same in ASCII."""
        terms = [to_ascii(t) if isinstance(t, str) else t._replace(symbol=to_ascii(t.symbol)) for t in self.terms]
        label, title, text, sentence = map(to_ascii, (self.label, self.title, self.text, self.sentence))
        return self._replace(label=label, title=title, text=text, terms=tuple(terms), sentence=sentence)


class Evaluation(NamedTuple):
    """An equation of the program that was evaluated: what it read before, and what it wrote.

    `scalars` are its numbers of this step, such as the rate; `sample` is the place in the batch of its first column.
    """

    program: Program
    row: Row
    reads: Mapping[str, Array]
    writes: Mapping[str, Array]
    scalars: Mapping[str, float] = {}
    sample: int = 0

    def of_sample(self, sample: int) -> Evaluation:
        """The same for one sample of the batch."""
        reads, writes = (
            {name: _column(values, axes(name, self.program), sample) for name, values in each.items()}
            for each in (self.reads, self.writes)
        )
        return self._replace(reads=reads, writes=writes, sample=sample)

    def read(self, name: str) -> LabelledArray:
        """A quantity that it read, as it was before."""
        return LabelledArray(symbol(name), self.reads[name], axes(name, self.program), name)

    def written(self, name: str) -> LabelledArray:
        """A quantity that it wrote, as it is now."""
        return LabelledArray(symbol(name), self.writes[name], axes(name, self.program), name)


def axes(name: str, program: Program) -> tuple[Axis, Axis]:
    """What the rows and columns of a quantity count, samples being columns."""
    buffer = program.buffers[name]
    if buffer.shape[0] == "m":
        return (buffer.layer if len(buffer.shape) == 2 else None), "m"
    if len(buffer.shape) == 2 and buffer.layer is not None:
        return buffer.layer, buffer.layer - 1
    return buffer.layer, None


def _column(values: Array, along: tuple[Axis, Axis], sample: int) -> Array:
    return values[:, sample : sample + 1] if along[1] == "m" and values.ndim == 2 else values


def largest(values: Array) -> tuple[int, int]:
    """The neuron and the sample of the largest number among the samples that are shown."""
    neuron, sample = np.unravel_index(np.abs(values[:, :SAMPLES]).argmax(), values[:, :SAMPLES].shape)
    return int(neuron), int(sample)


def signed(value: float) -> str:
    """A number with its sign."""
    return f"{'+' if value > 0 else ''}{number(float(value))}"


def span(values: Array) -> str:
    """The range of some numbers, in words."""
    low, high = number(float(values.min())), number(float(values.max()))
    return f"is {low}" if low == high else f"lies between {low} and {high}"


def factor_text(value: float) -> str:
    """A number as a factor: in brackets where it is negative."""
    return f"({number(float(value))})" if value < 0 else number(float(value))


def affine_text(weights: Array, inputs: Array, bias: float, total: float) -> str:
    """w·a + … + b = z; where the shown digits do not add up to the shown sum, that they are rounded."""
    pairs = list(zip(weights, inputs, strict=True))
    terms = [f"{factor_text(weight)}·{factor_text(value)}" for weight, value in pairs]
    rounded = sum((_rounded(weight) * _rounded(value) for weight, value in pairs), _rounded(bias))
    note = "" if number(rounded) == number(float(total)) else " (the terms are shown rounded)"
    return f"{' + '.join(terms)} + {factor_text(bias)} = {number(float(total))}{note}"


def _rounded(value: float) -> float:
    return float(number(float(value)).replace("−", "-"))


def output_error_sentence(gradient: Array) -> str:
    """What the first sample's ∂c/∂a, or that of the only one, says of its output."""
    whose = "the first sample" if gradient.shape[1] > 1 else "the sample"
    output = int(np.abs(gradient[:, 0]).argmax())
    value = float(gradient[output, 0])
    if value == 0:
        return f"T{whose[1:]}'s outputs are right: its error is 0."
    which = f"Output {output}" if len(gradient) > 1 else "The output"
    return f"{which} is too {'high' if value > 0 else 'low'} for {whose}, so ∂c/∂a is {signed(value)}."


def gate_sentence(error: Array, gate: Array, delta: Array) -> str:
    """Which neuron the largest error reaches, and how much of it passes the gate."""
    neuron, sample = largest(error)
    before, after, slope = error[neuron, sample], delta[neuron, sample], gate[neuron, sample]
    where = f"neuron {neuron}" + (f" (sample {sample})" if error.shape[1] > 1 else "")
    sentence = (
        f"What arrives is multiplied by the slope at z. {signed(before)} arrives at {where}, {signed(after)} passes: "
        f"its gate is {number(float(slope))}."
    )
    if largest(delta)[0] != neuron and slope == 0:
        sentence += " The neuron that receives the largest error passes nothing on: its gate is closed."
    elif largest(delta)[0] != neuron and abs(slope) < abs(gate).max() / 10:
        sentence += f" Another neuron passes more, though less arrives there: neuron {neuron} is saturated."
    return sentence


LAYER_SENTENCES = {
    "moments": "The mean and the variance of each neuron over the samples of this batch.",
    "feature_moments": "The mean and the variance of each sample over its neurons.",
    "dropout": "Values that were set to 0 on the way forward pass no error back; the others pass it, divided as they "
    "were.",
    "mean_product": "Each parameter multiplies a column, so its gradient is the error times that column, as the mean "
    "over the samples.",
    "noise": "A random number is added to each value, another one in every step.",
    "grouped_affine": "Each embedded column has small weights of its own, which make its new columns.",
    "concatenate": "The new columns are placed after the others.",
    "add_selected": "The columns that are not embedded pass their error on; the code of a category has no slope.",
    "look_up": "The code of a category chooses one of the learnt vectors.",
    "grouped_bp4": "BP4 of the small weights of each embedded column.",
    "look_up_gradient": "The gradient of a vector is the error of the samples with its code: BP4, where x is one-hot.",
}
QUANTITY_SENTENCES = {
    "angle": "Each embedded column once per frequency.",
    "phase": "A learnt frequency stretches each copy of the column, a learnt phase shifts it.",
    "wave": "Waves of the column: sharp structure in it can be a sum of them.",
    "passed": "How far a number has passed each of its bins: 0 at the bin's lower edge, 1 at its upper edge, less or "
    "more outside. The slope and the offset of a bin place its edges.",
    "new": "The same within the bin, from −1 to 1: a number below the bin gives −1, a number above it 1.",
}


def layer_sentence(row: Row) -> str:
    """What an equation of a layer between the dense layers does, in a sentence."""
    if row.kind in ("dropout", "scheduled_dropout") and row.label == "forward":
        return "Dropout sets randomly chosen values to 0 and divides the others by the share that it keeps."
    suffix = row.writes[0].rpartition("_")[2]
    if row.label == "forward" and row.kind == "formula" and suffix in QUANTITY_SENTENCES:
        return QUANTITY_SENTENCES[suffix]
    if row.role == "rounding":
        return "Each number as the nearest bfloat16, which has 8 binary digits: products read it, nothing else does."
    if row.kind in LAYER_SENTENCES:
        return LAYER_SENTENCES[row.kind]
    if row.label != "forward" and suffix == "passed":
        return "Only a number within a bin passes an error back: outside, the bin is flat."
    if row.label != "forward":
        return "The error passes back through this layer."
    if row.role == "running statistic":
        return "A running statistic for inference, which has no batch to compute it from; this step does not use it."
    if row.role == "normalised":
        return "Each value as its distance from the mean, in standard deviations."
    if "_gamma" in " ".join(row.reads):
        return "Each value times a learnt γ (scale) of its own, plus a learnt β (shift) where the layer has one."
    return "A layer between the dense layers: each value by itself."


def recurrence(name: str, states: Sequence[str], text: str) -> str:
    """An optimiser's formulas in reading order, one a line: its states, then the parameter in terms of them."""
    step, *formulas = text.split(", ")
    for state, formula in zip(states, formulas, strict=True):
        step = step.replace(f" ({formula})", f" {state}").replace(formula, state)
    lines = [f"{state} ← {formula}" for state, formula in zip(states, formulas, strict=True)]
    return "\n".join([*lines, f"{name} ← {step}"])
