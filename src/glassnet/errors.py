"""Every error a person can meet, each also the ValueError or TypeError that people catch.

A message is one sentence: what was wrong, where, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class GlassnetError(Exception):
    """The base of all of glassnet's errors."""


class ParameterError(GlassnetError, ValueError):
    """An argument has a value that cannot be used."""


class ParameterTypeError(GlassnetError, TypeError):
    """An argument has a type that cannot be used."""


class FormulaError(GlassnetError, ValueError):
    """A formula leaves the words that can be traced and compiled."""


class DataError(GlassnetError, ValueError):
    """x, y, a file or a table holds something that cannot be used."""


class ModelFileError(GlassnetError, ValueError):
    """A model file is damaged, not ours, or from a newer version."""


class DivergedError(GlassnetError, ArithmeticError):
    """A training run met a number that is not finite; the network keeps its last finite weights.

    `history` is the History of the epochs before, where `NeuralNetwork.train` raises it.
    """

    history: Any = None


def nearest(word: Any, known: Iterable[str]) -> str:
    """`Did you mean 'relu'? ` for a slip of the pen, or an empty string."""
    lower = {name.lower(): name for name in known}
    match = difflib.get_close_matches(str(word).lower(), lower, n=1, cutoff=0.6)
    return f"Did you mean {lower[match[0]]!r}? " if match else ""


def unknown(what: str, word: Any, known: Iterable[str]) -> ParameterError:
    """The error for a name that no table has: the nearest suggested, the known ones listed."""
    names = list(known)
    return ParameterError(f"{what} {word!r} is unknown. {nearest(word, names)}Known: {', '.join(names)}.")
