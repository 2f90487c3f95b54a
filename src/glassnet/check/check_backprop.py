"""Is my own backpropagation right? Compares it with ours and names what is wrong, and in which equation.

Nothing is guessed: a fault is named only where our own program with that one mistake gives exactly their numbers. Where
no known mistake does, the report says which equation differs from ours first, and by how much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidates.arrays_candidate import ArraysCandidate
from glassnet.check.candidates.article_candidate import ArticleCandidate
from glassnet.check.candidates.candidate import Candidate, CandidateError
from glassnet.check.candidates.candidate_kinds import Code, candidate_of
from glassnet.check.candidates.conventions import Conventions
from glassnet.check.candidates.function_candidate import FunctionCandidate
from glassnet.check.candidates.object_candidate import ObjectCandidate
from glassnet.check.class_checks import class_faults
from glassnet.check.comparison import RIGHT_ERROR, Comparison, compare_gradients
from glassnet.check.forward_check import forward_faults
from glassnet.check.hints import NO_KNOWN_MISTAKE, hint
from glassnet.check.mistakes.fault import Fault
from glassnet.check.misunderstandings import mixed_samples, new_weights, other_cost
from glassnet.check.square import run_faults
from glassnet.check.trial import FLOAT32_TOLERANCE, Trial
from glassnet.check.update_check import update_findings
from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.result_html import lines_html

BATCH_SIZES = (7, 11, 13, 5, 17, 19)  # one that no layer has as its width, so that a wrong axis shows in the shape
FIRST_STEP_ONLY = "a second step from the same weights differs (momentum, random numbers): only the first is compared."
MOMENTUM = "momentum is inside"  # how the sentence of that fault begins


class BackpropReport(NamedTuple):
    """The result of check_backprop: `faults`, each with its equation; `ok` is True if there are none.

    `notes` are sentences about what differs from glassnet but is correct. Printed, the report has one line per fault,
    or "no fault found", and one line per note.
    """

    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no fault was found."""
        return not self.faults

    def __str__(self) -> str:
        lines = [*map(str, self.faults)] or ["no fault found"]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return lines_html(self)


def check_backprop(
    mine: Any = None,
    layers: Sequence[int] | None = None,
    activations: Any = None,
    cost: Any = "quadratic",
    *,
    parameters: Sequence[Any] | None = None,
    step: Callable[[Any, Any], Any] | None = None,
    lr: float = 1.0,
    grads: Sequence[Any] | None = None,
    rows: bool | None = None,
    biases: bool | str = True,
    one_sample: bool = False,
    labels: bool = False,
    predict: Any = None,
) -> BackpropReport:
    """Compare your own backpropagation with glassnet's and name its faults.

    Pass `mine` if your code returns the gradient, or `parameters` and `step` if it only updates the weights.

    Parameters
    ----------
    mine : a function (weights, biases, x, y) -> (dw, db), or one with other arguments, recognised by their names, such
        as (X, Y, params) or (W1, b1, W2, b2, x, y). It may return lists, a dict, pairs, dW1, db1, dW2, db2 or one
        vector, each also together with the loss. Or a class or object with the article's methods (feedforward,
        backpropagation, train), with backprop(x, y), or with forward and one of backward, fit and train; methods that
        make an update are called with lr=0.3
    layers, activations, cost : the network to try it on, as for glassnet.NeuralNetwork
    parameters, step, lr, grads : (owner, weight, bias) of each layer, such as (net, "W1", "b1"): an attribute or key of
        an object, dict or list, or arrays (W, b); step(x, y) makes one update with the rate lr. The gradient is (before
        − after)/lr, or is read from `grads`, given in the same form as `parameters`. The weights are restored at the
        end
    rows : True: samples are rows, x (batch, fan_in); False: columns; None: whichever fits, and the report says which
    biases : False: there are none; "first" or "last": they are this column of W (fan_out, fan_in + 1); with samples as
        rows, this row
    one_sample : the code takes one sample at a time; its gradients are averaged
    labels : y holds class numbers (batch,)
    predict : (weights, biases, x) -> a of the output, to distinguish a wrong forward pass from a wrong gradient; with
        `parameters` a function of x, for a class the name of a method

    dw and db have one array per layer, the gradient of C: means over the batch. Your code is called many times with
    random numbers, never with your data. Raises ParameterError or ParameterTypeError if it cannot be called; the
    message shows an adapter to write.
    """
    _check_layers(layers)
    assert layers is not None
    conventions = Conventions(rows, biases, one_sample, labels)
    conventions.check()
    trial = _trial(layers, activations, cost, conventions)
    named = isinstance(activations, (list, tuple))  # as they were written, for a class that takes them
    names = activations if named else [dense.activation.name for dense in trial.network.architecture.dense]
    candidate = candidate_of(Code(mine, parameters, step, lr, grads), names, conventions)
    if candidate.conventions.biases != biases:
        trial = _trial(layers, activations, cost, candidate.conventions)
    with candidate.restored():
        return _report(candidate, trial, predict)


