"""Steps 3 and 4: BP1, the error at the output; the forward pass of a network; BP2, the error of a hidden layer.

check_backprop is given a network that is ours but for their error, so that it names what is wrong by its equation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from glassnet.check.exercise.answers import Answers
from glassnet.check.exercise.task import Arguments, Mistake, Results, Rng, Task, close
from glassnet.check.exercise.teacher import Backprop, Gradients, mean_of_samples
from glassnet.check.exercise.trials import (
    LESSON_BIASES,
    LESSON_WEIGHTS,
    LESSON_X,
    LESSON_Y,
    draw,
    draw_sample,
    forward,
    slope,
)
from glassnet.program.equations import affine, bp1, bp2, propagate
from glassnet.program.parameters import Array


def _output_arguments(rng: Rng, number: int) -> Arguments:
    if number == 0:
        z_s, a_s = forward(LESSON_WEIGHTS, LESSON_BIASES, LESSON_X)
        return {"dc_da": a_s[-1] - LESSON_Y, "z": z_s[-1]}
    outputs = 1 + number % 3
    return {"dc_da": draw(rng, outputs, 1), "z": 2 * draw(rng, outputs, 1)}


def fitted_factor(right: Callable[..., Results]) -> Callable[[str, Sequence[Arguments], Sequence[Results]], str]:
    """The sentence for a result that is the right one times a fixed number; else empty."""

    def sentence(name: str, trials: Sequence[Arguments], results: Sequence[Results]) -> str:
        expected = np.concatenate([right(**arguments)[name].ravel() for arguments in trials])
        theirs = np.concatenate([own[name].ravel() for own in results])
        factor = float((theirs * expected).sum() / (expected**2).sum())
        if factor == 0 or not close(theirs, factor * expected):
            return ""
        return "the sign is wrong." if np.isclose(factor, -1) else f"it is {factor:.4g} × what it should be."

    return sentence


def _output_error(dc_da: Array, z: Array) -> Results:
    return {"delta": bp1(dc_da, slope(z))}


def _hidden_error(w_next: Array, delta_next: Array, z: Array) -> Results:
    return {"delta": bp2(delta_next, w_next, slope(z))}


OUTPUT_ERROR = Task(
    "output_error",
    ("delta",),
    {"delta": "∂c/∂a ⊙ σ'(z), with σ'(z) = σ(z)·(1 − σ(z))"},
    _output_arguments,
    _output_error,
    fitted=fitted_factor(_output_error),
)


def their_output_error(answers: Answers) -> Backprop:
    """A network of one layer that uses their BP1."""

    def sample(weights: list[Array], biases: list[Array], x: Array, y: Array) -> Gradients:
        (z,), (_, a) = forward(weights, biases, x)
        delta = np.asarray(answers.call("output_error", {"dc_da": a - y, "z": z}))
        return [delta @ x.T], [delta]

    return mean_of_samples(sample)


def _forward_arguments(rng: Rng, number: int) -> Arguments:
    sample = draw_sample(rng, number)
    return {name: sample[name] for name in ("weights", "biases", "x")}


def _numbered(z_s: list[Array], a_s: list[Array]) -> Results:
    """z1, a1, z2, a2 ... and a0, in the order of the forward pass."""
    named = {"a0": a_s[0]}
    for number, (z, a) in enumerate(zip(z_s, a_s[1:], strict=True), 1):
        named |= {f"z{number}": z, f"a{number}": a}
    return named


def _without_biases(weights: list[Array], biases: list[Array], x: Array) -> Results:
    return _numbered(*forward(weights, [0 * b for b in biases], x))


def _linear_output(weights: list[Array], biases: list[Array], x: Array) -> Results:
    z_s, a_s = forward(weights, biases, x)
    return _numbered(z_s, [*a_s[:-1], z_s[-1]])


def _linear(weights: list[Array], biases: list[Array], x: Array) -> Results:
    return {"a1": affine(x, weights[0], biases[0])}


FORWARD = Task(
    "forward",
    ("z_s", "a_s"),
    {"z": "W·a + b, with the a of the layer before", "a": "σ(z) of the same layer", "a0": "x: a_s begins with it"},
    _forward_arguments,
    lambda weights, biases, x: _numbered(*forward(weights, biases, x)),
    (
        Mistake("the bias b is missing.", _without_biases),
        Mistake("this is z1 itself; a1 is σ(z1).", _linear),
        Mistake("this is z itself; the output is σ(z) too.", _linear_output),
    ),
)


def _hidden_arguments(rng: Rng, number: int) -> Arguments:
    if number == 0:
        z_s, a_s = forward(LESSON_WEIGHTS, LESSON_BIASES, LESSON_X)
        delta = bp1(a_s[-1] - LESSON_Y, slope(z_s[-1]))
        return {"w_next": LESSON_WEIGHTS[1], "delta_next": delta, "z": z_s[0]}
    fan_in, fan_out = 2 + number % 3, 1 + number % 4
    return {"w_next": draw(rng, fan_out, fan_in), "delta_next": draw(rng, fan_out, 1), "z": 2 * draw(rng, fan_in, 1)}


HIDDEN_ERROR = Task(
    "hidden_error",
    ("delta",),
    {"delta": "Wᵀ·δ_next ⊙ σ'(z), with the W and δ of the layer after it"},
    _hidden_arguments,
    _hidden_error,
    (
        Mistake(
            "this is Wᵀ·δ_next, the error that arrives; the gate σ'(z) is missing.",
            lambda w_next, delta_next, z: {"delta": propagate(delta_next, w_next)},
        ),
        Mistake(
            "this is the gate σ'(z) alone; it multiplies Wᵀ·δ_next.",
            lambda w_next, delta_next, z: {"delta": slope(z)},
        ),
    ),
    fitted_factor(_hidden_error),
)


def their_hidden_error(answers: Answers) -> Backprop:
    """A network of two layers that uses their BP2."""

    def sample(weights: list[Array], biases: list[Array], x: Array, y: Array) -> Gradients:
        z_s, a_s = forward(weights, biases, x)
        last = bp1(a_s[-1] - y, slope(z_s[-1]))
        arguments = {"w_next": weights[1], "delta_next": last, "z": z_s[0]}
        first = np.asarray(answers.call("hidden_error", arguments))
        return [first @ x.T, last @ a_s[1].T], [first, last]

    return mean_of_samples(sample)
