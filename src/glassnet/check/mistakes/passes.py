"""The forward pass and our own δ of several trials at once, for what a wrong backpropagation makes of them.

Every array has the trials in front: a (trials, fan_in, m), w (trials, fan_out, fan_in), b (trials, fan_out, 1). Lists
are indexed by the layer, from 1; a[0] is x. A test compares these numbers with those of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.program.parameters import Array
from glassnet.tables.activations import Activation, Softmax
from glassnet.tables.costs import Cost

NONE: Array = np.zeros(0)  # in the place of layer 0, which has no w, b and z


def transposed(array: Array) -> Array:
    """The transpose in every trial."""
    return np.swapaxes(array, -1, -2)


class Dense(NamedTuple):
    """The activation of one layer; `groups` are the sizes of a softmax's groups."""

    activation: Activation
    groups: tuple[int, ...]

    def value(self, z: Array) -> Array:
        """The activation of z."""
        if self.activation.elementwise:
            return np.asarray(self.activation.value(z))
        return np.stack([np.asarray(Softmax(self.groups).value(one)) for one in z])

    def error(self, error: Array, z: Array, a: Array) -> Array:
        """∂c/∂z from ∂c/∂a: the gate."""
        if self.activation.elementwise:
            return np.asarray(error * self.activation.derivative(z, a))
        pairs = zip(a, error, strict=True)
        return np.stack([np.asarray(Softmax(self.groups).jacobian_product(p, q)) for p, q in pairs])


Affine = Callable[[Array, Array, Array], Array]


def affine(a: Array, w: Array, b: Array) -> Array:
    """z = W·a + b."""
    return w @ a + b


class Pass:
    """Parameters, batch, z and a of all layers, and which activations and equations made them."""

    def __init__(
        self,
        parameters: tuple[list[Array], list[Array]],
        batch: tuple[Array, Array],
        dense: Sequence[Dense],
        cost: Cost,
        affines: Sequence[Affine] = (),
    ) -> None:
        self.dense, self.cost, self.affines = list(dense), cost, list(affines) or [affine] * len(dense)
        self.w, self.b = [NONE, *parameters[0]], [NONE, *parameters[1]]
        self.x, self.y = batch
        self.last, self.m = len(dense), self.x.shape[-1]
        self.z, self.a = [NONE], [self.x]
        for layer in range(1, self.last + 1):
            self.z.append(self.affines[layer - 1](self.a[-1], self.w[layer], self.b[layer]))
            self.a.append(self.dense[layer - 1].value(self.z[-1]))

    def replaced(self, **fields: Any) -> Pass:
        """Another pass, with other parameters, batch, activations (dense) or affine equations."""
        given = {
            "parameters": (self.w[1:], self.b[1:]),
            "batch": (self.x, self.y),
            "dense": self.dense,
            "affines": self.affines,
        }
        return Pass(**{**given, **fields}, cost=self.cost)

    @property
    def layers(self) -> range:
        """The numbers of the layers."""
        return range(1, self.last + 1)

    @property
    def output(self) -> Dense:
        """The last layer."""
        return self.dense[-1]

    def is_pair(self, dense: Dense) -> bool:
        """Whether the cost and this activation of the output cancel to δ = a − y."""
        return dense.activation.name in self.cost.pairs

    def cost_gradient(self) -> Array:
        """∂c/∂a of the output."""
        return np.asarray(self.cost.gradient(self.a[-1], self.y))

    def output_error(self) -> Array:
        """BP1: a − y where cost and activation are a pair, else ∂c/∂a through the gate."""
        if self.is_pair(self.output):
            return np.asarray(self.a[-1] - self.y)
        return self.output.error(self.cost_gradient(), self.z[-1], self.a[-1])

    def errors(self, early: float = 0.0) -> list[Array]:
        """Our δ of every layer; with `early`, W makes a step of that rate before the error passes through it."""
        deltas = [self.output_error()]
        for layer in range(self.last - 1, 0, -1):
            w = self.w[layer + 1]
            if early:
                w = w - early * deltas[0] @ transposed(self.a[layer]) / self.m
            arriving = transposed(w) @ deltas[0]
            deltas.insert(0, self.dense[layer - 1].error(arriving, self.z[layer], self.a[layer]))
        return [NONE, *deltas]

    def gradients(self, early: float = 0.0) -> tuple[list[Array], list[Array]]:
        """Our dw and db of every layer; `early` as in errors."""
        deltas = self.errors(early)
        dw = [deltas[n] @ transposed(self.a[n - 1]) / self.m for n in self.layers]
        return [NONE, *dw], [NONE, *(deltas[n].mean(axis=-1, keepdims=True) for n in self.layers)]
