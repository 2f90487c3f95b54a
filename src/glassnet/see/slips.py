"""Slips of the pen in one step: what z, a, δ, dW, db or C become when one of the equations is computed a little wrong.

answers.py compares a person's numbers with them. Each slip is a sentence and the numbers that it leads to; those of an
earlier quantity are carried on by the right equations, so that a slip is recognised further down too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from glassnet.execution.inference import output_name
from glassnet.program.architecture import Architecture
from glassnet.program.equations import affine, bp3, bp4, propagate
from glassnet.program.parameters import Array
from glassnet.program.program import symbol
from glassnet.see.trace import Trace
from glassnet.tables.activations import ACTIVATIONS, Activation, Softmax

USUAL = ("sigmoid", "tanh", "relu")  # activations that are taken for one another


class Slip(NamedTuple):
    """What went wrong, and the numbers that it gives."""

    sentence: str
    values: Array


class Slips:
    """The slips in the quantities of one trace."""

    def __init__(self, architecture: Architecture, trace: Trace) -> None:
        self.architecture, self.trace, self.m = architecture, trace, trace.m
        self.last = len(architecture.dense)
        self.is_plain = not architecture.input_layers and not any(d.before or d.after for d in architecture.dense)

    def of(self, name: str) -> Iterator[Slip]:
        """The slips that lead to a wrong value of a quantity, the likeliest first; those of other shapes left out."""
        right = self.trace[name]
        with np.errstate(all="ignore"):
            for slip in self._kinds(name):
                if np.shape(slip.values) == right.shape:
                    yield slip

    def _kinds(self, name: str) -> Iterator[Slip]:
        kind, layer = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
        rules: dict[str, Callable[[int], Iterator[Slip]]] = {
            "z": self._z,
            "a": self._a,
            "delta": self._delta,
            "dw": self._dw,
            "db": self._db,
        }
        if name == "C":
            yield from self._cost()
        elif kind in rules and layer:
            yield Slip(f"the sign is wrong: this is −{symbol(name)}.", -self.trace[name])
            if self.is_plain:
                yield from rules[kind](int(layer))

    # Forward ----------------------------------------------------------------------------------------------------------

    def _z(self, layer: int) -> Iterator[Slip]:
        x, w, b = self._input(layer), self._get("w", layer), self._get("b", layer)
        yield Slip("you left out the bias b.", w @ x)
        yield Slip("the bias is subtracted; it is added.", w @ x - b)
        yield Slip("this is already a: the activation comes in the next equation.", self._get("a", layer))
        if w.shape[0] == w.shape[1]:
            yield Slip(f"you took W{layer} transposed.", affine(x, w.T, b))
        if layer > 1:
            yield Slip(f"you took z{layer - 1} where a{layer - 1} belongs.", affine(self._get("z", layer - 1), w, b))
        yield Slip("you left out the weighted sum: these are the biases.", np.broadcast_to(b, self._shape("z", layer)))

    def _a(self, layer: int) -> Iterator[Slip]:
        z, activation = self._get("z", layer), self._activation(layer)
        yield Slip("you left out the activation: these are the z.", z)
        yield Slip("the activation is applied twice.", np.asarray(activation.value(self._get("a", layer))))
        yield Slip("the activation is taken of −z.", np.asarray(activation.value(-z)))
        if isinstance(activation, Softmax):
            yield Slip("you left out the division by the sum: these are exp(z).", np.exp(z))
            yield Slip("the sum runs over the samples; it runs over the outputs of each sample.", _shares(z))
        else:
            yield Slip(f"this is {activation.name}'(z), the slope, not {activation.name}(z).", self._gate(layer))
        for other in USUAL:
            if other != activation.name:
                sentence = f"this is {other}(z); layer {layer} has {activation.name}."
                yield Slip(sentence, np.asarray(ACTIVATIONS[other]().value(z)))

    def _cost(self) -> Iterator[Slip]:
        c, cost, name = self.trace["C"], self.architecture.cost, self.architecture.cost.name
        per_sample = self.trace["c"]
        yield Slip("this is the sum over the samples; C is their mean.", np.atleast_2d(per_sample.sum()))
        mean = np.atleast_2d(per_sample.mean())
        yield Slip("you left out the penalty on the weights.", mean)
        yield Slip("the sign is wrong: a cost is not negative here.", -c)
        if name == "quadratic":
            yield Slip("you left out the ½ of the quadratic cost.", c + mean)
        if "cross_entropy" in name:
            yield Slip("the logarithm is to base 10; it is the natural one.", c / np.log(10))
            yield Slip("the logarithm is to base 2; it is the natural one.", c / np.log(2))
        outputs = self.architecture.outputs
        yield Slip("you divided by the number of outputs too; C is the mean over the samples only.", mean / outputs)
        yield Slip("this is the cost of the first sample alone.", per_sample[:, :1])
        a, y = self.trace[output_name(self.trace.program)], self.trace["y"]
        swapped = np.asarray(cost.value(y, a)) if cost.outputs.contains(cost.targets) else np.full_like(a, np.nan)
        yield Slip("a and y are exchanged.", np.atleast_2d(swapped.sum(axis=0).mean()))

    # Errors -----------------------------------------------------------------------------------------------------------

    def _delta(self, layer: int) -> Iterator[Slip]:
        delta = self._get("delta", layer)
        yield from self._output_delta() if layer == self.last else self._hidden_delta(layer)
        yield Slip("you divided by m; δ is each sample's own and has no 1/m.", delta / self.m)
        mean = np.broadcast_to(delta.mean(axis=1, keepdims=True), delta.shape)
        yield Slip("this is the mean over the samples; δ is each sample's own.", mean)
        for other in range(1, self.last + 1):
            if other != layer:
                yield Slip(f"this is δ{other}, the error of the wrong layer.", self._get("delta", other))

    def _output_delta(self) -> Iterator[Slip]:
        layer, cost = self.last, self.architecture.cost
        a, y, delta = self._get("a", layer), self.trace["y"], self._get("delta", layer)
        activation = self._activation(layer)
        gradient = np.asarray(cost.gradient(a, y)) * np.ones_like(a)
        if f"da{layer}" not in self.trace:
            gate = a * (1 - a) if isinstance(activation, Softmax) else self._gate(layer)
            sentence = "you multiplied a − y by σ'(z) once more; with this cost σ' has cancelled already."
            yield Slip(sentence, delta * gate)
        if isinstance(activation, Softmax):
            yield Slip("you took a·(1 − a) as softmax's slope; its derivative is a matrix.", gradient * a * (1 - a))
            yield Slip("you left out softmax's Jacobian: this is ∂c/∂a.", gradient)
        else:
            yield Slip(f"you left out {activation.name}'(z): this is ∂c/∂a.", gradient)
            yield from self._gates(layer, gradient, "BP1")
        yield Slip(f"this is y − a{layer}: the sign of ∂c/∂a is wrong.", (y - a) * np.ones_like(a))
        yield Slip(f"this is a{layer} − y without the rest of BP1.", a - y)
        if cost.name == "quadratic":
            yield Slip("this is twice δ: the ½ of the cost cancels the 2 of the square.", 2 * delta)

    def _hidden_delta(self, layer: int) -> Iterator[Slip]:
        w, above = self._get("w", layer + 1), self._get("delta", layer + 1)
        activation, arriving = self._activation(layer), propagate(above, w)
        arrives = f"this is what arrives, W{layer + 1}ᵀ·δ{layer + 1}"
        if not activation.elementwise:
            yield Slip(f"you left out the Jacobian of {activation.name}: {arrives}.", arriving)
            return
        yield Slip(f"you left out {activation.name}'(z{layer}), the gate: {arrives}.", arriving)
        yield from self._gates(layer, arriving, "BP2")
        gate = self._gate(layer)
        if w.shape[0] == w.shape[1]:
            yield Slip(f"you took W{layer + 1} where its transpose belongs.", (w @ above) * gate)
        if len(above) == len(gate):
            yield Slip(f"you left out W{layer + 1}.", above * gate)
        unweighted = propagate(above, np.ones_like(w)) * gate
        yield Slip(f"you added up δ{layer + 1} without the weights W{layer + 1}.", unweighted)
        yield Slip(f"you left out δ{layer + 1}: this is the gate alone.", gate)
        own = self._get("w", layer)
        if own.shape == w.shape:
            yield Slip(f"you took W{layer}; the error comes back through W{layer + 1}.", propagate(above, own) * gate)
        if layer + 1 < self.last:
            skipped = self._get("delta", self.last)
            if len(skipped) == len(above):
                wrong = propagate(skipped, w) * gate
                yield Slip(f"you took δ{self.last}, the error of the output, where δ{layer + 1} belongs.", wrong)
        for slip in self._carried(layer + 1):
            yield Slip(slip.sentence, propagate(slip.values, w) * gate)

    def _gates(self, layer: int, arriving: Array, equation: str) -> Iterator[Slip]:
        """Wrong gates for an error that arrives."""
        z, a, gate = self._get("z", layer), self._get("a", layer), self._gate(layer)
        activation, name = self._activation(layer), self._activation(layer).name
        if name == "linear":
            return
        yield Slip(f"{name}' is multiplied in twice.", arriving * gate * gate)
        at_a = np.asarray(activation.derivative(a, activation.value(a))) * np.ones_like(z)
        yield Slip(f"you took {name}' at a{layer}; {equation} takes it at z{layer}.", arriving * at_a)
        formula = np.asarray(activation.derivative(z, z)) * np.ones_like(z)
        yield Slip(f"you put z{layer} into the formula of the slope that needs a{layer}.", arriving * formula)
        yield Slip(f"you multiplied by a{layer}, {name}(z{layer}), where its slope belongs.", arriving * a)
        for other in USUAL:
            if other != name:
                entry = ACTIVATIONS[other]()
                slope = np.asarray(entry.derivative(z, entry.value(z))) * np.ones_like(z)
                yield Slip(f"you took the slope of {other}; layer {layer} has {name}.", arriving * slope)
        for above in (layer + 1, layer - 1):
            if 1 <= above <= self.last and not isinstance(self._activation(above), Softmax):
                other_gate = self._gate(above)
                if len(other_gate) in (1, len(gate)):
                    yield Slip(f"you took the slope at z{above}, of the wrong layer.", arriving * other_gate)

    # Gradients --------------------------------------------------------------------------------------------------------

    def _dw(self, layer: int) -> Iterator[Slip]:
        delta, x, dw = self._get("delta", layer), self._input(layer), self._get("dw", layer)
        own = bp4(delta, x)
        yield Slip("this is the sum over the samples; dW is their mean.", own * self.m + (dw - own))
        yield Slip("you divided by m twice.", own / self.m)
        yield Slip("you left out the penalty on the weights.", own)
        yield Slip("this is the gradient of the first sample alone.", bp4(delta[:, :1], x[:, :1]))
        if dw.shape[0] == dw.shape[1]:
            yield Slip(f"this is dW{layer} transposed: it is δ·aᵀ, not a·δᵀ.", dw.T)
        behind = bp4(delta, self._get("a", layer))
        yield Slip(f"you took a{layer}, which comes after these weights; they multiply a{layer - 1}.", behind)
        if layer > 1:
            yield Slip(f"you took z{layer - 1} where a{layer - 1} belongs.", bp4(delta, self._get("z", layer - 1)))
        product = delta.mean(axis=1, keepdims=True) @ x.mean(axis=1, keepdims=True).T
        yield Slip("this is the product of the means; dW is the mean of the products.", product)
        yield Slip(f"you left out a{layer - 1}: this is the mean of δ{layer}.", bp3(delta) * np.ones_like(dw))
        for other in range(1, self.last + 1):
            if other != layer:
                yield Slip(f"you took δ{other}, the error of the wrong layer.", bp4(self._get("delta", other), x))
        for slip in self._carried(layer):
            yield Slip(slip.sentence, bp4(slip.values, x) + (dw - own))

    def _db(self, layer: int) -> Iterator[Slip]:
        delta = self._get("delta", layer)
        yield Slip("this is the sum over the samples; db is their mean.", delta.sum(axis=1, keepdims=True))
        yield Slip("you divided by m twice.", bp3(delta) / self.m)
        yield Slip(f"this is δ{layer} of the first sample alone.", delta[:, :1])
        yield Slip(f"this is the mean of z{layer}, not of δ{layer}.", bp3(self._get("z", layer)))
        yield Slip(f"this is the mean of a{layer}, not of δ{layer}.", bp3(self._get("a", layer)))
        for other in range(1, self.last + 1):
            if other != layer:
                yield Slip(f"you took δ{other}, the error of the wrong layer.", bp3(self._get("delta", other)))
        for slip in self._carried(layer):
            yield Slip(slip.sentence, bp3(slip.values))

    def _carried(self, layer: int) -> Iterator[Slip]:
        """The slips in δ of a layer, as they are said of what builds on it."""
        for slip in self.of(f"delta{layer}"):
            carried = slip.sentence.startswith("already in")
            sentence = slip.sentence if carried else f"already in δ{layer}, on which this builds, {slip.sentence}"
            yield Slip(sentence, slip.values)

    # What they are made of --------------------------------------------------------------------------------------------

    def _get(self, kind: str, layer: int) -> Array:
        return self.trace[f"{kind}{layer}"]

    def _shape(self, kind: str, layer: int) -> tuple[int, ...]:
        return self._get(kind, layer).shape

    def _input(self, layer: int) -> Array:
        """What the weights of a layer multiply."""
        return self._get("a", layer - 1)

    def _activation(self, layer: int) -> Any:
        return self.architecture.dense[layer - 1].activation

    def _gate(self, layer: int) -> Array:
        """σ'(z) of a layer whose activation is elementwise."""
        z, a = self._get("z", layer), self._get("a", layer)
        activation: Activation = self._activation(layer)
        return np.asarray(activation.derivative(z, a)) * np.ones_like(z)


def _shares(z: Array) -> Array:
    """exp(z) as a share of its sum over the samples."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))
