"""The gradient that a person's code returned, in our orientation, and how near it comes to ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidates.candidate_error import CandidateError
from glassnet.check.candidates.conventions import FOLDED
from glassnet.check.candidates.reading import Reading
from glassnet.check.candidates.return_forms import Form, Shape, Shapes, fit
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array

SAME_DIRECTION = 1e-6  # of 1 − cos² of two gradients that are multiples of each other


class Misfit(NamedTuple):
    """A db of the right size whose shape makes b − lr·db something else than b; `layer` counts from 0."""

    layer: int
    db: tuple[int, ...]
    b: tuple[int, ...]


class Answer(NamedTuple):
    """The gradient that their code returned: one float64 array per layer, samples as columns, in their shapes."""

    dw: list[Array]
    db: list[Array]
    is_float32: bool  # of lower precision than float64, so that only a coarse comparison is fair
    misfits: tuple[Misfit, ...] = ()


def given_shapes(reading: Reading, trial: Trial) -> Shapes:
    """The shapes of the weights and biases that their code gets."""
    weights, biases = trial.parameters
    given = reading.give_weights(weights, biases), reading.give_biases(biases)
    return Shapes(*([part.shape for part in parts] for parts in given))


def as_answer(form: Form, reading: Reading, trial: Trial) -> Answer:
    """The gradient in our orientation, with the biases taken out of W, or ours where there are none."""
    count = len(trial.network.weights)
    dw = as_arrays(form.dw, "dw", count, reading.take_weight)
    if reading.biases in FOLDED:
        pairs = [_unfolded(part, w.shape, reading.biases) for part, w in zip(dw, trial.network.weights, strict=True)]
        dw, db = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    elif reading.biases == "none":
        db = [part.copy() for part in trial.gradients[1]]
    else:
        db = as_arrays(form.db, "db", count, reading.take_bias)
    return Answer(dw, db, _is_float32(form.dw), _misfits(form.db, given_shapes(reading, trial).biases))


def _misfits(db: Any, shapes: list[Shape]) -> tuple[Misfit, ...]:
    """Where b − lr·db would be broadcast, for b of these shapes."""
    misfits = []
    for layer, (part, shape) in enumerate(zip(db, shapes, strict=False)):
        is_array = isinstance(part, np.ndarray) and part.size == np.prod(shape)
        if is_array and np.broadcast_shapes(part.shape, shape) not in (shape, part.shape):
            misfits.append(Misfit(layer, part.shape, shape))
    return tuple(misfits)


def _unfolded(part: Array, shape: tuple[int, ...], end: str) -> tuple[Array, Array]:
    """dW and db of a gradient of W whose first or last column is the bias."""
    fan_out, fan_in = shape
    if part.shape == (fan_in + 1, fan_out) and part.shape != (fan_out, fan_in + 1):
        dw, db = _unfolded(part.T, shape, end)
        return dw.T, db
    if part.shape != (fan_out, fan_in + 1):
        raise CandidateError(
            f"its dW has shape {part.shape}, where {(fan_out, fan_in + 1)} is expected: {fan_in} inputs and the bias",
            "BP4",
        )
    return (part[:, 1:], part[:, :1]) if end == "first" else (part[:, :-1], part[:, -1:])


def rank(answer: Answer, trial: Trial) -> tuple[float, float, int]:
    """How well an answer fits: infinitely where it is a multiple of ours; else how many arrays are, and the shapes."""
    ours = [part for parts in trial.gradients for part in parts]
    theirs = [*answer.dw, *answer.db]
    same: float = sum(_same_direction(p, q) for p, q in zip(theirs, ours, strict=True))
    shapes = Shapes(*([part.shape for part in parts] for parts in trial.gradients))
    fitting = fit(Form("", answer.dw, answer.db), shapes)
    if same == len(ours):
        flat = [np.concatenate([part.ravel() for part in parts]) for parts in (theirs, ours)]
        same = np.inf if _same_direction(*flat) else same
    return same, fitting, -len(answer.misfits)


def _same_direction(theirs: Array, ours: Array) -> bool:
    """Whether an array is a multiple of ours; a bias may have any shape of its size."""
    if theirs.size != ours.size or (theirs.shape != ours.shape and 1 not in ours.shape):
        return False
    p, q = theirs.ravel(), ours.ravel()
    with np.errstate(all="ignore"):
        norms = float(p @ p) * float(q @ q)
        return bool(norms > 0 and float(p @ q) ** 2 > (1 - SAME_DIRECTION) * norms)


def _is_float32(arrays: Any) -> bool:
    """Whether any of the arrays is of lower precision than float64."""
    try:
        return any(np.asarray(part).dtype in (np.float32, np.float16) for part in arrays)
    except ValueError:
        return False


def as_arrays(values: Any, name: str, count: int, take: Callable[[Any], Array]) -> list[Array]:
    """One float64 array per layer, oriented by `take`. Raises CandidateError where `values` is something else."""
    try:
        with np.errstate(all="ignore"):
            given = [take(part) for part in values]
            result = [np.asarray(part, np.float64) for part in given]
    except (TypeError, ValueError) as error:
        raise CandidateError(f"its {name} is not a list of arrays of numbers") from error
    if len(result) != count:
        raise CandidateError(f"its {name} has {len(result)} arrays, where one for each of {count} layers is expected")
    if all(part.dtype.kind in "iu" for part in given):
        raise CandidateError(f"its {name} contains only integers, which cut off fractions; return floats")
    return result
