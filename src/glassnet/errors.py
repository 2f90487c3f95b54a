"""The exceptions of glassnet; each is also the built-in ValueError, TypeError or ArithmeticError that callers expect.

A message is one sentence: what was wrong, where, and what to do.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


# They move the cursor, colour the screen, hide text or turn its direction: C0 but for tab and line feed, C1, marks of
# direction, separators of lines, and halves of surrogate pairs, which cannot be printed at all.
CONTROL_CODES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)


def printable(text: str) -> str:
    """The text with every control code as its number, as JSON writes it: names and cells may come from anywhere."""
    return CONTROL_CODES.sub(lambda code: f"\\u{ord(code[0]):04x}", text)


class GlassnetError(Exception):
    """Base class of all errors that glassnet raises; control codes in a message are escaped."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*(printable(text) if isinstance(text, str) else text for text in arguments))


class ParameterError(GlassnetError, ValueError):
    """An argument has an invalid value."""


class ParameterTypeError(GlassnetError, TypeError):
    """An argument has the wrong type."""


class FormulaError(GlassnetError, ValueError):
    """A formula uses something that cannot be traced and compiled."""


class DataError(GlassnetError, ValueError):
    """x, y, a file or a table has contents that cannot be used."""


class ModelFileError(GlassnetError, ValueError):
    """A model file is damaged, was not written by glassnet, or comes from a newer version."""


class DivergedError(GlassnetError, ArithmeticError):
    """A training run met a number that is not finite; the network keeps its last finite weights.

    `history` is the History of the epochs before, where `NeuralNetwork.train` raises it; `advice`, the end of the
    message, says what to do in the words of NeuralNetwork.
    """

    history: Any = None
    advice = ""

    def reworded(self, advice: str) -> DivergedError:
        """The same error for another interface, with its own words of what to do."""
        error = DivergedError(f"{str(self).removesuffix(self.advice)}{advice}")
        error.history, error.advice = self.history, advice
        return error


class ClusterError(GlassnetError, RuntimeError):
    """A cluster cannot go on with a run in lanes; the model keeps the state of the last finished round."""


class EngineUnavailable(RuntimeError):
    """The compiled engine cannot be used here; the message says why. NumPy then runs instead."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 array` or `2 arrays`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def named_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a public function so that an unknown keyword is an error that suggests the name that was meant."""
    names = list(inspect.signature(function).parameters)[1:]  # without self

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in names:
                what = function.__qualname__.removesuffix(".__init__")
                hint = suggestion(name, names) or f"Its arguments are {', '.join(names)}."
                raise ParameterTypeError(f"{what} has no argument {name!r}. {hint.strip()}")
        return function(*args, **kwargs)

    return call


def suggestion(name: Any, known: Iterable[str]) -> str:
    """`Did you mean 'relu'? ` for a misspelt name, or an empty string."""
    lower = {entry.lower(): entry for entry in known}
    match = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.6)
    return f"Did you mean {lower[match[0]]!r}? " if match else ""


def unknown_name(what: str, name: Any, known: Iterable[str]) -> ParameterError:
    """The error for a name that is not in `known`; it suggests the closest one and lists them all."""
    names = list(known)
    return ParameterError(f"{what} {name!r} is unknown. {suggestion(name, names)}Known: {', '.join(names)}.")
