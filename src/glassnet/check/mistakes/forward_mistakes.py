"""Wrong forward passes: the one layer, or all, whose z or a is another, and what the whole pass makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.mistakes.fault import Mistake
from glassnet.check.mistakes.passes import Affine, Dense, Pass, affine, transposed
from glassnet.program.parameters import Array
from glassnet.tables.activations import Activation, Softmax, activation

Parameters = tuple[list[Array], list[Array]]


def _same(dw: list[Array], db: list[Array]) -> Parameters:
    return dw, db


class Forward(NamedTuple):
    """A forward pass, its mistake and the layers it is made in; `theirs` turns what they return into its gradients."""

    run: Pass
    mistake: Mistake | None = None
    layers: tuple[int, ...] = ()
    possible: tuple[int, ...] = ()
    theirs: Callable[[list[Array], list[Array]], Parameters] = _same


@dataclass(frozen=True)
class _Axis(Activation):
    """A softmax whose sum runs over other axes than the outputs of a sample."""

    axis: Any = -1
    shift: Any = -1  # over which the largest z is subtracted first; it cancels where that is the axis itself
    name = "softmax"
    elementwise = True  # applied to whole arrays; the gate of the output is the pair's, or another hypothesis

    def value(self, z: Any) -> Any:
        e = np.exp(z - z.max(axis=self.shift, keepdims=True))
        return e / e.sum(axis=self.axis, keepdims=True)

    def derivative(self, z: Any, a: Any) -> Any:
        return a * (1 - a)


def _minus_bias(a: Array, w: Array, b: Array) -> Array:
    return w @ a - b


def _no_bias(a: Array, w: Array, b: Array) -> Array:
    return w @ a


def _last_product(a: Array, w: Array, b: Array) -> Array:
    return w[..., -1:] * a[..., -1:, :] + b


def _transposed_weights(a: Array, w: Array, b: Array) -> Array:
    return transposed(w) @ a + b


AFFINES: tuple[tuple[str, Affine, bool], ...] = (
    ("z lacks its bias.", _no_bias, False),
    ("the bias is subtracted from z.", _minus_bias, False),
    ("z holds w·a of the last input alone instead of W·a: the sum is overwritten.", _last_product, False),
    ("W is transposed in z: Wᵀ·a instead of W·a.", _transposed_weights, True),
)
OTHERS = ("linear", "sigmoid", "tanh", "relu")


def forwards(right: Pass) -> Iterator[Forward]:
    """All wrong forward passes that can be run."""
    for mistakes in (_affines(right), _activations(right), _softmaxes(right), _ones(right)):
        yield from mistakes


def forward_pairs(right: Pass) -> Iterator[Forward]:
    """Two mistakes at once: one in every z, and one in an activation."""
    for one in _affines(right):
        if one.layers != one.possible:
            continue
        for other in _activations(right):
            assert one.mistake is not None and other.mistake is not None
            text = f"{one.mistake.sentence.rstrip('.')}; and {other.mistake.sentence}"
            run = one.run.replaced(dense=other.run.dense, affines=one.run.affines)
            yield Forward(run, Mistake("forward", text, weight=2.0), one.layers, one.possible)


def _choices(layers: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All of some layers together, then each alone."""
    yield tuple(layers)
    if len(layers) > 1:
        yield from ((layer,) for layer in layers)


def _affines(right: Pass) -> Iterator[Forward]:
    every = tuple(right.layers)
    for sentence, wrong, needs_square in AFFINES:
        if "bias" in sentence and not any(b.any() for b in right.b[1:]):
            continue
        for layers in _choices(every):
            if needs_square and any(right.w[n].shape[-1] != right.w[n].shape[-2] for n in layers):
                continue
            equations = [wrong if n in layers else affine for n in every]
            yield Forward(right.replaced(affines=equations), Mistake("forward", sentence, needs_square), layers, every)


def _activations(right: Pass) -> Iterator[Forward]:
    every, hidden = tuple(right.layers), tuple(right.layers)[:-1]
    for name in (*OTHERS, "softmax"):
        others = (*_choices(hidden), every) if hidden and name != "softmax" else ()
        for layers in ((right.last,), *others):
            names = [right.dense[n - 1].activation.name for n in layers]
            if all(one == name for one in names):
                continue
            dense = [
                Dense(activation(name), right.dense[n - 1].groups) if n in layers else right.dense[n - 1]
                for n in right.layers
            ]
            places = {every: "of all layers", hidden: "of the hidden layers", (right.last,): "of the output"}
            place = places.get(layers, f"of layer {layers[0]}")
            what = "is missing" if name == "linear" else f"is {name}"
            mistake = Mistake("forward", f"the activation {place} {what}.")
            yield Forward(right.replaced(dense=dense), mistake, layers, layers)


def _softmaxes(right: Pass) -> Iterator[Forward]:
    if right.output.activation.elementwise:
        return
    if len(right.output.groups) > 1:
        together = Dense(Softmax(), (sum(right.output.groups),))
        sentence = "softmax is taken over all outputs together; each group of outputs is a distribution of its own."
        yield _output(right, together, sentence)
    axes = {
        "softmax is taken over the wrong axis: over the samples, not over the outputs of each sample.": -1,
        "softmax is taken over the batch as a whole; the outputs of each sample must add up to 1.": (-2, -1),
    }
    for sentence, axis in axes.items():
        for shift in (axis, -2):  # the largest z of each sample is often subtracted, whatever the sum runs over
            yield _output(right, Dense(_Axis(axis, shift), right.output.groups), sentence)


def _output(right: Pass, dense: Dense, sentence: str) -> Forward:
    run = right.replaced(dense=[*right.dense[:-1], dense])
    return Forward(run, Mistake("forward", sentence), (right.last,), (right.last,))


def _ones(right: Pass) -> Iterator[Forward]:
    """Biases folded into W as its first column, and ones appended as the last row of a; and the other way round."""
    if not any(b.any() for b in right.b[1:]):
        return
    for is_first in (True, False):
        weights, biases = [], []
        for w, b in zip(right.w[1:], right.b[1:], strict=True):
            columns = np.concatenate([b, w] if is_first else [w, b], axis=-1)
            weights.append(columns[..., :-1] if is_first else columns[..., 1:])
            biases.append(columns[..., -1:] if is_first else columns[..., :1])
        sentence = "the ones are appended at the other end of a than the biases in W: first column, first row of ones."
        run = right.replaced(parameters=(weights, biases))
        every = tuple(right.layers)
        yield Forward(run, Mistake("forward", sentence), every, every, _first_last if is_first else _last_first)


def _first_last(dw: list[Array], db: list[Array]) -> Parameters:
    columns = [np.concatenate([b, w], axis=-1) for w, b in zip(dw, db, strict=True)]
    return [one[..., :-1] for one in columns], [one[..., -1:] for one in columns]


def _last_first(dw: list[Array], db: list[Array]) -> Parameters:
    columns = [np.concatenate([w, b], axis=-1) for w, b in zip(dw, db, strict=True)]
    return [one[..., 1:] for one in columns], [one[..., :1] for one in columns]
