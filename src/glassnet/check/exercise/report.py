"""The report on a person's file: step by step what is right, what is not yet, and what comes next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.check.exercise.answers import AnswerError, Answers, NotWritten
from glassnet.check.exercise.steps import STEPS, Step
from glassnet.check.exercise.trials import forward

INDENT = " " * 4
XOR_X, XOR_Y = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0.0, 1, 1, 0]])
XOR_EPOCHS, XOR_RATE = 1500, 5.0


class StepResult(NamedTuple):
    """A step: "right", "not yet right", "to do" or "later", and lines that explain it."""

    step: Step
    state: str
    lines: list[str]


class ExerciseReport(NamedTuple):
    """All steps, those after the first that is not right not looked at; no steps if the file cannot be run."""

    results: tuple[StepResult, ...]
    closing: str

    @property
    def ok(self) -> bool:
        """Whether all steps are right."""
        return bool(self.results) and all(result.state == "right" for result in self.results)

    def step_lines(self) -> list[str]:
        """A line per step, and what there is to say about it, indented."""
        titles = max((len(result.step.title) for result in self.results), default=0)
        lines = []
        for step, state, explanation in self.results:
            head, *rest = explanation if state == "right" else ["", *explanation]
            lines.append(f"{step.number}  {step.title:<{titles}}  {state:<13}  {head}".rstrip())
            lines += [f"{INDENT}{line}" for line in rest]
        return lines


def check_mine(path: str) -> ExerciseReport:
    """Run a person's file and look at its steps, up to the first that is not right.

    Raises DataError where the file cannot be read. Whatever its code does wrong becomes a part of the report.
    """
    results: list[StepResult] = []
    try:
        answers = Answers(path)
    except AnswerError as error:
        closing = "\n".join(["The file cannot be run:", *(f"{INDENT}{line}" for line in str(error).splitlines())])
        return ExerciseReport((), closing)
    for step in STEPS:
        is_next = all(result.state == "right" for result in results)
        results.append(_look(step, answers) if is_next else StepResult(step, "later", []))
    return ExerciseReport(tuple(results), _closing(results, answers))


def _look(step: Step, answers: Answers) -> StepResult:
    """One step."""
    try:
        problems = step.problems(answers)
    except NotWritten as error:
        return StepResult(step, "to do", str(error).splitlines())
    except AnswerError as error:
        return StepResult(step, "not yet right", [*str(error).splitlines(), *step.hints(answers)])
    return StepResult(step, "not yet right", problems) if problems else StepResult(step, "right", [step.done])


def _closing(results: list[StepResult], answers: Answers) -> str:
    """What comes next."""
    right = [result for result in results if result.state == "right"]
    if len(right) == len(results):
        return _exclusive_or(answers)
    following = results[len(right)]
    count = f"{len(right)} of {len(results)} steps {'is' if len(right) == 1 else 'are'} right. " if right else ""
    what = "Write" if following.state == "to do" else "Mend"
    step = f"step {following.step.number} ({following.step.functions})"
    return f"{count}{what} {step}, then run glassnet check-mine {answers.path} again."


def _exclusive_or(answers: Answers) -> str:
    """What their code learns of exclusive or."""
    rng = np.random.default_rng(1)
    weights, biases = [rng.normal(size=(4, 2)), rng.normal(size=(1, 4))], [np.zeros((4, 1)), np.zeros((1, 1))]
    before = forward(weights, biases, XOR_X)[1][-1]
    for _ in range(XOR_EPOCHS):
        data = {"weights": weights, "biases": biases, "x": XOR_X, "y": XOR_Y}
        weights, biases = answers.call("epoch", data | {"batch_size": 4, "lr": XOR_RATE, "rng": rng})
    after = forward(weights, biases, XOR_X)[1][-1]
    lines = [
        f"All {len(STEPS)} steps are right: you have written backpropagation. Your code has just learnt exclusive or,"
    ]
    lines.append(f"with a network 2-4-1 in {XOR_EPOCHS:,} epochs. For the inputs 00, 01, 10 and 11 its output is")
    for label, values in (("before", before), ("after", after), ("should be", XOR_Y)):
        lines.append(f"{INDENT}{label:<10}{'  '.join(f'{value:.2f}' for value in values[0])}")
    return "\n".join(lines)
