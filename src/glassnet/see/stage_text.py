"""One step as stages: each equation of the program with its real numbers, and a sentence under it.

The numbers are those that the equation read and wrote. Only σ'(z) and the Jacobian of softmax are computed here, by the
activation's own entry in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.program.program import Program, Row, symbol
from glassnet.see.layout import Picks
from glassnet.see.stage import (
    Evaluation,
    LabelledArray,
    Stage,
    affine_text,
    gate_sentence,
    largest,
    layer_sentence,
    output_error_sentence,
    recurrence,
    signed,
    span,
)
from glassnet.see.trace import number
from glassnet.tables.activations import Softmax

ORDER = ("forward", "cost", "BP1", "BP2", "BP3", "BP4", "penalty", "update")


class StageText:
    """Makes the stages of one step of a network; `general` are its quantities without the shortcut of a pair.

    `picks` are the neurons that are shown, for a sentence that gives one of them as an example; `step_text` says which
    step it is.
    """

    def __init__(
        self,
        architecture: Architecture,
        program: Program,
        general: Mapping[str, Array],
        picks: Picks,
        step_text: str = "first step",
    ) -> None:
        self.architecture, self.program, self.general, self.picks = architecture, program, general, picks
        self.step_text = step_text
        self.last = len(architecture.dense)
        self.output = [row.writes[0] for row in program.rows if row.label == "forward"][-1]
        self.writers = {  # by the kind or the role of an equation
            "affine": self._affine,
            "softmax": self._activation,
            "mean_cost": self._mean_cost,
            "propagate": self._propagate,
            "softmax_error": self._softmax_error,
            "bp3": self._bp3,
            "bp4": self._bp4,
            "activation": self._activation,
            "cost gradient": self._cost_gradient,
            "shortcut": self._shortcut,
            "gate": self._gate,
            "penalty gradient": self._penalty_gradient,
            "update": self._update,
        }

    def stages(self, evaluations: Sequence[Evaluation]) -> list[Stage]:
        """Forward, cost, BP1, BP2, BP3, BP4, update, in the order of the four equations."""
        in_order = sorted(evaluations, key=lambda evaluation: ORDER.index(evaluation.row.label))
        return [stage for evaluation in in_order for stage in self.stages_of(evaluation)]

    def stages_of(self, evaluation: Evaluation) -> Iterator[Stage]:
        """The stages of one equation; the auxiliary ones of a cost, of clipping and of a normalisation have none."""
        row = evaluation.row
        write = self.writers.get(row.kind) or self.writers.get(row.role)
        if write is not None:
            yield from (self._for_each_sample(stage, evaluation) for stage in write(evaluation))
        elif (row.text or row.kind == "formula") and row.label not in ("cost", "update"):
            yield self._layer(evaluation)

    def _for_each_sample(self, stage: Stage, evaluation: Evaluation) -> Stage:
        """A stage whose sentence speaks of samples, with the sentence for each of them alone."""
        kind, row = self.writers.get(evaluation.row.kind), evaluation.row
        write = kind or self.writers[row.role]
        if write not in (self._affine, self._activation, self._cost_gradient, self._propagate, self._gate):
            return stage
        return stage._replace(of_sample=lambda sample: next(iter(write(evaluation.of_sample(sample)))).sentence)

    def _layer(self, evaluation: Evaluation) -> Stage:
        """An equation of a layer between the dense layers: what it read, and what it wrote."""
        row, title = evaluation.row, symbol(evaluation.row.writes[0])
        results = [term for name in row.writes for term in (",", evaluation.written(name))]
        terms = (evaluation.read(row.reads[0]), "→", *results[1:])
        text, key = row.text or f"{title} ← {_formula_text(row)}", f"{row.label.lower()}.{row.writes[0]}"
        return Stage(row.label, title, text, terms, layer_sentence(row), key, row.layer)

    # Forward and cost -------------------------------------------------------------------------------------------------

    def _affine(self, evaluation: Evaluation) -> Iterator[Stage]:
        """z = W·a + b."""
        x, w, b = map(evaluation.read, evaluation.row.reads)
        z = evaluation.written(evaluation.row.writes[0])
        if w.values.shape[1] <= 4:
            neuron = self.picks[evaluation.row.layer][0]
            total = affine_text(w.values[neuron], x.values[:, 0], b.values[neuron, 0], z.values[neuron, 0])
            symbol = f"{z.symbol}[{neuron},{evaluation.sample}]"
            sentence = f"Each neuron adds up weight times input, and its bias: {symbol} = {total}."
        else:
            sentence = f"Each neuron adds up {w.values.shape[1]:,} products of weight and input, and its bias."
        text, title = f"{z.symbol} = {{}}·{{}} + {b.symbol}", f"layer {evaluation.row.layer}, the weighted sum"
        key = f"forward.{evaluation.row.layer}"
        yield Stage("forward", title, text, (w, "·", x, "+", b, "=", z), sentence, key, evaluation.row.layer)

    def _activation(self, evaluation: Evaluation) -> Iterator[Stage]:
        """a = σ(z)."""
        row, layer = evaluation.row, evaluation.row.layer
        z, a = evaluation.read(row.reads[0]), evaluation.written(row.writes[0])
        activation = self._activation_of(layer)
        if activation.elementwise:
            sentence = (
                f"The activation acts on each z separately. Its slope {activation.name}'(z) "
                f"{span(self._slope(layer, z.values, a.values).values)}; this is the gate that the error passes on the "
                "way back."
            )
        else:
            grouped = bool(activation.groups)
            sentence = (
                f"Softmax turns z into positive shares that add up to 1{' in each group' if grouped else ''}; each of "
                f"them depends on every z of its {'group and ' if grouped else ''}sample."
            )
        title, key = f"layer {layer}, the activation", f"forward.{layer}.a"
        yield Stage("forward", title, row.text, (z, "→", a), sentence, key, layer)

    def _mean_cost(self, evaluation: Evaluation) -> Iterator[Stage]:
        """C = mean(c)."""
        c, total = evaluation.read("c"), evaluation.written("C")
        parts = ["the weights s of the samples"] if "s" in evaluation.row.reads else []
        parts += ["the penalty"] if self.architecture.penalised else []
        included = f" (with {' and '.join(parts)})" if parts else ""
        sentence = (
            f"c is each sample's own cost, {self.architecture.cost.text(self.output)}; C is their mean over "
            f"m = {c.values.shape[1]}, not their sum{included}."
        )
        a, y = (LabelledArray(name, self.general[name], (self.last, "m"), name) for name in (self.output, "y"))
        terms = (a, "and", y, "→", c, "→", total)
        yield Stage("cost", "how wrong the network is", evaluation.row.text, terms, sentence, "cost", self.last)

    # The error --------------------------------------------------------------------------------------------------------

    def _cost_gradient(self, evaluation: Evaluation) -> Iterator[Stage]:
        """Where every error comes from: the slope of a sample's cost over the output."""
        row = evaluation.row
        out, error = evaluation.read(row.reads[0]), evaluation.written(row.writes[0])
        formula = _formula_text(row)
        text = f"{error.symbol} = {formula}" if 0 < len(formula) < 90 else row.text
        weighted = " s is the weight of the sample." if "s" in row.reads else ""
        sentence = (
            f"How fast a sample's cost grows with its output, the slope of c over {out.symbol}. "
            f"{output_error_sentence(error.values)}{weighted}"
        )
        terms = (out, "and", LabelledArray("y", self.general["y"], out.axes, "y"), "→", error)
        title = f"layer {self.last}, first half: the slope of the cost"
        yield Stage("BP1", title, text, terms, sentence, "bp1.cost", self.last)

    def _gate(self, evaluation: Evaluation) -> Iterator[Stage]:
        """The error passes σ'(z): the second half of BP2, and of BP1."""
        row, layer = evaluation.row, evaluation.row.layer
        error, delta = evaluation.read(row.reads[0]), evaluation.written(row.writes[0])
        z, a = (evaluation.reads.get(name) for name in (self._activation_input(layer), f"a{layer}"))
        slope = self._slope(layer, z, a, delta.values.shape)
        text, terms = f"{delta.symbol} = {error.symbol} ⊙ {slope.symbol}", (error, "⊙", slope, "=", delta)
        if row.label == "BP1":
            title, key = f"layer {layer}, second half: the slope passes the gate and is the error", "bp1"
            sentence = (
                "The error at the output: how fast a sample's cost grows with its z. "
                "δ belongs to a sample's own cost, so there is no 1/m in it."
            )
        else:
            title, key = f"layer {layer}, second half: the error passes the gate", f"bp2.{layer}.gate"
            sentence = gate_sentence(error.values, slope.values, delta.values)
        yield Stage(row.label, title, text, terms, sentence, key, layer)

    def _propagate(self, evaluation: Evaluation) -> Iterator[Stage]:
        """∂c/∂a = Wᵀ·δ: the first half of BP2."""
        delta, w = map(evaluation.read, evaluation.row.reads)
        error = evaluation.written(evaluation.row.writes[0])
        neuron, sample = largest(error.values)
        sentence = (
            "Each neuron receives the errors of the layer above, times the weights through which it acts on them: "
            f"neuron {neuron} receives the largest, {signed(error.values[neuron, sample])}"
            f"{f' (sample {sample})' if error.values.shape[1] > 1 else ''}."
        )
        layer, terms = evaluation.row.layer, (_transpose(w), "·", delta, "=", error)
        title = f"layer {layer}, first half: the error arrives through the weights"
        yield Stage("BP2", title, f"{error.symbol} = {{}}·{{}}", terms, sentence, f"bp2.{layer}.arrives", layer)

    def _shortcut(self, evaluation: Evaluation) -> Iterator[Stage]:
        """a − y, then the same in full, shown to be equal."""
        row, (out_name, *_) = evaluation.row, evaluation.row.reads
        delta, out, y = evaluation.written(row.writes[0]), evaluation.read(out_name), evaluation.read("y")
        pair = f"{self._activation_of(self.last).name} with {self.architecture.cost.name}"
        sentence = f"For {pair} the derivative of the activation cancels, and what is left is a − y; no σ' stands here."
        title, terms = f"layer {self.last}, the shortcut", (out, "−", y, "=", delta)
        yield Stage("BP1", title, row.text, terms, sentence, "bp1", self.last)
        full_delta = delta._replace(values=self.general[delta.quantity], quantity=f"{delta.quantity}_full")
        error_name = f"d{out_name}"
        error = LabelledArray(symbol(error_name), self.general[error_name], out.axes, error_name)
        gap, epsilon = float(np.abs(full_delta.values - delta.values).max()), float(np.finfo(delta.values.dtype).eps)
        same = "they are the same" if gap < 64 * epsilon else "the long way has lost digits to rounding"
        sentence = f"The shortcut's δ differs from it by at most {number(gap)}: {same}."
        if not self._activation_of(self.last).elementwise:
            yield self._jacobian(self.last, out, error, full_delta, sentence)
            return
        slope = self._slope(self.last, self.general[self._activation_input(self.last)], out.values)
        text, terms = f"{delta.symbol} = {error.symbol} ⊙ {slope.symbol}", (error, "⊙", slope, "=", full_delta)
        yield Stage("BP1", f"layer {self.last}, the long way", text, terms, sentence, "bp1.full", self.last)

    def _softmax_error(self, evaluation: Evaluation) -> Iterator[Stage]:
        """The error passes softmax."""
        error, a = map(evaluation.read, evaluation.row.reads)
        delta = evaluation.written(evaluation.row.writes[0])
        stage = self._jacobian(evaluation.row.layer, a, error, delta, "It is a matrix, not an elementwise σ'.")
        yield stage._replace(key="bp1") if evaluation.row.layer == self.last else stage

    def _jacobian(self, layer: int, a: LabelledArray, error: LabelledArray, delta: LabelledArray, end: str) -> Stage:
        """Softmax's derivative is a table ∂aⱼ/∂zₖ, shown for the first sample."""
        first, activation = a.values[:, :1], self._activation_of(layer)
        assert isinstance(activation, Softmax)
        units = np.hsplit(np.eye(len(first), dtype=first.dtype), len(first))
        table = np.hstack([activation.jacobian_product(first, unit) for unit in units])
        columns = [each._replace(values=each.values[:, :1], axes=(each.axes[0], None)) for each in (error, delta)]
        jacobian = LabelledArray("J", table, (layer, layer), f"jacobian{layer}")
        terms = (jacobian, "·", columns[0], "=", columns[1])
        coupled = "outputs of a group, and J is 0 between groups" if activation.groups else "outputs"
        sentence = f"Softmax couples the {coupled}: J[j,k] = ∂a[j]/∂z[k], here for sample 0. {end}"
        label, title = "BP1" if layer == self.last else "BP2", f"layer {layer}, the Jacobian of softmax"
        key = "bp1.jacobian" if layer == self.last else f"bp2.{layer}.gate"
        return Stage(label, title, f"{delta.symbol} = {{}}·{{}}", terms, sentence, key, layer)

    # Gradients and update ---------------------------------------------------------------------------------------------

    def _bp4(self, evaluation: Evaluation) -> Iterator[Stage]:
        """dW = δ·aᵀ / m."""
        delta, x = map(evaluation.read, evaluation.row.reads)
        gradient, m = evaluation.written(evaluation.row.writes[0]), x.values.shape[1]
        sentence = (
            "The gradient of a weight: the error of the neuron it leads to, times the activation it comes from, "
            f"as the mean over m = {m} (Nielsen's ∇w is the sum; his update divides it by m)."
        )
        terms = (delta, "·", _transpose(x), f"/ {m} =" if m > 1 else "=", gradient)
        layer, key = evaluation.row.layer, f"bp4.{evaluation.row.layer}"
        title = f"layer {layer}, the gradient of the weights"
        yield Stage("BP4", title, f"{gradient.symbol} = {{}}·{{}} / m", terms, sentence, key, layer)

    def _bp3(self, evaluation: Evaluation) -> Iterator[Stage]:
        """db = mean(δ), or the same for another parameter that is added."""
        row = evaluation.row
        delta, gradient = evaluation.read(row.reads[0]), evaluation.written(row.writes[0])
        is_bias, m = row.role == "bias gradient", delta.values.shape[1]
        title = f"layer {row.layer}, the gradient of the biases" if is_bias else gradient.symbol
        sentence = (
            f"A parameter that is only added has slope 1: its gradient is the mean error over m = {m}, not the sum."
        )
        key = f"bp3.{row.layer}" if is_bias else f"bp3.{row.writes[0]}"
        yield Stage("BP3", title, row.text, (delta, "→", gradient), sentence, key, row.layer)

    def _penalty_gradient(self, evaluation: Evaluation) -> Iterator[Stage]:
        """dW ← dW + the penalty's own gradient."""
        gradient, w = map(evaluation.read, evaluation.row.reads)
        after = evaluation.written(evaluation.row.writes[0])
        sentence = "The penalty pulls weights towards 0; it is not divided by m, and biases have none."
        terms, layer = (gradient, "and", w, "→", after), evaluation.row.layer
        yield Stage("penalty", w.symbol, evaluation.row.text, terms, sentence, f"penalty.{w.quantity}", layer)

    def _update(self, evaluation: Evaluation) -> Iterator[Stage]:
        """The optimiser's step."""
        row, (name, gradient, *states) = evaluation.row, evaluation.row.reads
        before, after = evaluation.read(name), evaluation.written(name)
        change = LabelledArray("change", after.values - before.values, before.axes, f"change_{name}")
        memory = [term for state in states for term in (",", evaluation.written(state))]
        names = [*map(symbol, row.reads), *(scalar.rsplit(" ", 1)[0] for scalar in row.scalars)]
        text = recurrence(names[0], states, row.formula.text(names)) if row.formula else ""
        known = (f"{scalar.rsplit(' ', 1)[0]} = {evaluation.scalars[scalar]:.6g}" for scalar in row.scalars)
        numbers = f"In this step {', '.join(known)}. " if row.scalars else ""
        sentence = (
            f"{numbers}{symbol(name)} after the step is {symbol(name)} plus the change; the largest change is "
            f"{signed(change.values.flat[np.abs(change.values).argmax()])}."
        )
        if states:
            sentence += f" {', '.join(states)}: the optimiser's memory after this {self.step_text}."
        result = after._replace(symbol="after", quantity=f"after_{name}")
        terms = (evaluation.read(gradient), *memory, "→", change, "+", before, "=", result)
        yield Stage("update", symbol(name), text, terms, sentence, f"update.{name}", row.layer)

    # What the sentences need ------------------------------------------------------------------------------------------

    def _activation_of(self, layer: int) -> Any:
        return self.architecture.dense[layer - 1].activation

    def _activation_input(self, layer: int) -> str:
        """What the activation of a layer reads: z, or what the layers before it made of z."""
        return self.program.rows[self.program.writer(f"a{layer}")].reads[0]

    def _slope(self, layer: int, z: Any, a: Any, shape: tuple[int, ...] | None = None) -> LabelledArray:
        """σ'(z) of a layer, by the table; it reads z, a or both."""
        activation, known = self._activation_of(layer), z if z is not None else a
        slope = 1.0 if known is None else activation.derivative(z, a)
        values = np.broadcast_to(np.asarray(slope), np.shape(known) if shape is None else shape)
        text = f"{activation.name}'({self._activation_input(layer)})"
        return LabelledArray(text, values, (layer, "m"), f"gate{layer}")


def _formula_text(row: Row) -> str:
    """The right side of an equation that is a formula, else an empty text."""
    return "" if row.formula is None else row.formula.text([symbol(name) for name in row.reads])


def _transpose(array: LabelledArray) -> LabelledArray:
    """The transpose as a factor of its own: Wᵀ."""
    return array.transposed._replace(symbol=f"{array.symbol}ᵀ")