def _check_layers(layers: Any) -> None:
    """Raise where `layers` is not a list of two widths or more."""
    if layers is None:
        raise ParameterTypeError("layers is missing: the widths of the network to try it on, such as [2, 3, 1].")
    if not all(isinstance(width, (int, np.integer)) and not isinstance(width, bool) for width in layers):
        raise ParameterError(f"layers is {list(layers)!r}; the check takes only widths, such as [2, 3, 1].")


def _trial(layers: Sequence[int], activations: Any, cost: Any, conventions: Conventions) -> Trial:
    """The network and the batch on which they are compared."""
    m = next(m for m in BATCH_SIZES if m not in layers and m - 1 not in layers)
    options = {"has_biases": conventions.biases is not False, "labels": conventions.labels}
    trial = Trial(layers, activations, cost, m, **options)
    if conventions.labels and len(trial.network.architecture.groups) > 1:
        raise ParameterError("labels=True means one class number per sample, but the softmax has several groups.")
    return trial


def _report(candidate: Candidate, trial: Trial, predict: Any) -> BackpropReport:
    """Everything that is found."""
    forward = [] if predict is None else forward_faults(candidate, trial, predict)
    faults, notes = _gradient_faults(candidate, trial)
    if isinstance(candidate, ArraysCandidate):  # a step may have momentum, a gradient may not
        notes += [fault.sentence for fault in faults if fault.sentence.startswith(MOMENTUM)]
        faults = [fault for fault in faults if not fault.sentence.startswith(MOMENTUM)]
    if isinstance(candidate, ArticleCandidate):
        faults += class_faults(candidate, trial, bool(faults))
    elif not faults:
        try:
            faults += _state_faults(candidate, trial, notes)
        except CandidateError as error:
            faults.append(Fault(error.equation, f"called again, {error}."))
    if isinstance(candidate, ObjectCandidate) and not faults:
        update = update_findings(candidate, trial)
        faults, notes = update.faults, [*notes, *update.notes]
    if forward:  # what cannot be explained follows from it, and a named mistake of the forward pass says more
        faults = [fault for fault in faults if NO_KNOWN_MISTAKE not in fault.sentence]
        forward = [] if any(fault.equation == "forward" for fault in faults) else forward
    if candidate.conventions.one_sample and not faults:
        notes += mixed_samples(candidate, trial)
    notes = list(dict.fromkeys([*candidate.notes(), *notes, *other_cost(faults, trial)]))
    return BackpropReport(tuple(dict.fromkeys([*forward, *faults])), tuple(notes))


def _gradient_faults(candidate: Candidate, trial: Trial) -> Comparison:
    """The faults of the gradient, or the argument under which it has none, or that it cannot be run, and why."""
    try:
        comparison = compare_gradients(candidate, trial)
    except CandidateError as error:
        hinted = hint(candidate, trial, has_run=False)
        return Comparison(run_faults(candidate, trial, error) if hinted is None else [hinted], [])
    if (comparison.faults or comparison.notes) and (returned := new_weights(candidate, trial)) is not None:
        return Comparison([returned], [])
    if comparison.faults and all(map(_is_unlocated, comparison.faults)):
        hinted = hint(candidate, trial, has_run=True)
        return comparison if hinted is None else Comparison([hinted], [])
    return comparison


def _is_unlocated(fault: Fault) -> bool:
    """Whether nothing is known of a fault, so that another way to call the code may be the reason."""
    return NO_KNOWN_MISTAKE in fault.sentence and RIGHT_ERROR not in fault.sentence


def _state_faults(candidate: Candidate, trial: Trial, notes: list[str]) -> list[Fault]:
    """A function must return the same again, whatever was passed in between, and leave its arguments unchanged."""
    other = trial.variant(trial.widths, trial.m, seed=1)
    changed = candidate.changed_arguments(trial) if isinstance(candidate, FunctionCandidate) else []
    if changed:
        names = " and ".join(changed)
        return [Fault("run", f"it changes the {names} that it is given; it must only compute dw and db.")]
    if isinstance(candidate, ObjectCandidate):
        candidate.kept = candidate.create(trial.widths)
    answers = [candidate.answer(one) for one in (trial, other, trial)]
    calls = [np.concatenate([part.ravel() for part in answer.dw]) for answer in answers]
    tolerance = 1e-4 if answers[0].is_float32 else 1e-7
    if np.abs(calls[0] - calls[2]).max() <= tolerance * np.abs(calls[0]).max():
        return []
    added = np.concatenate([part.ravel() for part in trial.gradients[0]])
    if np.allclose(calls[2] - calls[1], added, rtol=FLOAT32_TOLERANCE, atol=1e-6):
        return [Fault("BP4", "the gradients of earlier calls are added: dw and db are not set to 0 for each batch.")]
    if isinstance(candidate, ArraysCandidate):
        if not any(MOMENTUM in note for note in notes):
            notes.append(FIRST_STEP_ONLY)
        return []
    sentence = "a second call with the same arguments returns other numbers: some state is kept between calls."
    return [Fault("BP4", sentence)]
