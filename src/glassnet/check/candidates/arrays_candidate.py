"""A person's backpropagation behind arrays: set the weights, make one step, and see what it did to them.

The gradient is (before − after)/lr, or it is read where their code keeps it.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidates.answer import given_shapes
from glassnet.check.candidates.array_references import ArrayReference, LayerReferences, each, restored
from glassnet.check.candidates.candidate import Candidate
from glassnet.check.candidates.candidate_error import CandidateError, quiet
from glassnet.check.candidates.conventions import FOLDED, Conventions
from glassnet.check.candidates.reading import Reading
from glassnet.check.candidates.return_forms import Form, Shapes, fit, forms
from glassnet.check.trial import Trial
from glassnet.errors import ParameterError
from glassnet.program.parameters import Array

BY_STEP = "by what a step changes"  # the order of a gradient that was not returned or kept
NOTHING_CHANGED = (
    "nothing happens: the step leaves every weight as it was; let it make one update, or say with grads= where its "
    "gradients are"
)
NO_GRADIENT_DESCENT = (
    "every weight moves by the same amount, as in the first step of Adam or Rprop, which tells only the signs of the "
    "gradient; use plain gradient descent, or say with grads= where the gradients are"
)


class Attached(NamedTuple):
    """Arrays that are ready for a step: where they are, what makes the step, its rate, and where gradients are read."""

    parameters: list[LayerReferences]
    step: Callable[[Any, Any], Any]
    lr: float = 1.0
    gradients: Callable[[], list[LayerReferences] | None] = lambda: None
    may_return: bool = False  # whether what the step returns can be the gradient


class ArraysCandidate(Candidate):
    """Arrays and a step that works on them."""

    @abstractmethod
    def attach(self, trial: Trial, samples: int) -> Attached:
        """Arrays and a step for a network of these widths, for so many samples at once."""

    def rate(self, trial: Trial) -> float:
        """The learning rate of the step."""
        return self.attach(trial, trial.m).lr

    def rate_of_steps(self, trial: Trial) -> float:
        """The learning rate by which the change of the arrays was divided; 1 where the gradient was read."""
        return self.rate(trial) if self.order == BY_STEP else 1.0

    def readings(self, trial: Trial) -> list[Reading]:
        """The readings that fit the shapes of their arrays."""
        layers = self.attach(trial, trial.m).parameters
        orientations = weight_orientations(layers, trial.widths, self.conventions)
        shape = bias_shape(layers)
        possible = [one for one in super().readings(trial) if one.weights in orientations and not one.bare]
        references = {one.biases for one in possible}
        if shape in references and self.conventions.separate_biases:
            possible = [one for one in possible if one.biases == shape]
        return sorted(possible, key=lambda one: one.samples != one.weights and one.samples != "flat")

    def call(self, reading: Reading, trial: Trial, x: Array, y: Array) -> list[Form]:
        """The gradient that one step shows."""
        attached = self.attach(trial, x.shape[1])
        with quiet():
            references = write(attached.parameters, reading, trial)
            before = [reference.read() for reference in references]
            result = attached.step(reading.give_x(x), reading.give_y(y))
            return _gradient(attached, before, result, given_shapes(reading, trial))

    def call_predict(self, reading: Reading, trial: Trial, predict: Any, x: Array) -> Any:
        """Their prediction for x, once their arrays have the weights of the trial: `predict` takes x alone."""
        attached = self.attach(trial, x.shape[1])
        with quiet():
            write(attached.parameters, reading, trial)
            return predict(reading.give_x(x))


def write(layers: list[LayerReferences], reading: Reading, trial: Trial) -> list[ArrayReference]:
    """Set their arrays to the weights and biases of a trial; return the places of all, weights first."""
    weights, biases = trial.parameters
    references, numbers = each(layers), [*reading.give_weights(weights, biases), *reading.give_biases(biases)]
    for reference, array in zip(references, numbers, strict=True):
        reference.write(array)
    return references


def _gradient(attached: Attached, before: list[Array], result: Any, shapes: Shapes) -> list[Form]:
    """What a step shows: the change of the arrays, what it returns, or the gradients it keeps."""
    references = each(attached.parameters)
    if (gradients := attached.gradients()) is not None and not attached.may_return:
        return [_form([reference.read() for reference in each(gradients)], shapes)]
    after = [reference.read() for reference in references]
    steps = [(old.astype(np.float64) - new) / attached.lr for old, new in zip(before, after, strict=True)]
    if any(step.any() for step in steps):
        sizes = np.concatenate([np.abs(step).ravel() for step in steps])
        if sizes.size > 2 and sizes.min() > 0 and sizes.max() < 1.001 * sizes.min():
            raise CandidateError(NO_GRADIENT_DESCENT)
        return [
            _form(
                [
                    step.astype(old.dtype if old.dtype.kind == "f" else float)
                    for step, old in zip(steps, before, strict=True)
                ],
                shapes,
                BY_STEP,
            )
        ]
    if attached.may_return and result is not None and not _holds(result, after, shapes):
        try:
            returned = forms(result, shapes)
        except CandidateError:
            returned = []
            if gradients is None:
                raise
        if returned and (gradients is None or fit(returned[0], shapes) == len(references)):
            return returned
    if gradients is not None:
        return [_form([reference.read() for reference in each(gradients)], shapes)]
    raise CandidateError(NOTHING_CHANGED)


def _holds(result: Any, after: list[Array], shapes: Shapes) -> bool:
    """Whether what a step returned is the object with the weights, such as self, and no gradient."""
    with contextlib.suppress(CandidateError):
        first = forms(result, shapes)[0]
        arrays = [*first.dw, *first.db]
        return len(arrays) == len(after) and all(map(np.array_equal, arrays, after))
    return False


def _form(arrays: list[Array], shapes: Shapes, order: str = "by name") -> Form:
    """The gradient of arrays in the order of `each`; a vector that stands for a matrix of one column becomes one."""
    expected = [*shapes.weights, *shapes.biases]
    parts = [
        part.reshape(shape) if part.ndim == 1 and part.size == np.prod(shape) else part
        for part, shape in zip(arrays, expected, strict=True)
    ]
    return Form(order, parts[: shapes.layers], parts[shapes.layers :])


def weight_orientations(layers: list[LayerReferences], widths: list[int], conventions: Conventions) -> list[str]:
    """The orientations that the shapes of all weights allow. Raises ParameterError where they allow none."""
    extra = int(conventions.biases in FOLDED)
    pairs = list(zip(widths[1:], [width + extra for width in widths[:-1]], strict=True))
    if len(layers) != len(pairs):
        raise ParameterError(f"parameters has {len(layers)} entries, but layers {widths} has {len(pairs)} weights.")
    orientations = ["columns", "rows"]
    for layer, (fan_out, fan_in) in zip(layers, pairs, strict=True):
        shape = np.shape(layer.weight.get())
        fits = {"columns": (fan_out, fan_in), "rows": (fan_in, fan_out)}
        if len(shape) != 1 or shape[0] != fan_out * fan_in:
            orientations = [name for name in orientations if shape == fits[name]]
        if not orientations:
            raise ParameterError(
                f"{layer.weight.label} has shape {shape}; layers {widths} need {fits['rows']}, or {fits['columns']}, "
                "the same way round in every layer."
            )
        _check_bias(layer.bias, fan_out)
    return orientations


def _check_bias(reference: ArrayReference | None, fan_out: int) -> None:
    if reference is not None and np.size(reference.get()) != fan_out:
        raise ParameterError(
            f"{reference.label} has shape {np.shape(reference.get())}, but its layer has {fan_out} neurons."
        )


def bias_shape(layers: list[LayerReferences]) -> str:
    """Which shape their biases have, by the layer of the most neurons."""
    references = [layer.bias for layer in layers if layer.bias is not None]
    if not references:
        return "none"
    shape = max((np.shape(reference.get()) for reference in references), key=lambda one: int(np.prod(one)))
    return "flat" if len(shape) < 2 else "row" if shape[0] == 1 else "column"


class DeclaredCandidate(ArraysCandidate):
    """Arrays that a person names, and the step they wrote."""

    def __init__(
        self,
        parameters: list[LayerReferences],
        step: Callable[[Any, Any], Any],
        lr: float,
        grads: list[LayerReferences] | None,
        conventions: Conventions,
    ) -> None:
        super().__init__(conventions)
        self.attached = Attached(parameters, step, lr, lambda: grads)
        self.has_fixed_widths = True

    def restored(self) -> AbstractContextManager[None]:
        """Their weights are put back at the end."""
        return restored(self.attached.parameters)

    def attach(self, trial: Trial, samples: int) -> Attached:
        """The same arrays and step every time."""
        return self.attached
