"""Is my own backpropagation right? Compares it with ours and names what is wrong, and in which equation.

Nothing is guessed: a fault is named only where our own program with that one mistake gives exactly their numbers. Where
no known mistake does, the report says which equation differs from ours first, and by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidate import Candidate, CandidateError
from glassnet.check.class_checks import class_faults
from glassnet.check.comparison import Comparison, compare_gradients, is_same
from glassnet.check.fault import Fault
from glassnet.check.square import run_faults
from glassnet.check.trial import FLOAT32_TOLERANCE, Trial
from glassnet.errors import ParameterError

BATCH_SIZES = (7, 11, 13, 5, 17, 19)  # one that no layer has as its width, so that a wrong axis shows in the shape


class BackpropReport(NamedTuple):
    """What is wrong with a backpropagation: `faults`, each with its equation; `ok` where there is none.

    `notes` are sentences about what differs from ours and is right all the same. Printed, it is one line per fault, or
    "no fault found", and one per note.
    """

    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def __str__(self) -> str:
        lines = [*map(str, self.faults)] or ["no fault found"]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


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
    faults, notes = _gradient_faults(candidate, trial)
    if candidate.is_class:
        faults += class_faults(candidate, trial, bool(faults))
    elif not faults:
        try:
            faults += _state_faults(candidate, trial)
        except CandidateError as error:
            faults.append(Fault(error.equation, f"called again, {error}."))
    return BackpropReport(tuple(dict.fromkeys(faults)), tuple(notes))


def _gradient_faults(candidate: Candidate, trial: Trial) -> Comparison:
    """The faults of the gradient, or that it cannot be run with these widths and what explains that."""
    try:
        return compare_gradients(candidate, trial)
    except CandidateError as error:
        return Comparison(run_faults(candidate, trial, error), [])


def _state_faults(candidate: Candidate, trial: Trial) -> list[Fault]:
    """A function must return the same again, whatever was passed in between, and leave its arguments unchanged."""
    other = trial.variant(trial.widths, trial.m, seed=1)
    changed = candidate.changed_arguments(*trial.parameters, trial.x, trial.y)
    if changed:
        names = " and ".join(changed)
        return [Fault("run", f"it changes the {names} that it is given; it must only compute dw and db.")]
    calls = []
    for one in (trial, other, trial):
        calls.append(np.concatenate([part.ravel() for part in candidate.answer(one).dw]))
    if is_same(calls[0], calls[2]):
        return []
    added = np.concatenate([part.ravel() for part in trial.gradients[0]])
    if np.allclose(calls[2] - calls[1], added, rtol=FLOAT32_TOLERANCE, atol=1e-6):
        return [Fault("BP4", "the gradients of earlier calls are added: dw and db are not set to 0 for each batch.")]
    sentence = "a second call with the same arguments returns other numbers: some state is kept between calls."
    return [Fault("BP4", sentence)]
