"""A person's backpropagation as a function: weights, biases, x and y go in, the gradients come out."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.check.candidates.answer import given_shapes
from glassnet.check.candidates.call_forms import Arguments, call_form
from glassnet.check.candidates.candidate import Candidate
from glassnet.check.candidates.candidate_error import quiet
from glassnet.check.candidates.conventions import Conventions
from glassnet.check.candidates.reading import Reading
from glassnet.check.candidates.return_forms import Form, forms
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array


class FunctionCandidate(Candidate):
    """A function mine(weights, biases, x, y), or another whose names tell its arguments apart."""

    def __init__(self, mine: Any, conventions: Conventions, layers: int) -> None:
        super().__init__(conventions)
        self.mine, self.form = mine, call_form(mine, layers, conventions.separate_biases)

    def call(self, reading: Reading, trial: Trial, x: Array, y: Array) -> list[Form]:
        """What the function returns, in every order that the shapes allow."""
        arguments = _arguments(reading, trial, x, y)
        with quiet():
            return forms(self.form.call(self.mine, arguments), given_shapes(reading, trial))

    def changed_arguments(self, trial: Trial) -> list[str]:
        """Which of its arguments (weights, biases, x, y) the function changes."""
        assert self.reading is not None
        x, y = (part[:, :1] if self.conventions.one_sample else part for part in (trial.x, trial.y))
        ours, theirs = (_arguments(self.reading, trial, x, y) for _ in range(2))
        with quiet():
            self.form.call(self.mine, theirs)
        pairs = {name: (getattr(ours, name), getattr(theirs, name)) for name in ("weights", "biases", "x", "y")}
        return [name for name, (before, after) in pairs.items() if not _same(before, after)]


def _arguments(reading: Reading, trial: Trial, x: Array, y: Array) -> Arguments:
    """Copies of everything in their notation."""
    weights, biases = trial.parameters
    given = reading.give_weights(weights, biases), reading.give_biases(biases)
    return Arguments(*given, reading.give_x(x), reading.give_y(y), reading.bare)


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, list):
        return len(before) == len(after) and all(map(np.array_equal, before, after))
    return np.array_equal(before, after)
