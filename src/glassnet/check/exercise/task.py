"""One function that a person writes: its trials, what is right for them, and known mistakes.

The first trial has the numbers of the lesson or others that are easy to redo by hand; the rest are random, so that no
fixed answer passes. A mistake is named only where it gives their numbers in every trial.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.exercise.answers import Answers, WrongShape, numbers, parts

TRIALS = 20
TOLERANCE = 1e-6  # relative to the largest entry
DIGITS, MAX_DIGITS = 4, 17  # significant ones, of the numbers that are shown; more where two would look the same

Rng = np.random.Generator
Arguments = dict[str, Any]
Results = dict[str, Any]


class Mistake(NamedTuple):
    """A known mistake: what it does, in words, and the results that it leaves, from the arguments of the function."""

    sentence: str
    results: Callable[..., Results]


class Problem(NamedTuple):
    """What is wrong with a function: a sentence, whether it names the mistake, and numbers in lines to print."""

    sentence: str
    is_named: bool
    lines: Sequence[str] = ()


class Task(NamedTuple):
    """A function to write.

    `arguments(rng, number)` are those of a trial; `right(**arguments)` what it must return, by name, in the order in
    which to look at it; `unpack(returned, right)` their results by the same names.
    """

    function: str
    returns: tuple[str, ...]
    equations: Mapping[str, str]
    arguments: Callable[[Rng, int], Arguments]
    right: Callable[..., Results]
    mistakes: Sequence[Mistake] = ()
    fitted: Callable[[str, Sequence[Arguments], Sequence[Results]], str] | None = None  # a mistake with a number in it

    def trials(self) -> list[Arguments]:
        """The arguments of every trial."""
        rng = np.random.default_rng(0)
        return [self.arguments(rng, number) for number in range(TRIALS)]

    def results(self, answers: Answers, arguments: Arguments) -> Results:
        """What their function returns, by name, in the right shapes. Raises AnswerError."""
        returned, right = answers.call(self.function, arguments), self.right(**arguments)
        try:
            given = self._named(parts(returned, self.returns), right)
            return {
                name: numbers(given[name], f"{name}{self._location(name)}", np.shape(value))
                for name, value in right.items()
            }
        except WrongShape as error:
            raise WrongShape(f"{self.function}: {error}") from error

    def _named(self, returned: list[Any], right: Results) -> Results:
        """Results by name; of a list, such as dw, the items are dw1, dw2 ..., and a_s begins with a0."""
        named: Results = {}
        for name, value in zip(self.returns, returned, strict=True):
            stem = STEMS.get(name)
            if stem is None or name in right:
                named[name] = value
                continue
            keys = sorted(key for key in right if key.startswith(stem) and key[len(stem) :].isdigit())
            if not isinstance(value, (list, tuple)) or len(value) != len(keys):
                what = f"a list of {len(value)}" if isinstance(value, (list, tuple)) else f"a {type(value).__name__}"
                raise WrongShape(f"{name} is {what}; it must be a list of {len(keys)}, {', '.join(keys)}.")
            named |= dict(zip(keys, value, strict=True))
        return named

    def hints(self, answers: Answers) -> list[str]:
        """What else to look at: x.shape[0] where the number of samples is meant."""
        if self.function != "epoch":
            return []
        written = re.search(r"(?<!\w)(len\(x\)|x\.shape\[0\])", answers.source(self.function))
        text = "is the number of inputs; the samples are the columns of x, x.shape[1] of them."
        return [f"{written[1]} {text}"] if written else []

    def _location(self, name: str) -> str:
        """Where an item of a returned list stands in it, such as " (your dw[1])" for dw2; empty for other results."""
        listed = next((key for key in self.returns if STEMS.get(key) == name.rstrip("0123456789")), "")
        return f" (your {listed}[{int(name[len(STEMS[listed]) :]) - (listed != 'a_s')}])" if listed else ""

    def check(self, answers: Answers) -> Problem | None:
        """What is wrong; None if every trial is right. Raises AnswerError where the function cannot be used."""
        trials = self.trials()
        results = [self.results(answers, arguments) for arguments in trials]
        right = [self.right(**arguments) for arguments in trials]
        for name in dict.fromkeys(name for values in right for name in values):  # those of the lesson's network first
            wrong = [k for k in range(TRIALS) if name in right[k] and not close(results[k][name], right[k][name])]
            if wrong:
                first = wrong[0]
                lines = comparison(trials[first], results[first][name], right[first][name], name)
                mistake = self._mistake(name, trials, results)
                begin = f"{name}{self._location(name)} is not right yet"
                if mistake:
                    return Problem(f"{begin}: {mistake}", True, lines)
                equation = self.equations.get(name) or self.equations[name.rstrip("0123456789")]
                return Problem(f"{begin}. It should be {equation}.", False, lines)
        return None

    def _mistake(self, name: str, trials: list[Arguments], results: list[Results]) -> str:
        """The known mistake that explains a result in every trial; empty if there is none."""
        having = [(own, arguments) for own, arguments in zip(results, trials, strict=True) if name in own]
        for sentence, mistaken in self.mistakes:
            pairs = [(own, mistaken(**deepcopy(arguments))) for own, arguments in having]
            if all(name in value and close(own[name], value[name]) for own, value in pairs):
                return sentence
        if self.fitted and (sentence := self.fitted(name, trials, results)):
            return sentence
        if len({formatted(own[name]) for own in results if name in own}) == 1:
            return "it is the same whatever the function is given."
        if not any(np.any(own[name]) for own in results if name in own):
            return "it is 0 whatever the function is given."
        return ""


STEMS = {"z_s": "z", "a_s": "a", "dw": "dw", "db": "db", "weights": "w", "biases": "b"}


def close(theirs: Any, right: Any) -> bool:
    """Whether two results agree, up to rounding."""
    theirs, right = np.asarray(theirs, np.float64), np.asarray(right, np.float64)
    return bool(np.all(np.abs(theirs - right) <= TOLERANCE * max(float(np.abs(right).max()), 1e-9)))


def comparison(arguments: Arguments, theirs: Any, right: Any, name: str) -> list[str]:
    """The arguments of one trial, their result and the right one, each on a line, as Python writes them."""
    digits = next((n for n in range(DIGITS, MAX_DIGITS) if formatted(theirs, n) != formatted(right, n)), MAX_DIGITS)
    rows = [*((label, formatted(value)) for label, value in arguments.items() if label != "rng")]
    rows += [(f"your {name}", formatted(theirs, digits)), (f"expected {name}", formatted(right, digits))]
    width = max(len(label) for label, _ in rows)
    return [f"{label:<{width}}  {text}" for label, text in rows]


def formatted(value: Any, digits: int = DIGITS) -> str:
    """Numbers as Python writes them, rounded; a person can paste them."""
    parts = value if isinstance(value, list) else np.asarray(value, np.float64)
    if isinstance(parts, list) or parts.ndim:
        return f"[{', '.join(formatted(part, digits) for part in parts)}]"
    return f"{float(parts) + 0.0:.{digits}g}"  # + 0 turns −0 into 0
