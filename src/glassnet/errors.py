"""The exceptions of glassnet; each is also the built-in ValueError, TypeError or ArithmeticError that callers expect.

A message is one sentence: what was wrong, where, and what to do.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import re
from collections.abc import Callable, Iterable, Sequence
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


MAX_LISTED_COLUMNS = 20  # in a message


class GlassnetError(Exception):
    """Base class of all errors that glassnet raises; control codes in a message are escaped.

    What to do: follow the message. A call that is refused for its input changes nothing, so it can be repeated with
    other input. `except GlassnetError` catches what glassnet refuses, but not errors in glassnet itself.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*(printable(text) if isinstance(text, str) else text for text in arguments))


class ParameterError(GlassnetError, ValueError):
    """An argument has an invalid value.

    What to do: give one of the values that the message lists, or one in the range that it names.

    Examples
    --------
    >>> import glassnet
    >>> glassnet.NeuralNetwork([2, 3, 1], ["rleu", "sigmoid"])
    Traceback (most recent call last):
    glassnet.errors.ParameterError: activation 'rleu' is unknown. Did you mean 'relu'? Known: linear, sigmoid, ...
    """


class ParameterTypeError(GlassnetError, TypeError):
    """An argument has the wrong type, or a name that the function does not have.

    What to do: give the type or the name that the message asks for.

    Examples
    --------
    >>> import glassnet
    >>> glassnet.NeuralNetwork([2, 3, 1], seed="one")
    Traceback (most recent call last):
    glassnet.errors.ParameterTypeError: seed must be a whole number or None, not 'one'.
    """


class FormulaError(GlassnetError, ValueError):
    """A formula uses something that cannot be traced and compiled.

    What to do: write the formula with NumPy's functions, and `where(condition, yes, no)` for a branch; `maximum(z, 0)`,
    not `max(z, 0)`. The message names the function or operator that cannot be used, and those that can.

    Examples
    --------
    >>> import numpy as np
    >>> import glassnet
    >>> glassnet.custom_activation("size", lambda z: z if z > 0 else -z, np.sign)
    Traceback (most recent call last):
    glassnet.errors.FormulaError: in the value of size: a formula cannot branch on its values; write where(...)
    """


class DataError(GlassnetError, ValueError):
    """x, y, a file or a table has contents that cannot be used.

    What to do: the message gives the position: an index, a column or a line of the file. Fill in or drop values that
    are not finite, transpose x if its samples are rows, choose another column, or overrule by an option how a column is
    read.

    Examples
    --------
    >>> import glassnet
    >>> glassnet.NeuralNetwork([2, 3, 1]).train([[1, 2], [3, float("nan")]], [[0, 1]])
    Traceback (most recent call last):
    glassnet.errors.DataError: x[1, 1] is NaN (1 such entries in all; samples are columns); fill in or drop these first.
    """


class ModelFileError(GlassnetError, ValueError):
    """A model file is damaged, was not written by glassnet, or comes from a newer version.

    What to do: copy the file again, or save the model again if it still exists; update glassnet for a newer file. The
    same error says that an export cannot be written, or which library is missing and how to install it.

    Examples
    --------
    >>> import glassnet
    >>> glassnet.load("model.safetensors")
    Traceback (most recent call last):
    glassnet.errors.ModelFileError: model.safetensors does not exist; check its name.
    """


class DivergedError(GlassnetError, ArithmeticError):
    """A training run met a number that is not finite; the network keeps its last finite weights.

    If `NeuralNetwork.train` raises it, `history` is the History of the epochs before. `advice`, the end of the message,
    says which weights the network has now, and which arguments of NeuralNetwork to change.

    What to do: lower the learning rate, scale x, or clip the gradients with `clip_norm=1`. The message names the first
    quantity that is not finite, with its layer, its sample and the step; `net.diagnose()` inspects the layers.

    Examples
    --------
    >>> import glassnet
    >>> net = glassnet.NeuralNetwork([1, 4, 1], ["relu", "linear"], seed=0)
    >>> net.train([[-1000.0, 1000.0]], [[-1.0, 1.0]], epochs=100, lr=100.0)
    Traceback (most recent call last):
    glassnet.errors.DivergedError: training diverged in epoch ...: ... became ... for sample .... The network keeps ...
    """

    history: Any = None
    advice = ""

    def reworded(self, advice: str) -> DivergedError:
        """The same error for another interface, with the advice in the names of its arguments."""
        error = DivergedError(f"{str(self).removesuffix(self.advice)}{advice}")
        error.history, error.advice = self.history, advice
        return error


class ClusterError(GlassnetError, RuntimeError):
    """A cluster cannot continue a run in lanes; the model keeps the state of the last complete round.

    What to do: repair what the message names (a worker, a block, the scheduler), then call `glassnet.scale.fit` again
    with `checkpoint=` and `resume=True`; with `client=False` the run continues in one process, to the same bits.
    """


class EngineUnavailable(RuntimeError):
    """The compiled engine cannot be used here; the message says why. NumPy then runs instead."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 array` or `2 arrays`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def percent(share: float) -> str:
    """`63 %`: a share rounded as the page rounds it, halves up, and `<1 %` where it is small but not 0."""
    if not math.isfinite(share):
        return f"{share} %"
    return "<1 %" if 0 < share < 0.01 else f"{math.floor(share * 100 + 0.5):,} %"


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


def no_column(where: str, name: str, columns: Iterable[str]) -> str:
    """The sentence about a column that a table does not have, with the closest name and those that it has."""
    names = list(columns)
    return f"{where} has no column {name!r}. {suggestion(name, names)}{listed_columns(names)}"


def listed_columns(names: Sequence[str]) -> str:
    """`Columns: a, b, c.`, of very many the first."""
    return f"Columns: {', '.join(names[:MAX_LISTED_COLUMNS])}{' ...' if len(names) > MAX_LISTED_COLUMNS else ''}."


def unknown_name(what: str, name: Any, known: Iterable[str]) -> ParameterError:
    """The error for a name that is not in `known`; it suggests the closest one and lists them all."""
    names = list(known)
    return ParameterError(f"{what} {name!r} is unknown. {suggestion(name, names)}Known: {', '.join(names)}.")
