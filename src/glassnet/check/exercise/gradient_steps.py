"""Steps 5 and 6: the gradient of one sample with BP3 and BP4, and a step of gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from glassnet.check.exercise.answers import Answers
from glassnet.check.exercise.task import Arguments, Mistake, Results, Rng, Task
from glassnet.check.exercise.teacher import Backprop, Gradients, mean_of_samples
from glassnet.check.exercise.trials import descend, draw, draw_network, draw_sample, gradient
from glassnet.program.parameters import Array


def _backward(dw: list[Array], db: list[Array]) -> Results:
    """db and dW in the order in which they are computed, from the output back."""
    named: Results = {}
    for number in range(len(dw), 0, -1):
        named |= {f"db{number}": db[number - 1], f"dw{number}": dw[number - 1]}
    return named


GRADIENT = Task(
    "gradient",
    ("dw", "db"),
    {"dw": "δ·aᵀ, with the δ of this layer and the a that it reads", "db": "δ of this layer"},
    draw_sample,
    lambda weights, biases, x, y: _backward(*gradient(weights, biases, x, y)),
)


def their_gradient(answers: Answers) -> Backprop:
    """Their gradient of one sample, averaged."""

    def sample(weights: list[Array], biases: list[Array], x: Array, y: Array) -> Gradients:
        return answers.call("gradient", {"weights": weights, "biases": biases, "x": x, "y": y})

    return mean_of_samples(sample)


def _descend_arguments(rng: Rng, number: int) -> Arguments:
    network = draw_network(rng, number)
    gradients = {"dw": [draw(rng, *w.shape) for w in network["weights"]]}
    gradients["db"] = [draw(rng, *b.shape) for b in network["biases"]]
    return network | gradients | {"lr": float(np.round(rng.uniform(0.1, 0.9), 2))}


def moved(weights: list[Array], biases: list[Array]) -> Results:
    """Weights and biases by name, w1, w2 ... and b1, b2 ..."""
    named = {f"w{number}": w for number, w in enumerate(weights, 1)}
    return named | {f"b{number}": b for number, b in enumerate(biases, 1)}


def moved_by(rate: Callable[[float], float]) -> Callable[..., Results]:
    """The parameters after a step at another rate."""

    def results(weights: list[Array], biases: list[Array], dw: list[Array], db: list[Array], lr: float) -> Results:
        return moved(descend(weights, dw, rate(lr)), descend(biases, db, rate(lr)))

    return results


def fitted_rate(
    name: str, trials: Sequence[Arguments], results: Sequence[Results], gradients: Callable[[Arguments], Results]
) -> str:
    """The sentence for a step that is the gradient times a fixed number, or lr times a fixed number; else empty."""
    rates, lrs = [], []
    for arguments, own in zip(trials, results, strict=True):
        if name in own:
            gradient_of_name = gradients(arguments)[name]
            step = moved(arguments["weights"], arguments["biases"])[name] - own[name]
            rate = float((step * gradient_of_name).sum() / (gradient_of_name**2).sum())
            if np.abs(step - rate * gradient_of_name).max() > 1e-6 * np.abs(gradient_of_name).max():
                return ""
            rates.append(rate)
            lrs.append(arguments["lr"])
    symbol = f"d{name[0].upper() if name[0] == 'w' else name[0]}"
    if np.allclose(rates, rates[0], rtol=1e-6):
        return f"the step is {rates[0]:.4g}·{symbol} whatever lr is; it should be lr·{symbol}."
    shares = np.divide(rates, lrs)
    if np.allclose(shares, shares[0], rtol=1e-6):
        return f"the step is {shares[0]:.4g}·lr·{symbol}; it should be lr·{symbol}."
    return ""


DESCEND = Task(
    "descend",
    ("weights", "biases"),
    {"w": "W − lr·dW", "b": "b − lr·db"},
    _descend_arguments,
    moved_by(lambda lr: lr),
    (
        Mistake("lr·gradient is added: that goes uphill.", moved_by(lambda lr: -lr)),
        Mistake("the learning rate lr is missing.", moved_by(lambda lr: 1.0)),
        Mistake("it has not moved.", moved_by(lambda lr: 0.0)),
    ),
    lambda name, trials, results: fitted_rate(
        name, trials, results, lambda arguments: moved(arguments["dw"], arguments["db"])
    ),
)
