"""A person's class or object with an interface of its own: the usual methods are called as their arguments say.

A method that returns gradients, a forward pass with a backward pass, or one step of fit or train: whichever it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from glassnet.check.candidates.array_references import LayerReferences, each, in_ranges
from glassnet.check.candidates.array_search import attributes, find_gradients, find_parameters
from glassnet.check.candidates.arrays_candidate import ArraysCandidate, Attached, write
from glassnet.check.candidates.candidate_error import CandidateError, quiet
from glassnet.check.candidates.conventions import Conventions
from glassnet.check.candidates.object_calls import RATE, construct, resolved, takes_rate
from glassnet.check.candidates.reading import Reading
from glassnet.check.trial import Trial
from glassnet.errors import ParameterError, ParameterTypeError, suggestion
from glassnet.program.parameters import Array

FORWARD = (
    "forward",
    "feedforward",
    "feed_forward",
    "forward_pass",
    "forward_propagation",
    "forward_prop",
    "forwardprop",
)
BACKWARD = (
    *("backprop", "back_prop", "backpropagation", "back_propagation", "backpropagate", "backward", "backward_pass"),
    *(
        "backward_propagation",
        "backward_prop",
        "gradients",
        "gradient",
        "compute_gradients",
        "compute_grads",
        "grads",
        "loss",
    ),
)
UPDATE = (
    "update_mini_batch",
    "train_step",
    "train_on_batch",
    "step",
    "fit",
    "train",
    "partial_fit",
    "train_batch",
    "sgd",
    "SGD",
)
RATE_NAMES = ("lr", "learning_rate", "eta", "alpha", "rate", "l_rate", "learningrate")


class ObjectCandidate(ArraysCandidate):
    """A new object of their class, or a copy of the one passed, for every call."""

    def __init__(
        self, mine: Any, activations: Sequence[Any], conventions: Conventions, *, methods: Sequence[str] = ()
    ) -> None:
        super().__init__(conventions)
        self.mine, self.activations = mine, list(activations)
        self.methods = list(methods) or [name for name in (*BACKWARD, *UPDATE) if callable(getattr(mine, name, None))]
        self.kept: Any = None  # one object for several calls, where it is asked what it remembers
        self.method, self.description, self.has_fixed_widths = "", "", not isinstance(mine, type)

    def notes(self) -> list[str]:
        """What is called, and where the weights were found."""
        return [f"{self.description}.", *super().notes()] if self.description else super().notes()

    def choose(self, trial: Trial) -> None:
        """Take the first method that shows a gradient, in the reading that fits best."""
        if self.reading is not None:
            return
        first: tuple[str, Reading | None, CandidateError] | None = None
        for method in self._callable_methods(trial):
            self.method = method
            try:
                super().choose(trial)
            except CandidateError as error:
                first = first or (method, self.reading, error)
                self.reading = None
            else:
                return
        assert first is not None
        self.method, self.reading = first[:2]
        raise first[2]

    def can_call(self, trial: Trial) -> bool:
        """Whether the arguments of one of its methods say how it is called."""
        instance = self.create(trial.widths)
        return any(bound_step(instance, name, trial.m) is not None for name in self.methods)

    def _callable_methods(self, trial: Trial) -> list[str]:
        """The methods whose arguments say how they are called. Raises ParameterTypeError where there is none."""
        instance = self.create(trial.widths)
        methods = [name for name in self.methods if bound_step(instance, name, trial.m) is not None]
        if not methods:
            reason = "none of its methods can be called with x and y alone"
            raise ParameterTypeError(refusal(self.mine, self.methods, reason))
        return methods

    def create(self, widths: list[int]) -> Any:
        """An instance of their class, or a copy of the one that was passed."""
        if not isinstance(self.mine, type):
            with quiet():
                return deepcopy(self.mine)
        arguments = construct(self.mine, widths, self.activations)
        if arguments is None:
            raise ParameterTypeError(
                refusal(self.mine, self.methods, "what its arguments are is not clear from their names")
            )
        with quiet():
            return self.mine(**arguments)

    def attach(self, trial: Trial, samples: int) -> Attached:
        """A new object with its arrays and its method, with our learning rate."""
        instance = self.create(trial.widths) if self.kept is None else self.kept
        references = self._places(instance, trial.widths)
        step = bound_step(instance, self.method, samples)
        assert step is not None
        names = in_ranges([reference.label for reference in each(references)])
        one = " for one sample at a time" if self.conventions.one_sample else ""
        self.description = f"it is checked by its {self.method}{one}; its parameters are {names}"
        layers = len(trial.widths) - 1
        rate = RATE if self._set_rate(instance) else 1.0
        return Attached(references, step, rate, lambda: find_gradients(instance, layers), may_return=True)

    def _set_rate(self, instance: Any) -> bool:
        """Let the object step with our rate; False where it has one of its own that cannot be found."""
        names = [name for name in RATE_NAMES if isinstance(attributes(instance).get(name), (int, float))]
        for name in names:
            setattr(instance, name, RATE)
        calls = [getattr(instance, self.method), *([self.mine] if isinstance(self.mine, type) else [])]
        return bool(names) or any(map(takes_rate, calls))

    def _places(self, instance: Any, widths: list[int]) -> list[LayerReferences]:
        """The weights and biases of an object. Raises where they are not found, or not as they were declared."""
        references = find_parameters(instance, widths)
        if references is None:
            reason = "its weights are not found under any of the usual names"
            raise ParameterTypeError(refusal(self.mine, self.methods, reason))
        name, have = type(instance).__name__, all(layer.bias is not None for layer in references)
        if self.conventions.separate_biases and not have:
            raise ParameterError(
                f'{name} has no biases under any of the usual names; pass biases=False if there are none, "first" or '
                '"last" if they are folded into W.'
            )
        if have and not self.conventions.separate_biases:
            labels = [layer.bias.label for layer in references if layer.bias is not None]
            raise ParameterError(f"{name} has biases, {', '.join(labels)}; leave biases=True.")
        return references

    def call_predict(self, reading: Reading, trial: Trial, predict: Any, x: Array) -> Any:
        """Their prediction for x, by a method's name, or by a function of the object and x."""
        instance = self.create(trial.widths)
        references, call = self._places(instance, trial.widths), method_of(instance, predict)
        with quiet():
            write(references, reading, trial)
            return call(reading.give_x(x))


