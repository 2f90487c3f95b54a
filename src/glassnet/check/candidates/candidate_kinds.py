"""Which way leads into a person's code: a function, a class of the article's or another interface, or named arrays."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

from glassnet.check.candidates.array_references import declared_references
from glassnet.check.candidates.arrays_candidate import DeclaredCandidate
from glassnet.check.candidates.article_candidate import METHODS, ArticleCandidate
from glassnet.check.candidates.candidate import Candidate
from glassnet.check.candidates.conventions import Conventions
from glassnet.check.candidates.function_candidate import FunctionCandidate
from glassnet.check.candidates.object_candidate import BACKWARD, UPDATE, ObjectCandidate, refusal
from glassnet.errors import ParameterError, ParameterTypeError


class Code(NamedTuple):
    """What a person passed: `mine`, or `parameters` with a `step` of rate `lr` and perhaps `grads`."""

    mine: Any = None
    parameters: Any = None
    step: Any = None
    lr: float = 1.0
    grads: Any = None

    def check(self) -> None:
        """Raise where both doors are used, or neither, or half of one."""
        if (self.mine is None) == (self.parameters is None):
            ways = "mine, a function or class, or parameters=[(owner, weight, bias), ...] with step="
            raise ParameterTypeError(f"pass {ways}; {'not both' if self.mine is not None else 'both are missing'}.")
        if self.parameters is None and (self.step is not None or self.grads is not None or self.lr != 1):
            raise ParameterTypeError(
                "step, lr and grads belong to parameters=[(owner, weight, bias), ...]; mine is called by itself."
            )
        if self.parameters is not None and not callable(self.step):
            raise ParameterTypeError(f"step must be a function of (x, y) that makes one update, not {self.step!r:.60}.")
        if not isinstance(self.lr, (int, float)) or not self.lr > 0:
            raise ParameterError(f"lr is {self.lr!r}; it must be the positive learning rate with which step updates.")


def candidate_of(code: Code, activations: Sequence[Any], conventions: Conventions) -> Candidate:
    """Their code as a candidate. Raises ParameterError or ParameterTypeError where it cannot be used."""
    code.check()
    if code.parameters is not None:
        return _declared(code, conventions)
    mine = code.mine
    if isinstance(mine, ModuleType):
        raise ParameterTypeError(
            f"mine is the module {mine.__name__}; pass one of its functions or classes, or, if it keeps its weights "
            f'itself, parameters=[({mine.__name__}, "W1", "b1"), ...] with step=.'
        )
    if is_article(mine):
        return ArticleCandidate(mine, activations, conventions)
    methods = [name for name in (*BACKWARD, *UPDATE) if callable(getattr(mine, name, None))]
    if methods:
        if hasattr(mine, "update_mini_batch"):  # its backprop takes one sample
            conventions = conventions._replace(one_sample=True)
        return ObjectCandidate(mine, activations, conventions)
    if isinstance(mine, type):
        known = "feedforward with backpropagation, backprop, forward with backward, fit or train"
        raise ParameterTypeError(refusal(mine, [], f"it has none of the methods that are known ({known})"))
    if not callable(mine):
        raise ParameterTypeError(
            "mine must be a function (weights, biases, x, y) -> (dw, db), or a class or object such as one with "
            f"feedforward and backpropagation, not {mine!r:.100}."
        )
    return FunctionCandidate(mine, conventions, len(activations))


def is_article(mine: Any) -> bool:
    """Whether it has feedforward(x) and a backpropagation(y, z_s, a_s) of three arguments."""
    if not all(callable(getattr(mine, name, None)) for name in METHODS):
        return False
    try:
        parameters = inspect.signature(mine.backpropagation).parameters.values()
    except (TypeError, ValueError):
        return True
    required = [one for one in parameters if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    return len(required) - isinstance(mine, type) in (0, 3) or any(one.kind is one.VAR_POSITIONAL for one in parameters)


def _declared(code: Code, conventions: Conventions) -> DeclaredCandidate:
    """The arrays that `parameters` names; without any bias, there is none to check."""
    references = declared_references(code.parameters)
    without = [number for number, layer in enumerate(references) if layer.bias is None]
    if conventions.separate_biases and len(without) == len(references):
        conventions = conventions._replace(biases=False)
    if conventions.separate_biases and without:
        raise ParameterError(
            f"parameters[{without[0]}] names no bias, but others do; name the biases of all layers or of none."
        )
    if not conventions.separate_biases and len(without) < len(references):
        raise ParameterError(f"biases={conventions.biases!r} says that no bias is separate, but parameters names some.")
    grads = None if code.grads is None else declared_references(code.grads, "grads", exist=False)
    return DeclaredCandidate(references, code.step, float(code.lr), grads, conventions)
