"""A person's own backpropagation as it is called: a function, or a class with the article's interface.

Columns outside, as in the article; with `rows` every array goes in and comes out transposed. What it prints is held
back, what it warns of is not heard, and what it raises becomes a `Refusal`.
"""

from __future__ import annotations

import contextlib
import io
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.errors import GlassnetError, ParameterTypeError
from glassnet.program.parameters import Array

HERE = str(Path(__file__).parents[1])  # the package: what is raised in it is not their line
METHODS = ("feedforward", "backpropagation")


class Refusal(GlassnetError, ValueError):
    """Their code raised, or gave something that is no list of arrays of the right shapes."""

    def __init__(self, sentence: str, equation: str = "run") -> None:
        super().__init__(sentence)
        self.equation = equation


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Their code: no output, no warnings, NumPy's errors ignored, and one sentence for whatever it raises."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            yield
        except Refusal:
            raise
        except Exception as error:  # whatever a learner's code may raise is an answer
            text = " ".join(str(error).split())
            raise Refusal(f"it raises {type(error).__name__}{_line(error)}: {text[:160]}") from error


def _line(error: Exception) -> str:
    """The line of their code that raised, where it has one: not ours, and not one of a library's."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if not one.filename.startswith(HERE) and "site-packages" not in one.filename]
    return f" in line {theirs[-1].lineno}" + (f", {theirs[-1].line!r}" if theirs[-1].line else "") if theirs else ""


class Candidate:
    """Their function or class on layers of given widths; `fresh` makes what holds state anew."""

    def __init__(self, mine: Any, activations: Sequence[Any], rows: bool) -> None:
        self.mine, self.activations, self.rows = mine, list(activations), rows
        self.is_class = isinstance(mine, type) or all(hasattr(mine, name) for name in METHODS)
        if not self.is_class and not callable(mine):
            raise ParameterTypeError(
                "mine must be a function (weights, biases, x, y) -> (dw, db), or a class with feedforward and "
                f"backpropagation, not {mine!r:.100}."
            )
        if isinstance(mine, type) and (missing := [name for name in METHODS if not hasattr(mine, name)]):
            raise ParameterTypeError(
                f"{mine.__name__} has no {' and no '.join(missing)}; the check calls feedforward(x) and "
                "backpropagation(y, z_s, a_s)."
            )

    def turned(self, array: Any) -> Array:
        """The transpose where they work in rows."""
        return np.asarray(array).T if self.rows else np.asarray(array)

    def made(self, widths: Sequence[int], activations: Sequence[Any] | None = None) -> Any:
        """An object of their class, or a copy of the one that was passed."""
        with quiet():
            words = self.activations if activations is None else list(activations)
            return self.mine(list(widths), words) if isinstance(self.mine, type) else deepcopy(self.mine)

    def filled(self, widths: Sequence[int], weights: Sequence[Array], biases: Sequence[Array]) -> Any:
        """An object that holds these weights (fan_out, fan_in) and biases (fan_out, 1)."""
        made = self.made(widths)
        with quiet():
            for name, arrays in (("weights", weights), ("biases", biases)):
                held = getattr(made, name)
                if len(held) != len(arrays):
                    raise Refusal(f"its {name} has {len(held)} arrays for {len(arrays)} layers")
                for number, array in enumerate(arrays):
                    shape, given = np.shape(held[number]), self.turned(array).copy()
                    if len(shape) == 1 and given.size == shape[0]:
                        given = given.ravel()
                    if shape != given.shape:
                        raise Refusal(f"its {name}[{number}] has shape {shape}, but {given.shape} is meant")
                    held[number] = given
        return made

    def gradients(self, widths: Sequence[int], weights: Any, biases: Any, x: Array, y: Array) -> tuple[Any, Any]:
        """What they give for dw and db, as it comes."""
        if self.is_class:
            made = self.filled(widths, weights, biases)
            z_s, a_s = self.forward(made, x)
            return self.back(made, y, z_s, a_s)
        with quiet():
            return _pair(self.mine(*self._given(weights, biases, x, y)))

    def _given(self, weights: Any, biases: Any, x: Array, y: Array) -> list[Any]:
        """The arguments of a function, copies in their notation."""
        copies: list[Any] = [[self.turned(array).copy() for array in arrays] for arrays in (weights, biases)]
        if self.rows:
            copies[1] = [array.ravel() for array in copies[1]]
        return [*copies, self.turned(x).copy(), self.turned(y).copy()]

    def changed(self, *given: Any) -> list[str]:
        """Which of its arguments (weights, biases, x, y) a function changes."""
        ours, theirs = self._given(*given), self._given(*given)
        with quiet():
            self.mine(*theirs)
        names = ("weights", "biases", "x", "y")
        same = [
            len(one) == len(other) and all(map(np.array_equal, one, other))
            for one, other in zip(ours, theirs, strict=True)
        ]
        return [name for name, kept in zip(names, same, strict=True) if not kept]

    def forward(self, made: Any, x: Array) -> tuple[Any, Any]:
        """z_s and a_s as they come."""
        with quiet():
            return _pair(made.feedforward(self.turned(x).copy()))

    def back(self, made: Any, y: Array, z_s: Any, a_s: Any) -> tuple[Any, Any]:
        """dw and db for what feedforward gave."""
        with quiet():
            return _pair(made.backpropagation(self.turned(y).copy(), z_s, a_s))

    def train(self, made: Any, x: Array, y: Array, **words: Any) -> None:
        """Run their train: x, y, batch_size, epochs, lr by name, or in this order."""
        with quiet():
            given: tuple[Any, ...] = (self.turned(x).copy(), self.turned(y).copy())
            call: Callable[..., Any] = made.train
            try:
                call(*given, **words)
            except TypeError as error:
                if "argument" not in str(error):
                    raise
                call(*given, *words.values())


def _pair(found: Any) -> tuple[Any, Any]:
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        given = f"a {type(found).__name__} of {len(found)}" if isinstance(found, (tuple, list)) else f"{found!r:.60}"
        raise Refusal(f"it gives {given}, where a pair of lists is meant, such as dw, db")
    return found[0], found[1]


def arrays(candidate: Candidate, found: Any, name: str, count: int) -> list[Array]:
    """One float64 array a layer, columns. Raises Refusal where it is something else."""
    try:
        with np.errstate(all="ignore"):
            given = [candidate.turned(part) for part in found]
            result = [np.asarray(part, np.float64) for part in given]
    except (TypeError, ValueError) as error:
        raise Refusal(f"its {name} is no list of arrays of numbers") from error
    if len(result) != count:
        raise Refusal(f"its {name} has {len(result)} arrays, where one for each of {count} layers is meant")
    if all(part.dtype.kind in "iu" for part in given):
        raise Refusal(f"its {name} holds whole numbers alone: arrays of integers cut the fractions off, so make floats")
    return result
