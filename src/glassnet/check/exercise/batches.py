"""The batches of an epoch, seen from outside: which samples met in a batch, and in which order it used them.

x is the identity matrix, so that a weight of the first layer is moved by one sample alone. With a tiny rate it moves by
lr times that sample's gradient, divided by the size of its batch: each sample's share tells the size of its batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from glassnet.check.exercise.answers import AnswerError, Answers
from glassnet.check.exercise.epoch_task import ONE_BATCH
from glassnet.check.exercise.gradient_steps import moved
from glassnet.check.exercise.task import close
from glassnet.check.exercise.trials import descend, draw, gradient
from glassnet.program.parameters import Array

SAMPLES, BATCH_SIZE = 10, 4  # batches of 4, 4 and 2
TINY_RATE = 1e-6
SEEDS, MORE_SEEDS = range(6), range(6, 12)
KEPT = {  # the shares where sums are kept from batch to batch: divided as they grow, or in every step
    (*[0.5] * 6, *[0.75] * 4),
    (*[0.5] * 2, *[0.75] * 4, *[1.0] * 4),
}
LATE = 1e-3  # relative difference of shares that rounding and the tiny rate leave at most


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
        first = self.moves(answers, seed)["w1"]
        columns = [
            gradient(self.weights, self.biases, self.x[:, [i]], self.y[:, [i]])[0][0][:, i] for i in range(len(self.x))
        ]
        own = np.stack(columns, axis=1)
        shares = _multiples(first, own)
        if shares is None:
            raise AnswerError(self._foreign(first))
        return shares

    def _foreign(self, step: Array) -> str:
        """What a step of the first layer is made of where it is no multiple of the samples' own gradients."""

        def is_of(i: int, j: int) -> bool:
            dw, _ = gradient(self.weights, self.biases, self.x[:, [i]], self.y[:, [j]])
            return _multiples(step[:, [i]], dw[0][:, [i]]) is not None

        samples = range(len(step.T))
        if all(any(is_of(i, j) for j in samples) for i in samples):
            return "the x of one sample meets the y of another: take the columns of x and of y in the same order."
        return (
            "the step is not made of the gradients of single samples: compute the gradient of each column of x with "
            "the same column of y, and take the mean of these gradients."
        )

    def steps(self, shares: Array) -> dict[str, Array]:
        """By how much a tiny step moves each parameter, over the rate, where each sample's gradient has its share."""
        total = None
        for i, share in enumerate(shares):
            dw, db = gradient(self.weights, self.biases, self.x[:, [i]], self.y[:, [i]])
            own = {name: share * part for name, part in moved(dw, db).items()}
            total = own if total is None else {name: total[name] + part for name, part in own.items()}
        return total or {}

    def moves(self, answers: Answers, seed: int) -> dict[str, Array]:
        """By how much their tiny steps move each parameter, over the rate."""
        after, before = moved(*self.after(answers, TINY_RATE, seed)), moved(self.weights, self.biases)
        return {name: (before[name] - after[name]) / TINY_RATE for name in before}


def _multiples(columns: Array, own: Array) -> Array | None:
    """By which factor each column is that of `own`; None where one is not."""
    factors: Array = (columns * own).sum(axis=0) / (own * own).sum(axis=0)
    return None if np.abs(columns - factors * own).max() > LATE * np.abs(own).max() else factors


def batch_faults(answers: Answers) -> list[str]:
    """What is wrong with the batches of an epoch, in one sentence; none if nothing is."""
    if _features_shuffled(answers):
        return ["the rows of x, its features, come in a new order; shuffle its columns, the samples: x[:, order]."]
    data = IdentityData(SAMPLES)
    shares = [data.shares(answers, seed) for seed in SEEDS]
    sentence = next(filter(None, map(_shares_fault, shares)), "")
    if not sentence and np.ptp(shares, axis=0).max() < LATE:
        last = np.flatnonzero(shares[0] > 1.5 / BATCH_SIZE).tolist()
        sentence = f"samples {last} are in the smaller batch in every epoch: draw a new order of all samples with rng."
    if not sentence and not np.allclose(data.shares(answers, 0), shares[0], rtol=LATE):
        sentence = "two epochs with rng of the same seed differ: draw the order from rng, not from np.random."
    sentence = sentence or _rotation(answers, data, shares) or _other_share(answers, data, shares[0])
    sentence = sentence or _order_fault(answers)
    return [sentence] if sentence else []


def _rotation(answers: Answers, data: IdentityData, shares: Sequence[Array]) -> str:
    """Whether the samples of the smaller batch follow one another in every epoch."""
    if not all(map(_are_neighbours, shares)):
        return ""
    if not all(_are_neighbours(data.shares(answers, seed)) for seed in MORE_SEEDS):
        return ""
    return (
        "the smaller batch is always two samples that follow one another: the order is rotated, not shuffled; draw a "
        "new order of all samples with rng.permutation."
    )


def _are_neighbours(shares: Array) -> bool:
    """Whether the two samples of the smaller batch follow one another, the first after the last."""
    one, other = np.flatnonzero(shares > 1.5 / BATCH_SIZE)
    return int(other - one) in (1, SAMPLES - 1)


def _features_shuffled(answers: Answers) -> bool:
    """Whether single samples enter the step with the features in another order, whatever rng draws."""
    data, rng = IdentityData(3), np.random.default_rng(0)
    x, y = draw(rng, 3, 1), np.round(rng.random((2, 1)), 2)
    orders = []
    for seed in SEEDS:
        arguments = {"weights": data.weights, "biases": data.biases, "x": x, "y": y, "batch_size": 1, "lr": 1.0}
        theirs = ONE_BATCH.results(answers, arguments | {"rng": np.random.default_rng(seed)})
        matching = [order for order in permutations(range(3)) if _is_step(theirs, data, x[list(order)], y)]
        if not matching:
            return False
        orders.append(matching[0])
    return any(order != (0, 1, 2) for order in orders)


def _is_step(theirs: dict[str, Any], data: IdentityData, x: Array, y: Array) -> bool:
    """Whether their parameters are those after a step with one sample, at the rate 1."""
    dw, db = gradient(data.weights, data.biases, x, y)
    right = moved(descend(data.weights, dw, 1.0), descend(data.biases, db, 1.0))
    return all(close(theirs[name], value) for name, value in right.items())


def _other_share(answers: Answers, data: IdentityData, shares: Array) -> str:
    """Whether other parameters move as dW1 does: by the mean of each batch."""
    theirs, right = data.moves(answers, 0), data.steps(shares)
    wrong = [name for name in right if not _is_near(theirs[name], right[name])]
    if not wrong:
        return ""
    by_size = data.steps(np.full(SAMPLES, 1 / BATCH_SIZE))
    names, size, rest = _listed(wrong), BATCH_SIZE, SAMPLES % BATCH_SIZE
    if all(_is_near(theirs[name], by_size[name]) for name in wrong):
        return (
            f"Of {SAMPLES} samples with batch_size={size}, the last {rest} are a batch too: w1 is right, but in "
            f"{names} divide by their number, {rest}, not by {size}."
        )
    return f"w1 moves by the mean gradient of each batch, but {names} {'do' if len(wrong) > 1 else 'does'} not."


def _is_near(one: Array, other: Array) -> bool:
    return bool(np.abs(one - other).max() <= LATE * np.abs(other).max())


def _listed(names: Sequence[str]) -> str:
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])


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
    counts = tuple(sorted(shares.round(3).tolist()))
    if counts in KEPT:
        return f"{task}the gradients of earlier batches are added: dw and db are not set to 0 for each batch."
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
