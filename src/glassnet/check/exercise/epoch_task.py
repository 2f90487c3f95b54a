"""Step 7: an epoch of mini-batches, seen from outside: which samples met in a batch, and in which order it used them.

x is the identity matrix, so that a weight of the first layer is moved by one sample alone. With a tiny rate it moves by
lr times that sample's gradient, divided by the size of its batch: each sample's share tells the size of its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.check.exercise.answers import AnswerError, Answers
from glassnet.check.exercise.gradient_steps import moved
from glassnet.check.exercise.task import Arguments, Mistake, Results, Rng, Task, close
from glassnet.check.exercise.teacher import Backprop, Gradients
from glassnet.check.exercise.trials import descend, draw, draw_sample, gradient
from glassnet.program.parameters import Array

SAMPLES, BATCH_SIZE = 10, 4  # batches of 4, 4 and 2
FEW = 4  # trials with the network of the lesson
TINY_RATE = 1e-6
SEEDS = range(6)
LATE = 1e-3  # relative difference of shares that rounding and the tiny rate leave at most


def _one_batch(rng: Rng, number: int) -> Arguments:
    """All samples in one batch, so that their order does not matter."""
    sample = draw_sample(rng, number if number > FEW else 0)  # first the small network of the lesson
    samples = 1 + number % 5
    x = draw(rng, len(sample["x"]), samples) if number else sample["x"]
    y = np.round(rng.random((len(sample["y"]), samples)), 2) if number else sample["y"]
    return sample | {"x": x, "y": y, "batch_size": samples, "lr": 0.5, "rng": np.random.default_rng(number)}


def _step_times(factor: Callable[[int], float]) -> Callable[..., Results]:
    """The parameters after a step with the mean gradient times a factor of the number of samples."""

    def step(weights: list[Array], biases: list[Array], x: Array, y: Array, **settings: Any) -> Results:
        dw, db = gradient(weights, biases, x, y)
        lr = settings["lr"] * factor(x.shape[1])
        return moved(descend(weights, dw, lr), descend(biases, db, lr))

    return step


ONE_BATCH = Task(
    "epoch",
    ("weights", "biases"),
    {"w": "W − lr·dW, with dW the mean over the samples of the batch", "b": "b − lr·db, with db a mean over the batch"},
    _one_batch,
    _step_times(lambda m: 1.0),
    (
        Mistake("it has not moved.", _step_times(lambda m: 0.0)),
        Mistake("the gradients of the batch are added up; the step takes their mean.", _step_times(lambda m: m)),
        Mistake("the sum is divided by the number of samples twice.", _step_times(lambda m: 1 / m)),
        Mistake("lr·gradient is added: that goes uphill.", _step_times(lambda m: -1.0)),
    ),
)


def their_mean_gradient(answers: Answers) -> Backprop:
    """The gradient that an epoch of one batch follows: (before − after) / lr."""

    def batch(weights: list[Array], biases: list[Array], x: Array, y: Array) -> Gradients:
        data = {"weights": weights, "biases": biases, "x": x, "y": y}
        settings = {"batch_size": x.shape[1], "lr": 1.0, "rng": np.random.default_rng(0)}
        new_weights, new_biases = answers.call("epoch", data | settings)
        dw = [before - np.asarray(after) for before, after in zip(weights, new_weights, strict=True)]
        return dw, [before - np.asarray(after) for before, after in zip(biases, new_biases, strict=True)]

    return batch


class IdentityData:
    """Samples whose x is the identity, with a random network and targets."""

    def __init__(self, samples: int) -> None:
        rng = np.random.default_rng(samples)
        self.weights, self.biases = [draw(rng, 3, samples), draw(rng, 2, 3)], [draw(rng, 3, 1), draw(rng, 2, 1)]
        self.x, self.y = np.eye(samples), np.round(rng.random((2, samples)), 2)

    def after(self, answers: Answers, lr: float, seed: int) -> tuple[list[Array], list[Array]]:
        """Their weights and biases after an epoch."""
        data = {"weights": self.weights, "biases": self.biases, "x": self.x, "y": self.y}
        settings = {"batch_size": BATCH_SIZE, "lr": lr, "rng": np.random.default_rng(seed)}
        after = ONE_BATCH.results(answers, data | settings)
        return [after["w1"], after["w2"]], [after["b1"], after["b2"]]

    def shares(self, answers: Answers, seed: int) -> Array:
        """By which factor each sample's own gradient entered the step: 1 / the size of its batch.

        Raises AnswerError where a column of dW is no multiple of the gradient of its sample.
        """
        moved = (self.weights[0] - self.after(answers, TINY_RATE, seed)[0][0]) / TINY_RATE
        columns = [
            gradient(self.weights, self.biases, self.x[:, [i]], self.y[:, [i]])[0][0][:, i] for i in range(len(self.x))
        ]
        own = np.stack(columns, axis=1)
        shares = (moved * own).sum(axis=0) / (own * own).sum(axis=0)
        if np.abs(moved - shares * own).max() > LATE * np.abs(own).max():
            text = "the x of one sample meets the y of another: take the columns of x and of y in the same order."
            raise AnswerError(text)
        return shares


def batch_faults(answers: Answers) -> list[str]:
    """What is wrong with the batches of an epoch, in one sentence; none if nothing is."""
    data = IdentityData(SAMPLES)
    shares = [data.shares(answers, seed) for seed in SEEDS]
    sentence = next(filter(None, map(_shares_fault, shares)), "")
    if not sentence and np.ptp(shares, axis=0).max() < LATE:
        last = np.flatnonzero(shares[0] > 1.5 / BATCH_SIZE).tolist()
        sentence = f"samples {last} are in the smaller batch in every epoch: draw a new order of all samples with rng."
    if not sentence and not np.allclose(data.shares(answers, 0), shares[0], rtol=LATE):
        sentence = "two epochs with rng of the same seed differ: draw the order from rng, not from np.random."
    sentence = sentence or _order_fault(answers)
    return [sentence] if sentence else []


def _shares_fault(shares: Array) -> str:
    """What the shares of the samples tell about their batches; empty if these are of 4, 4 and 2."""

    def is_near(value: float) -> Any:
        return np.abs(shares - value) < LATE

    size, rest = BATCH_SIZE, SAMPLES % BATCH_SIZE
    task = f"Of {SAMPLES} samples with batch_size={size}, "
    if np.all(is_near(1 / size) | is_near(1 / rest)) and is_near(1 / rest).sum() == rest:
        return ""
    if is_near(0).sum() == rest and is_near(1 / size).sum() == SAMPLES - rest:
        return f"{task}{rest} are never used: the last, smaller batch is left out."
    if np.all(is_near(1 / size)):
        return f"{task}the last {rest} are a batch too: divide by their number, {rest}, not by {size}."
    if np.all(is_near(1)):
        return f"{task}each makes a step of its own, with the factor 1: take {size} together, and the mean over them."
    if np.all(is_near(1 / SAMPLES)):
        return f"{task}all make one step together: take {size} at a time."
    if is_near(0).any():
        return f"{task}{is_near(0).sum()} are not used in this epoch: every sample belongs to exactly one batch."
    known = ", ".join(f"{share:.3g}" for share in shares)
    return f"{task}batches of 4, 4 and 2 give them the factors 1/4 and 1/2 in dW; yours are {known}."


def _order_fault(answers: Answers) -> str:
    """Whether the second batch starts from the weights that the first one left: 6 samples, batches of 4 and 2."""
    data = IdentityData(BATCH_SIZE + 2)
    is_small = data.shares(answers, 0) > 1.5 / BATCH_SIZE
    batches = [np.flatnonzero(~is_small), np.flatnonzero(is_small)]
    theirs = np.concatenate([part.ravel() for parts in data.after(answers, 1.0, 0) for part in parts])
    if any(close(theirs, _steps(data, order)) for order in (batches, batches[::-1])):
        return ""
    if close(theirs, _steps(data, batches, fresh=False)):
        return "every batch starts from the first weights: go on from those that the batch before it left."
    return "the weights after two batches are not those of two steps, one after the other, with the mean gradients."


def _steps(data: IdentityData, batches: list[Any], fresh: bool = True) -> Array:
    """All parameters after a step per batch, at the rate 1; without `fresh`, all gradients at the first weights."""
    start = weights, biases = data.weights, data.biases
    for chosen in batches:
        at = (weights, biases) if fresh else start
        dw, db = gradient(*at, data.x[:, chosen], data.y[:, chosen])
        weights, biases = descend(weights, dw, 1.0), descend(biases, db, 1.0)
    return np.concatenate([part.ravel() for part in (*weights, *biases)])
