"""One step told beat by beat: each row of the program as an equation with its real numbers, and a sentence under it.

The numbers are those that the row read and wrote; nothing is worked out here but σ'(z), which comes from the
activation's own row in the table, and the Jacobian of softmax, which is its row's product with unit vectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.program.program import Program, symbol
from glassnet.see.beats import (
    Beat,
    Shown,
    Worked,
    between,
    brackets,
    direction,
    largest,
    passed,
    recurrence,
    signed,
    span,
)
from glassnet.see.trace import number
from glassnet.tables.activations import Softmax


class Story:
    """Tells the beats of one step of a network; `general` are the errors without the pair's shortcut, if it has one."""

    def __init__(self, architecture: Architecture, program: Program, general: Mapping[str, Array]) -> None:
        self.architecture, self.program, self.general = architecture, program, general
        self.last = len(architecture.dense)

    def beats(self, worked: list[Worked]) -> list[Beat]:
        """Forward, cost, BP1, BP2, BP3, BP4, update, in the order of the four equations."""
        order = ["forward", "cost", "BP1", "BP2", "BP3", "BP4", "penalty", "update"]
        return [
            beat for done in sorted(worked, key=lambda done: order.index(done.row.label)) for beat in self.told(done)
        ]

    def told(self, done: Worked) -> Iterator[Beat]:
        """The beats of one row; the bookkeeping of a cost or of clipping has none."""
        row = done.row
        teller = getattr(self, f"_{row.kind}", None)
        if row.label == "update":
            teller = self._update if row.writes[0] in done.reads and f"d{row.writes[0]}" in row.reads else None
        elif row.label == "penalty":
            teller = self._penalty
        elif row.kind == "formula":
            teller = self._activation if row.label == "forward" else self._error
        elif row.label == "cost":
            teller = self._mean_cost if row.kind == "mean_cost" else None
        if teller is not None:
            yield from teller(done)
        elif row.text and row.label not in ("cost", "update"):
            yield from self._plain(done)

    def _plain(self, done: Worked) -> Iterator[Beat]:
        """A row of a layer between the dense layers: what it took, and what it made of it."""
        row, shown = done.row, [done.shown(name, True) for name in done.row.writes]
        made = tuple(part for one in shown for part in (one, ","))[:-1]
        if row.text or row.formula is None:
            text = row.text
        else:
            text = f"{shown[0].symbol} ← {row.formula.text([symbol(name) for name in row.reads])}"
        yield Beat(row.label, shown[0].symbol, text, (done.shown(row.reads[0]), "→", *made), between(row))

    # Forward and cost -------------------------------------------------------------------------------------------------

    def _affine(self, done: Worked) -> Iterator[Beat]:
        x, w, b = map(done.shown, done.row.reads)
        z = done.shown(done.row.writes[0])
        layer, neuron = int(z.symbol[1:]), 0
        if w.values.shape[1] <= 4:
            products = [f"{brackets(p)}·{brackets(q)}" for p, q in zip(w.values[0], x.values[:, 0], strict=True)]
            spelled = f"{' + '.join(products)} + {brackets(b.values[0, 0])} = {number(z.values[0, 0])}"
            sentence = f"Each neuron adds up weight times input, and its bias: {z.symbol}[{neuron},0] = {spelled}."
        else:
            sentence = f"Each neuron adds up {w.values.shape[1]:,} products of weight and input, and its bias."
        text = f"{z.symbol} = {{}}·{{}} + {b.symbol}"
        yield Beat("forward", f"layer {layer}, the weighted sum", text, (w, "·", x, "+", b, "=", z), sentence)

    def _activation(self, done: Worked) -> Iterator[Beat]:
        name = done.row.writes[0]
        if not re.fullmatch(r"a\d+", name):
            yield from self._plain(done)
            return
        layer = int(name[1:])
        row = self.architecture.dense[layer - 1].activation
        z, a = done.shown(self._inner(layer)), done.shown(name)
        slope = self._slope(layer, z.values, a.values).values
        sentence = (
            f"Every z becomes an activation by itself. The slope {row.name}'(z) there {span(slope)}; it is the gate "
            "for the error on the way back."
        )
        yield Beat("forward", f"layer {layer}, the activation", done.row.text, (z, "→", a), sentence)

    def _softmax(self, done: Worked) -> Iterator[Beat]:
        (z,), a = map(done.shown, done.row.reads), done.shown(done.row.writes[0])
        grouped = bool(self.architecture.dense[int(a.symbol[1:]) - 1].activation.groups)
        sentence = (
            f"Softmax makes positive shares that add up to 1{' in each group' if grouped else ''}; each of them "
            f"depends on every z of its {'group and ' if grouped else ''}sample."
        )
        yield Beat("forward", f"layer {a.symbol[1:]}, the activation", done.row.text, (z, "→", a), sentence)

    def _mean_cost(self, done: Worked) -> Iterator[Beat]:
        c, total = done.shown("c"), done.shown("C", True)
        words = next(row.text for row in self.program.rows if "c" in row.writes).removeprefix("c  = ")
        beyond = ["the weights s of the samples"] if "s" in done.row.reads else []
        beyond += ["the penalty"] if any(read.startswith("penalty") for read in done.row.reads) else []
        sentence = f"c is each sample's own cost, {words}; C is their mean over m = {c.values.shape[1]}, not their sum"
        sentence += f" (with {' and '.join(beyond)})." if beyond else "."
        a, y = (Shown(name, self.general[name], (self.last, "m")) for name in (f"a{self.last}", "y"))
        yield Beat("cost", "how wrong the network is", done.row.text, (a, "and", y, "→", c, "→", total), sentence)

    # The error --------------------------------------------------------------------------------------------------------

    def _error(self, done: Worked) -> Iterator[Beat]:
        row = done.row
        if row.writes[0] == f"da{self.last}" and "y" in row.reads:
            yield self._first(done)
        elif row.detail:
            return  # the next row says it too
        elif "y" in row.reads:
            yield from self._shortcut(done)
        elif re.search(r"⊙ .+'\(\w+\)$", row.text):
            yield self._gate(done)
        else:
            yield from self._plain(done)

    def _first(self, done: Worked) -> Beat:
        """Where every error comes from: the slope of a sample's cost over the output."""
        out, arrived = done.shown(done.row.reads[0]), done.shown(done.row.writes[0])
        said = "" if done.row.formula is None else done.row.formula.text([symbol(read) for read in done.row.reads])
        text = f"{arrived.symbol} = {said}" if 0 < len(said) < 90 else done.row.text
        weighted = " s is the weight of the sample." if "s" in done.row.reads else ""
        sentence = (
            f"How fast a sample's cost grows with its output, the slope of c over {out.symbol}. "
            f"{direction(arrived.values)}{weighted}"
        )
        terms = (out, "and", Shown("y", self.general["y"], out.axes), "→", arrived)
        return Beat("BP1", f"layer {self.last}, first half: the slope of the cost", text, terms, sentence)

    def _gate(self, done: Worked) -> Beat:
        """The error passes σ'(z): the second half of BP2, and of BP1."""
        delta = done.shown(done.row.writes[0], True)
        layer = int(re.findall(r"\d+", delta.symbol)[0])
        arrived = done.shown(next(read for read in done.row.reads if read.startswith("d")))
        slope = self._slope(layer, done.reads.get(self._inner(layer)), done.reads.get(f"a{layer}"), delta.values.shape)
        text, terms = f"{delta.symbol} = {arrived.symbol} ⊙ {slope.symbol}", (arrived, "⊙", slope, "=", delta)
        if done.row.label == "BP1":
            sentence = (
                "The error at the output: how fast a sample's cost grows with its z. "
                "δ belongs to a sample's own cost, so there is no 1/m in it."
            )
            title = f"layer {layer}, second half: the slope passes the gate and is the error"
            return Beat("BP1", title, text, terms, sentence)
        title = f"layer {layer}, second half: the error passes the gate"
        return Beat("BP2", title, text, terms, passed(arrived.values, slope.values, delta.values))

    def _propagate(self, done: Worked) -> Iterator[Beat]:
        delta, w = map(done.shown, done.row.reads)
        arrived, layer = done.shown(done.row.writes[0]), int(delta.symbol[1:]) - 1
        turned = Shown(f"{w.symbol}ᵀ", w.values.T, (w.axes[1], w.axes[0]))
        neuron, sample = largest(arrived.values)
        told = f"neuron {neuron} is told most, {signed(arrived.values[neuron, sample])}"
        sentence = f"Each neuron gets the errors it helped to make, times the weights it made them through: {told}"
        sentence += f" (sample {sample})." if arrived.values.shape[1] > 1 else "."
        title = f"layer {layer}, first half: the error arrives through the weights"
        yield Beat("BP2", title, f"{arrived.symbol} = {{}}·{{}}", (turned, "·", delta, "=", arrived), sentence)

    def _shortcut(self, done: Worked) -> Iterator[Beat]:
        """a − y, then the long way, proved equal."""
        delta, out, y = done.shown(done.row.writes[0], True), done.shown(done.row.reads[0]), done.shown("y")
        pair = f"{self.architecture.dense[-1].activation.name} with {self.architecture.cost.name}"
        terms = (out, "−", Shown("y", y.values, out.axes), "=", delta)
        sentence = f"For {pair} the derivative of the activation cancels, and what is left is a − y; no σ' stands here."
        yield Beat("BP1", f"layer {self.last}, the shortcut", done.row.text, terms, sentence)
        error, arrived = self.general[f"delta{self.last}"], self.general[f"d{out.symbol}"]
        z = self.general[self._inner(self.last)]
        gap, unit = float(np.abs(error - delta.values).max()), float(np.finfo(error.dtype).eps)
        same = "they are the same" if gap < 64 * unit else "the long way has lost digits to rounding"
        end = f"The shortcut's δ differs from it by at most {number(gap)}: {same}."
        shown = (Shown(f"∂c/∂{out.symbol}", arrived, out.axes), Shown(delta.symbol, error, delta.axes))
        if self.architecture.dense[-1].activation.elementwise:
            slope = self._slope(self.last, z, out.values)
            text = f"{delta.symbol} = {shown[0].symbol} ⊙ {slope.symbol}"
            yield Beat("BP1", f"layer {self.last}, the long way", text, (shown[0], "⊙", slope, "=", shown[1]), end)
        else:
            yield self._jacobian(out, *shown, end)

    def _softmax_error(self, done: Worked) -> Iterator[Beat]:
        arrived, a = map(done.shown, done.row.reads)
        yield self._jacobian(a, arrived, done.shown(done.row.writes[0], True), "It is a matrix, not an elementwise σ'.")

    def _jacobian(self, a: Shown, arrived: Shown, delta: Shown, end: str) -> Beat:
        """Softmax's derivative is a table ∂aⱼ/∂zₖ, shown for the first sample."""
        first, layer = a.values[:, :1], int(a.symbol[1:])
        units = np.eye(len(first), dtype=first.dtype)
        row = self.architecture.dense[layer - 1].activation
        assert isinstance(row, Softmax)
        table = np.hstack([row.jacobian_product(first, units[:, k : k + 1]) for k in range(len(first))])
        columns = [Shown(shown.symbol, shown.values[:, :1], (shown.axes[0], None)) for shown in (arrived, delta)]
        terms = (Shown("J", table, (layer, layer)), "·", columns[0], "=", columns[1])
        tied = "outputs of a group together, and J is 0 between groups" if row.groups else "outputs together"
        sentence = f"Softmax ties the {tied}: J[j,k] = ∂a[j]/∂z[k], here for sample 0. {end}"
        label = "BP1" if layer == self.last else "BP2"
        return Beat(label, f"layer {layer}, the Jacobian of softmax", f"{delta.symbol} = {{}}·{{}}", terms, sentence)

    # Gradients and update ---------------------------------------------------------------------------------------------

    def _bp4(self, done: Worked) -> Iterator[Beat]:
        delta, x = map(done.shown, done.row.reads)
        gradient, m = done.shown(done.row.writes[0]), x.values.shape[1]
        turned = Shown(f"{x.symbol}ᵀ", x.values.T, (x.axes[1], x.axes[0]))
        divided = f"/ {m} =" if m > 1 else "="
        sentence = (
            "The gradient of a weight: the error of the neuron it leads to, times the activation it comes from, "
            f"as the mean over m = {m} (Nielsen's ∇w is the sum; his update divides it by m)."
        )
        terms, text = (delta, "·", turned, divided, gradient), f"{gradient.symbol} = {{}}·{{}} / m"
        yield Beat("BP4", f"layer {delta.symbol[1:]}, the gradient of the weights", text, terms, sentence)

    def _bp3(self, done: Worked) -> Iterator[Beat]:
        delta, gradient = done.shown(done.row.reads[0]), done.shown(done.row.writes[0])
        m, biases = delta.values.shape[1], f"layer {gradient.axes[0]}, the gradient of the biases"
        title = biases if re.fullmatch(r"db\d+", gradient.symbol) else done.row.text.split(" = ")[0]
        sentence = f"What is only added has slope 1: its gradient is the mean of the error over m = {m}, not the sum."
        yield Beat("BP3", title, done.row.text, (delta, "→", gradient), sentence)

    def _penalty(self, done: Worked) -> Iterator[Beat]:
        w = done.shown(done.row.reads[1])
        before, after = done.shown(done.row.writes[0]), done.shown(done.row.writes[0], True)
        sentence = "The penalty pulls weights towards 0; it is not divided by m, and biases have none."
        yield Beat("penalty", f"{w.symbol}", done.row.text, (before, "and", w, "→", after), sentence)

    def _update(self, done: Worked) -> Iterator[Beat]:
        name, gradient, *states = done.row.reads
        before, after = done.shown(name), done.shown(name, True)
        change = Shown("change", after.values - before.values, before.axes)
        held = [part for state in states for part in (",", done.shown(state, True))]
        words = [symbol(read) for read in done.row.reads] + [word.rsplit(" ", 1)[0] for word in done.row.scalars]
        text = recurrence(words[0], states, done.row.formula.text(words)) if done.row.formula else ""
        sentence = f"The largest change is {signed(change.values.flat[np.abs(change.values).argmax()])}."
        if states:
            sentence += f" {', '.join(states)}: what the optimiser remembers, after this first step."
        terms = (done.shown(gradient), *held, ";", before, "+", change, "=", Shown("after", after.values, after.axes))
        yield Beat("update", symbol(name), text, terms, sentence)

    # What the sentences need ------------------------------------------------------------------------------------------

    def _inner(self, layer: int) -> str:
        """What the activation of a layer reads: z, or what layers made of it."""
        return next(row.reads[0] for row in self.program.rows if f"a{layer}" in row.writes)

    def _slope(self, layer: int, z: Any, a: Any, shape: tuple[int, ...] | None = None) -> Shown:
        """σ'(z) of a layer, by the table; it reads z, a or both."""
        row, known = self.architecture.dense[layer - 1].activation, z if z is not None else a
        if shape is None:
            shape = np.shape(known)
        slope = 1.0 if known is None else row.derivative(z, a)
        values = np.broadcast_to(np.asarray(slope), shape)
        return Shown(f"{row.name}'({self._inner(layer)})", values, (layer, "m"))