def method_of(instance: Any, predict: Any) -> Callable[[Any], Any]:
    """The method of this name, or a function of the object and x, as a function of x."""
    if not isinstance(predict, str):
        return lambda x: predict(instance, x)
    if not hasattr(instance, predict):
        known = [name for name in dir(instance) if not name.startswith("_")]
        raise ParameterError(
            f"predict: {type(instance).__name__} has no method {predict!r}. {suggestion(predict, known)}".rstrip()
        )
    method: Callable[[Any], Any] = getattr(instance, predict)
    return method


def bound_step(instance: Any, name: str, samples: int) -> Callable[[Any, Any], Any] | None:
    """A call of a method with x and y, after the forward pass where it is a backward one; None where it needs more."""
    method = getattr(instance, name)
    forward = next((getattr(instance, one) for one in FORWARD if callable(getattr(instance, one, None))), None)
    if name not in BACKWARD or forward is None:
        if resolved(method, _known(name, None, None, samples), positional=("x", "y")) is None:
            return None
        return lambda x, y: method(**_arguments(method, _known(name, x, y, samples), ("x", "y")))
    first: Callable[..., Any] = forward
    known = _known(name, None, None, samples) | _of_forward(None)
    if resolved(method, known, positional=("x", "y")) is None or resolved(first, {"x": 0}, positional=("x",)) is None:
        return None

    def step(x: Any, y: Any) -> Any:
        output = first(**_arguments(first, {"x": x}, ("x",)))
        return method(**_arguments(method, _known(name, x, y, samples) | _of_forward(output), ("x", "y")))

    return step


def _known(name: str, x: Any, y: Any, samples: int) -> dict[str, Any]:
    """What a method can be given, by meaning."""
    known = {"x": x, "y": y, "lr": RATE, "epochs": 1, "batch": samples, "quiet": False, "seed": 0}
    pairs = None if x is None else list(zip(split(x, samples), split(y, samples), strict=True))
    return known | {"mini_batch": pairs} | ({"batch": pairs} if name == "update_mini_batch" else {})


def _of_forward(output: Any) -> dict[str, Any]:
    """What a forward pass returned: the a of the output, and what it keeps for the way back."""
    if isinstance(output, tuple) and output:
        return {"output": output[0], "cache": output[-1]}
    return {"output": output, "cache": output}


def _arguments(method: Callable[..., Any], known: dict[str, Any], positional: tuple[str, ...]) -> dict[str, Any]:
    """The arguments of a method that can be called with what is known."""
    arguments = resolved(method, known, positional=positional)
    assert arguments is not None
    return arguments


def split(array: Any, samples: int) -> list[Any]:
    """The samples of x or y, one by one, each in the orientation of all."""
    if samples == 1:
        return [array]
    if array.ndim == 1:
        return list(array)
    return [array[:, [i]] if array.shape[1] == samples else array[[i]] for i in range(samples)]


def refusal(mine: Any, methods: Sequence[str], reason: str) -> str:
    """One sentence that says why a class cannot be used, and the lines with which it can."""
    name = mine.__name__ if isinstance(mine, type) else type(mine).__name__
    method = next((one for one in methods if one in UPDATE), methods[0] if methods else "fit")
    return (
        f"{name} cannot be checked as it is: {reason}; make one and say where its weights are, and what makes a step:\n"
        f"    net = {name}(...)\n"
        f'    check_backprop(parameters=[(net, "W1", "b1"), ...], layers=[...],\n'
        f"                   step=lambda x, y: net.{method}(x, y), lr=1.0)  # one update with the rate lr"
    )
