"""A person's backpropagation, asked for its gradient on a trial, whatever way it is called and its arrays lie.

The subclasses reach the code: a function, the article's class, arrays that one step changes. Here the reading is
chosen, samples are handed over one at a time where the code wants them so, and what it returns becomes an Answer.
"""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidates.answer import Answer as Answer
from glassnet.check.candidates.answer import as_answer, rank
from glassnet.check.candidates.candidate_error import CandidateError as CandidateError
from glassnet.check.candidates.candidate_error import is_theirs, quiet
from glassnet.check.candidates.conventions import Conventions
from glassnet.check.candidates.reading import Reading, readings
from glassnet.check.candidates.return_forms import Form
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array


class Choice(NamedTuple):
    """A reading of their code and the order of what it returns, with how well both fit."""

    reading: Reading
    order: str
    is_odd_order: bool  # another one than usual, or one of several that the shapes allow
    answer: Answer
    rank: tuple[float, float, int]  # how many arrays have our direction; how well the shapes fit, and those of db b

    @property
    def is_right(self) -> bool:
        """Whether the gradient is a multiple of ours."""
        return self.rank[0] == np.inf


class Candidate(ABC):
    """Their code, called with the numbers of a trial."""

    has_fixed_widths = False  # its arrays exist already, so that no other network can be tried

    def __init__(self, conventions: Conventions) -> None:
        self.conventions = conventions
        self.reading: Reading | None = None
        self.order = ""
        self._first: tuple[Trial, Answer] | None = None
        self._is_guess = self._is_odd_order = self._is_right = False

    @abstractmethod
    def call(self, reading: Reading, trial: Trial, x: Array, y: Array) -> list[Form]:
        """Their gradient for x and y (columns) at the weights of the trial, in every order that it can have."""

    def readings(self, trial: Trial) -> list[Reading]:
        """The ways to hand them their arrays, the likeliest first."""
        return list(readings(self.conventions, trial.widths))

    def answer(self, trial: Trial) -> Answer:
        """Their gradient on a trial. Raises CandidateError where they raise or return something else."""
        self.choose(trial)
        if self._first is not None and self._first[0] is trial:  # the call that showed the reading is the first one
            answer, self._first = self._first[1], None
            return answer
        assert self.reading is not None
        forms = self._forms(self.reading, trial)
        form = next((form for form in forms if form.order == self.order), forms[0])
        return as_answer(form, self.reading, trial)

    def call_predict(self, reading: Reading, trial: Trial, predict: Any, x: Array) -> Any:
        """What their prediction for x (columns) is; a function of (weights, biases, x) unless a subclass says else."""
        weights, biases = trial.parameters
        given = reading.give_weights(weights, biases), reading.give_biases(biases)
        with quiet():
            return predict(*(part for part in given if part), reading.give_x(x))

    def prediction(self, trial: Trial, predict: Any) -> Array:
        """The a of the output, samples as columns, that their `predict` gives. Raises CandidateError."""
        reading = self.reading or self.readings(trial)[0]
        batches = [trial.x[:, [i]] for i in range(trial.m)] if self.conventions.one_sample else [trial.x]
        parts = [_output(self.call_predict(reading, trial, predict, x)) for x in batches]
        with quiet():
            if self.conventions.one_sample:
                return np.column_stack([part.ravel() for part in parts]).astype(np.float64)
            one_axis = parts[0].ndim == 1 and trial.widths[-1] == 1
            return np.asarray(parts[0][np.newaxis] if one_axis else reading.take_samples(parts[0]), np.float64)

    def restored(self) -> contextlib.AbstractContextManager[None]:
        """While it lasts, their code may be changed; nothing of it is, except where arrays of theirs are used."""
        return contextlib.nullcontext()

    def with_conventions(self, conventions: Conventions) -> Candidate:
        """The same code, read under other conventions."""
        other = copy(self)
        other.conventions, other.reading, other.order, other._first = conventions, None, "", None
        return other

    def is_multiple(self, trial: Trial) -> bool:
        """Whether a reading gives a multiple of our gradient; False also where their code raises."""
        try:
            self.answer(trial)
        except CandidateError:
            return False
        return self._is_right

    def x_shape(self, trial: Trial) -> tuple[int, ...]:
        """The shape of x as their code gets it."""
        x = trial.x[:, :1] if self.conventions.one_sample else trial.x
        return (self.reading or Reading()).give_x(x).shape

    def notes(self) -> list[str]:
        """How their code is read, where that was not declared."""
        notes = [f"it is read with {self.reading}."] if self._is_guess else []
        if self._is_odd_order:
            notes.append(f"what it returns is read as {self.order}.")
        return [*notes, *self.conventions.notes()]

    def choose(self, trial: Trial) -> None:
        """Set the first reading whose gradient is a multiple of ours, else the one that comes closest; once."""
        if self.reading is not None:
            return
        best: Choice | None = None
        failures: list[tuple[Reading, CandidateError]] = []
        possible = self.readings(trial)
        for reading in possible:
            try:
                for choice in self._choices(reading, trial):
                    if best is None or choice.rank > best.rank:
                        best = choice
            except CandidateError as error:
                failures.append((reading, error))
            if best is not None and best.is_right and not best.answer.misfits:
                break
        if best is None:
            raise self._farthest(failures, trial)
        self.reading, self.order, self._first = best.reading, best.order, (trial, best.answer)
        self._is_guess, self._is_right = best.reading != possible[0], best.is_right
        self._is_odd_order = best.is_odd_order

    def _choices(self, reading: Reading, trial: Trial) -> Iterator[Choice]:
        """One choice per order of what they return. Raises CandidateError where none can be compared."""
        forms = self._forms(reading, trial)
        error: CandidateError | None = None
        for form in forms:
            try:
                answer = as_answer(form, reading, trial)
            except CandidateError as caught:
                error = error or caught
                continue
            odd = not form.is_usual or form is not forms[0]
            yield Choice(reading, form.order, odd, answer, rank(answer, trial))
            error = None
        if error is not None:
            raise error

    def _forms(self, reading: Reading, trial: Trial) -> list[Form]:
        """What they return for the batch; for one sample at a time, the means."""
        if not self.conventions.one_sample:
            return self.call(reading, trial, trial.x, trial.y)
        calls = [self.call(reading, trial, trial.x[:, [i]], trial.y[:, [i]]) for i in range(trial.m)]
        by_order = [{form.order: form for form in forms} for forms in calls]
        common = [form.order for form in calls[0] if all(form.order in forms for forms in by_order)]
        with quiet():
            return [_mean([forms[order] for forms in by_order]) for order in common]

    def _farthest(self, failures: list[tuple[Reading, CandidateError]], trial: Trial) -> CandidateError:
        """The error of the reading with which their code ran the most lines; that reading is kept."""

        def lines(reading: Reading) -> int:
            return lines_run(lambda: self._forms(reading, trial))

        counts = [lines(reading) for reading, _ in failures] if len(failures) > 1 else [0]
        reading, error = failures[counts.index(max(counts))]
        self.reading = reading
        self._is_guess = reading != failures[0][0]
        return error


