"""The seven steps in order: for each its functions, and the network on which check_backprop tries it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from glassnet.check.exercise import batches, epoch_task, error_steps, forward_steps, gradient_steps
from glassnet.check.exercise.answers import AnswerError, Answers, WrongShape
from glassnet.check.exercise.task import TRIALS, Problem, Task
from glassnet.check.exercise.teacher import Backprop, faults, known_faults


class Step(NamedTuple):
    """A step: its tasks and, where their code is part of a network, what check_backprop is given."""

    number: int
    title: str
    done: str  # what is right once the step is done
    tasks: Sequence[Task]
    widths: Sequence[int] = ()
    backprop: Callable[[Answers], Backprop] | None = None
    check: Callable[[Answers], list[str]] | None = None  # a further check, once the tasks are right
    equations: Sequence[str] = ()  # those that are theirs, where the rest of the network is ours; none if all are

    @property
    def functions(self) -> str:
        """The names of its functions."""
        return " and ".join(task.function for task in self.tasks)

    def problems(self, answers: Answers) -> list[str]:
        """What is wrong, in lines to print; none if the step is right. Raises AnswerError."""
        for task in self.tasks:
            problem = _problem(task, answers)
            if problem:
                is_part = task is self.tasks[-1] and not problem.is_named
                cause = self._cause(answers) if is_part else []
                return [problem.sentence, *cause, *([] if problem.is_named else task.hints(answers)), *problem.lines]
        confirmed = faults(self.backprop(answers), self.widths) if self.backprop else []
        return confirmed or (self.check(answers) if self.check else [])

    def hints(self, answers: Answers) -> list[str]:
        """What else to look at where their code raises."""
        return [hint for task in self.tasks for hint in task.hints(answers)]

    def _cause(self, answers: Answers) -> list[str]:
        """The mistake behind wrong results, where check_backprop or the further check knows it."""
        known = known_faults(self.backprop(answers), self.widths, self.equations) if self.backprop else []
        try:
            return known or (self.check(answers) if self.check else [])
        except AnswerError as error:
            return str(error).splitlines()


def _problem(task: Task, answers: Answers) -> Problem | None:
    """What is wrong with one function; a wrong shape is a problem as wrong numbers are."""
    try:
        return task.check(answers)
    except WrongShape as error:
        return Problem(str(error), False)


STEPS = (
    Step(1, "one neuron", f"z and a of {TRIALS} neurons", [forward_steps.NEURON]),
    Step(2, "the cost", f"c and ∂c/∂a of {TRIALS} samples", [forward_steps.COST]),
    Step(
        *(3, "BP1, the error at the output", "δ; check_backprop: no fault"),
        [error_steps.OUTPUT_ERROR],
        [3, 2],
        error_steps.their_output_error,
        equations=["BP1"],
    ),
    Step(
        *(4, "a hidden layer, and BP2", "z, a, δ; check_backprop: no fault"),
        [error_steps.FORWARD, error_steps.HIDDEN_ERROR],
        [2, 4, 3],
        error_steps.their_hidden_error,
        equations=["BP2"],
    ),
    Step(
        *(5, "BP3 and BP4, the gradient", "dW, db; check_backprop: no fault"),
        [gradient_steps.GRADIENT],
        [2, 4, 3],
        gradient_steps.their_gradient,
    ),
    Step(6, "gradient descent", f"one step of {TRIALS} networks", [gradient_steps.DESCEND]),
    Step(
        *(7, "mini-batches", "means, sizes and order of the batches"),
        [epoch_task.ONE_BATCH],
        [2, 3, 1],
        epoch_task.their_mean_gradient,
        batches.batch_faults,
    ),
)
