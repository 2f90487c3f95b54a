"""Step 7: an epoch of mini-batches: first of a single batch, whose step does not depend on the order of its samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.check.exercise.answers import Answers
from glassnet.check.exercise.gradient_steps import fitted_rate, moved
from glassnet.check.exercise.task import Arguments, Mistake, Results, Rng, Task
from glassnet.check.exercise.teacher import Backprop, Gradients
from glassnet.check.exercise.trials import descend, draw, draw_sample, gradient
from glassnet.program.parameters import Array

FEW = 4  # trials with the network of the lesson


def _one_batch(rng: Rng, number: int) -> Arguments:
    """All samples in one batch, so that their order does not matter."""
    sample = draw_sample(rng, number if number > FEW else 0)  # first the small network of the lesson
    samples = 1 + number % 5
    x = draw(rng, len(sample["x"]), samples) if number else sample["x"]
    y = np.round(rng.random((len(sample["y"]), samples)), 2) if number else sample["y"]
    lr = float(np.round(rng.uniform(0.2, 0.9), 2)) if number else 0.5
    return sample | {"x": x, "y": y, "batch_size": samples, "lr": lr, "rng": np.random.default_rng(number)}


def _step_times(factor: Callable[[int], float]) -> Callable[..., Results]:
    """The parameters after a step with the mean gradient times a factor of the number of samples."""

    def step(weights: list[Array], biases: list[Array], x: Array, y: Array, **settings: Any) -> Results:
        dw, db = gradient(weights, biases, x, y)
        lr = settings["lr"] * factor(x.shape[1])
        return moved(descend(weights, dw, lr), descend(biases, db, lr))

    return step


def _step_of_mean_sample(weights: list[Array], biases: list[Array], x: Array, y: Array, **settings: Any) -> Results:
    """The parameters after a step with the gradient of one sample, the mean of the batch."""
    dw, db = gradient(weights, biases, x.mean(axis=1, keepdims=True), y.mean(axis=1, keepdims=True))
    return moved(descend(weights, dw, settings["lr"]), descend(biases, db, settings["lr"]))


def _mean_gradients(arguments: Arguments) -> Results:
    return moved(*gradient(*(arguments[name] for name in ("weights", "biases", "x", "y"))))


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
        Mistake(
            "this is the gradient for the mean of x and the mean of y; average the gradients of the samples instead.",
            _step_of_mean_sample,
        ),
    ),
    lambda name, trials, results: fitted_rate(name, trials, results, _mean_gradients),
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