def _output(result: Any) -> Array:
    """The last array of what a forward pass returns: its a of the output."""
    while isinstance(result, (tuple, list)) and result and np.ndim(result[-1]) > 0:
        result = result[-1]
    return np.asarray(result)


def lines_run(call: Callable[[], Any]) -> int:
    """How many lines of their code are run until a call ends or raises CandidateError."""
    count, before = 0, sys.gettrace()

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace if is_theirs(frame.f_code.co_filename) else None

    sys.settrace(trace)
    try:
        call()
    except CandidateError:
        pass
    finally:
        sys.settrace(before)
    return count


def _mean(forms: list[Form]) -> Form:
    """The means of the gradients of single samples."""
    dw, db = (
        [_mean_of(parts) for parts in zip(*lists, strict=True)]
        for lists in ([f.dw for f in forms], [f.db for f in forms])
    )
    return Form(forms[0].order, dw, db, forms[0].is_usual)


def _mean_of(parts: tuple[Any, ...]) -> Any:
    arrays = [np.asarray(part) for part in parts]
    if all(array.dtype.kind in "iu" for array in arrays):
        return arrays[0]  # as_arrays says what is wrong with integers
    mean = np.mean(arrays, axis=0, dtype=np.float64)
    return mean.astype(arrays[0].dtype) if arrays[0].dtype.kind == "f" else mean
