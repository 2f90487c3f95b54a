"""Calls a person's own backpropagation: a function, or a class with the article's interface.

Samples are columns, as in the article; with `rows` every array is transposed on the way in and out. Its output and its
warnings are suppressed, and what it raises becomes a `CandidateError`.
"""

from __future__ import annotations

import contextlib
import io
import traceback
import warnings
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.trial import Trial
from glassnet.errors import GlassnetError, ParameterTypeError
from glassnet.program.parameters import Array

PACKAGE = str(Path(__file__).parents[1])  # an error raised in here is not in their code
METHODS = ("feedforward", "backpropagation")


class CandidateError(GlassnetError, ValueError):
    """Their code raised, or did not return lists of arrays of the right shapes."""

    def __init__(self, sentence: str, equation: str = "run") -> None:
        super().__init__(sentence)
        self.equation = equation


class Answer(NamedTuple):
    """The gradient that their code returned: one float64 array per layer, samples as columns, in their shapes."""

    dw: list[Array]
    db: list[Array]
    is_float32: bool  # of lower precision than float64, so that only a coarse comparison is fair


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Run their code without output, warnings or NumPy's errors, and turn whatever it raises into one sentence."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            yield
        except CandidateError:
            raise
        except Exception as error:  # whatever a learner's code raises is a result of the check
            text = " ".join(str(error).split())
            raise CandidateError(f"it raises {type(error).__name__}{_line(error)}: {text[:160]}") from error


def _line(error: Exception) -> str:
    """The line of their code that raised, in neither this package nor an installed library; "" where there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if not one.filename.startswith(PACKAGE) and "site-packages" not in one.filename]
    return f" in line {theirs[-1].lineno}" + (f", {theirs[-1].line!r}" if theirs[-1].line else "") if theirs else ""


class Candidate:
    """Their function or class, called with layers of given widths."""

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

    def transposed(self, array: Any) -> Array:
        """An array in the other notation: the transpose where they work in rows."""
        return np.asarray(array).T if self.rows else np.asarray(array)

    def create(self, widths: Sequence[int], activations: Sequence[Any] | None = None) -> Any:
        """An instance of their class, or a copy of the one that was passed."""
        with quiet():
            names = self.activations if activations is None else list(activations)
            return self.mine(list(widths), names) if isinstance(self.mine, type) else deepcopy(self.mine)

    def create_with(self, widths: Sequence[int], weights: Sequence[Array], biases: Sequence[Array]) -> Any:
        """An instance with these weights (fan_out, fan_in) and biases (fan_out, 1)."""
        instance = self.create(widths)
        with quiet():
            for name, arrays in (("weights", weights), ("biases", biases)):
                own = getattr(instance, name)
                if len(own) != len(arrays):
                    raise CandidateError(f"its {name} has {len(own)} arrays for {len(arrays)} layers")
                for number, array in enumerate(arrays):
                    shape, given = np.shape(own[number]), self.transposed(array).copy()
                    if len(shape) == 1 and given.size == shape[0]:
                        given = given.ravel()
                    if shape != given.shape:
                        raise CandidateError(f"its {name}[{number}] has shape {shape}, but {given.shape} is expected")
                    own[number] = given
        return instance

    def answer(self, trial: Trial) -> Answer:
        """Their gradient on a trial. Raises CandidateError where they raise or return something else."""
        dw, db = self.gradients(trial.widths, *trial.parameters, trial.x, trial.y)
        count = len(trial.network.weights)
        return Answer(as_arrays(self, dw, "dw", count), as_arrays(self, db, "db", count), _is_float32(dw))

    def gradients(self, widths: Sequence[int], weights: Any, biases: Any, x: Array, y: Array) -> tuple[Any, Any]:
        """What they return for dw and db, unchanged."""
        if self.is_class:
            instance = self.create_with(widths, weights, biases)
            z_s, a_s = self.forward(instance, x)
            return self.backward(instance, y, z_s, a_s)
        with quiet():
            return _pair(self.mine(*self._arguments(weights, biases, x, y)))

    def _arguments(self, weights: Any, biases: Any, x: Array, y: Array) -> list[Any]:
        """The arguments of a function, as copies in their notation."""
        copies: list[Any] = [[self.transposed(array).copy() for array in arrays] for arrays in (weights, biases)]
        if self.rows:
            copies[1] = [array.ravel() for array in copies[1]]
        return [*copies, self.transposed(x).copy(), self.transposed(y).copy()]

    def changed_arguments(self, *arguments: Any) -> list[str]:
        """Which of its arguments (weights, biases, x, y) a function changes."""
        ours, theirs = self._arguments(*arguments), self._arguments(*arguments)
        with quiet():
            self.mine(*theirs)
        pairs = zip(("weights", "biases", "x", "y"), zip(ours, theirs, strict=True), strict=True)
        same = {name: len(p) == len(q) and all(map(np.array_equal, p, q)) for name, (p, q) in pairs}
        return [name for name in same if not same[name]]

    def forward(self, instance: Any, x: Array) -> tuple[Any, Any]:
        """What their feedforward returns for z_s and a_s, unchanged."""
        with quiet():
            return _pair(instance.feedforward(self.transposed(x).copy()))

    def backward(self, instance: Any, y: Array, z_s: Any, a_s: Any) -> tuple[Any, Any]:
        """dw and db for what feedforward returned."""
        with quiet():
            return _pair(instance.backpropagation(self.transposed(y).copy(), z_s, a_s))

    def train(self, instance: Any, x: Array, y: Array, **options: Any) -> None:
        """Call their train with x, y and batch_size, epochs, lr by name, or in this order."""
        with quiet():
            arguments = (self.transposed(x).copy(), self.transposed(y).copy())
            try:
                instance.train(*arguments, **options)
            except TypeError as error:
                if "argument" not in str(error):
                    raise
                instance.train(*arguments, *options.values())


def _pair(result: Any) -> tuple[Any, Any]:
    """The two parts of what they returned. Raises CandidateError where there are not two."""
    is_list = isinstance(result, (tuple, list))
    if not is_list or len(result) != 2:
        given = f"a {type(result).__name__} of {len(result)}" if is_list else f"{result!r:.60}"
        raise CandidateError(f"it returns {given}, where a pair of lists is expected, such as dw, db")
    return result[0], result[1]


def _is_float32(arrays: Any) -> bool:
    """Whether any of the arrays is of lower precision than float64."""
    try:
        return any(np.asarray(part).dtype in (np.float32, np.float16) for part in arrays)
    except ValueError:
        return False


def as_arrays(candidate: Candidate, values: Any, name: str, count: int) -> list[Array]:
    """One float64 array per layer, samples as columns. Raises CandidateError where `values` is something else."""
    try:
        with np.errstate(all="ignore"):
            given = [candidate.transposed(part) for part in values]
            result = [np.asarray(part, np.float64) for part in given]
    except (TypeError, ValueError) as error:
        raise CandidateError(f"its {name} is not a list of arrays of numbers") from error
    if len(result) != count:
        raise CandidateError(f"its {name} has {len(result)} arrays, where one for each of {count} layers is expected")
    if all(part.dtype.kind in "iu" for part in given):
        raise CandidateError(f"its {name} contains only integers, which cut off fractions; return floats")
    return result
