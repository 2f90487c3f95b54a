"""Is my own backpropagation right? Compares it with ours and names what is wrong, and in which equation.

Nothing is guessed: a fault is named only where our own program with that one mistake gives exactly their numbers. Where
no known mistake does, the report says which equation differs from ours first, and by how much.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidate import Candidate, CandidateError, as_arrays
from glassnet.check.class_checks import class_faults
from glassnet.check.hypotheses import Fault, Gradients
from glassnet.check.search import first_difference, search
from glassnet.check.trial import FLOAT32_TOLERANCE, TOLERANCE, Trial
from glassnet.errors import ParameterError
from glassnet.program.parameters import Array

BATCH_SIZES = (7, 11, 13, 5, 17, 19)  # one that no layer has as its width, so that a wrong axis shows in the shape


class BackpropReport(NamedTuple):
    """What is wrong with a backpropagation: `faults`, each with its equation; `ok` where there is none.

    Printed, it is one sentence per fault, or "no fault found".
    """

    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults)) or "no fault found"


def check_backprop(
    mine: Any, layers: Sequence[int], activations: Any = None, cost: Any = "quadratic", *, rows: bool = False
) -> BackpropReport:
    """Compare a person's own backpropagation with ours and name its faults.

    Parameters
    ----------
    mine : a function (weights, biases, x, y) -> (dw, db), or a class (or object) with the article's interface:
        NeuralNetwork(layers, activations), weights, biases, feedforward(x) -> (z_s, a_s),
        backpropagation(y, z_s, a_s) -> (dw, db) and, if it has it, train(x, y, batch_size, epochs, lr)
    layers, activations, cost : the network to try it on, as for glassnet.NeuralNetwork
    rows : it takes and returns samples as rows: x (batch, fan_in), weights (fan_in, fan_out), biases (fan_out,)

    dw and db are one array per layer, the gradient of C: means over the batch. `mine` is called many times with random
    numbers, never with yours. Raises ParameterError or ParameterTypeError where the arguments cannot be used.
    """
    if not all(isinstance(width, (int, np.integer)) and not isinstance(width, bool) for width in layers):
        raise ParameterError(f"layers is {list(layers)!r}; the check takes only widths, such as [2, 3, 1].")
    batch = next(m for m in BATCH_SIZES if m not in layers)
    trial = Trial(layers, activations, cost, batch)
    if activations is None:
        activations = [dense.activation.name for dense in trial.network.architecture.dense]
    candidate = Candidate(mine, activations, rows)
    faults = _gradient_faults(candidate, trial)
    if candidate.is_class:
        faults += class_faults(candidate, trial, bool(faults))
    elif not faults:
        try:
            faults += _state_faults(candidate, trial)
        except CandidateError as error:
            faults.append(Fault(error.equation, f"called again, {error}."))
    return BackpropReport(tuple(dict.fromkeys(faults)))


def _gradient_faults(candidate: Candidate, trial: Trial) -> list[Fault]:
    """The faults of the gradient; where it cannot be run with these widths, those it has on a square network."""
    try:
        return compare_gradients(candidate, trial)
    except CandidateError as error:
        width, dense = max(2, min(5, max(trial.widths))), trial.network.architecture.dense
        faults: list[Fault] = []
        if not any(layer.activation.groups for layer in dense):  # groups fit only their own widths
            with contextlib.suppress(CandidateError):
                faults = compare_gradients(candidate, trial.variant([width] * len(trial.widths), width))
        return faults or [Fault(error.equation, f"{error}; layers were {trial.widths}, x {trial.x.shape}.")]


def compare_gradients(candidate: Candidate, trial: Trial) -> list[Fault]:
    """The faults of their gradient on one trial. Raises CandidateError where their code raises."""
    before = trial.parameters
    dw, db = candidate.gradients(trial.widths, *before, trial.x, trial.y)
    count = len(trial.network.weights)
    tolerance = FLOAT32_TOLERANCE if _is_float32(dw) else TOLERANCE
    returned = as_arrays(candidate, dw, "dw", count), as_arrays(candidate, db, "db", count)
    faults, theirs = _match_shapes(trial, returned, tolerance)
    if not all(np.isfinite(part).all() for part in (*theirs[0], *theirs[1])):
        return [*faults, Fault("run", "its gradients are not finite.")]
    known = search(trial, theirs, tolerance)
    if known is None:
        again = as_arrays(candidate, candidate.gradients(trial.widths, *before, trial.x, trial.y)[0], "dw", count)
        if not all(map(_is_same, again, returned[0])):
            return [*faults, Fault("run", "it returns other numbers when it is called again with the same data.")]
        known = (first_difference(trial.gradients, theirs, tolerance),)
    return [*faults, *known]


def _is_float32(arrays: Any) -> bool:
    """Whether any of the arrays is of lower precision than float64."""
    try:
        return any(np.asarray(part).dtype in (np.float32, np.float16) for part in arrays)
    except ValueError:
        return False


def _match_shapes(trial: Trial, theirs: Gradients, tolerance: float) -> tuple[list[Fault], Gradients]:
    """The faults that the shapes show, and their arrays in our shapes. Raises CandidateError for impossible shapes."""
    dw, db = list(theirs[0]), list(theirs[1])
    shapes = [w.shape for w in trial.network.weights]
    faults: list[Fault] = []

    def fit(parts: list[Array]) -> bool:
        return [part.shape for part in parts] == shapes

    if not fit(dw) and fit(db):
        dw, db = db, dw
        faults.append(Fault("run", "dw and db are swapped: return dw first, then db."))
    if not fit(dw) and fit(dw[::-1]):
        dw, db = dw[::-1], db[::-1]
        faults.append(Fault("BP4", "dw and db are in backward order: the last layer comes first."))
    if not fit(dw) and fit([part.T for part in dw]):
        dw = [part.T for part in dw]
        faults.append(Fault("BP4", "dW is transposed: a·δᵀ instead of δ·aᵀ."))
    for number, (part, shape) in enumerate(zip(dw, shapes, strict=True)):
        if part.shape != shape:
            raise CandidateError(f"its dw[{number}] has shape {part.shape}, where {shape} is expected", "BP4")
    for number, part in enumerate(db):
        if part.size == shapes[number][0]:
            db[number] = part.reshape(-1, 1)
            continue
        faults.append(_bias_fault(trial, number, part, tolerance))
        db = trial.gradients[1]
        break
    return faults, (dw, db)


def _bias_fault(trial: Trial, number: int, part: Array, tolerance: float) -> Fault:
    """What the shape of a db says about the mistake."""
    delta, width = trial.prepared.executor.columns(f"delta{number + 1}"), trial.widths[number + 1]
    if part.size == 1:
        return Fault("BP3", f"db[{number}] is one number for all {width} neurons; sum over the samples only (axis 1).")
    if part.size == trial.m:
        sentence = "db is summed over the wrong axis: over neurons, not over samples (axis 0 instead of axis 1)."
        return Fault("BP3", sentence)
    if part.shape == delta.shape:
        return Fault("BP3", f"db[{number}] is δ itself, {part.shape}; return its mean over the samples.")
    return Fault("BP3", f"db[{number}] has shape {part.shape}; ({width}, 1) is expected.")


def _state_faults(candidate: Candidate, trial: Trial) -> list[Fault]:
    """A function must return the same again, whatever was passed in between, and leave its arguments unchanged."""
    other = trial.variant(trial.widths, trial.m, seed=1)
    changed = candidate.changed_arguments(*trial.parameters, trial.x, trial.y)
    if changed:
        names = " and ".join(changed)
        return [Fault("run", f"it changes the {names} that it is given; it must only compute dw and db.")]
    calls = []
    for one in (trial, other, trial):
        dw, _ = candidate.gradients(one.widths, *one.parameters, one.x, one.y)
        calls.append(np.concatenate([part.ravel() for part in as_arrays(candidate, dw, "dw", len(one.widths) - 1)]))
    if _is_same(calls[0], calls[2]):
        return []
    added = np.concatenate([part.ravel() for part in trial.gradients[0]])
    if np.allclose(calls[2] - calls[1], added, rtol=FLOAT32_TOLERANCE, atol=1e-6):
        return [Fault("BP4", "the gradients of earlier calls are added: dw and db are not set to 0 for each batch.")]
    sentence = "a second call with the same arguments returns other numbers: some state is kept between calls."
    return [Fault("BP4", sentence)]


def _is_same(one: Array, other: Array) -> bool:
    """Whether two calls returned the same, up to the rounding of products whose arrays lie elsewhere in memory."""
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-9, atol=1e-12)
