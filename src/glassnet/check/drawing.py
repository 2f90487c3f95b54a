"""Random parameters and a batch on which every mistake shows: no gradient is 0, every relu has open and closed gates.

A batch on which a part of the network is dead hides what is wrong there. z is therefore spread to about ±1 in every
neuron, and the numbers are drawn again until every row of every dW and db is non-zero, as far as the widths allow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.check.mistakes.passes import Dense, Pass
from glassnet.program.parameters import Array
from glassnet.tables.costs import Cost

MAX_DRAWS = 150  # of a whole network
PATIENCE, WIDE_PATIENCE = 30, 3  # draws without an improvement, after which single dead rows count as unavoidable
WIDE = 16  # a layer above it makes every draw slow, and single dead rows hide little
LAYER = 100.0  # what a whole dead layer counts
MAX_ROW_DRAWS = 30  # of the weights of one neuron
MIN_ENTRY = 1e-3  # of a row of dW and db, relative to the mean |δ|: below, it counts as 0


class Shape(NamedTuple):
    """What is drawn for: layers, cost, m samples; without biases they are 0; `labels` makes every target one-hot."""

    widths: list[int]
    dense: list[Dense]
    cost: Cost
    m: int
    has_biases: bool
    labels: bool


class Drawn(NamedTuple):
    """Weights (fan_out, fan_in), biases (fan_out, 1), x (fan_in, m) and y (fan_out, m)."""

    weights: list[Array]
    biases: list[Array]
    x: Array
    y: Array


def draw(shape: Shape, rng: np.random.Generator) -> Drawn:
    """The first draw without a dead row, or the one with the fewest."""
    best = _draw_once(shape, rng)
    least, since = dead_rows(shape, best), 0
    patience = PATIENCE if max(shape.widths) <= WIDE else WIDE_PATIENCE
    for _ in range(MAX_DRAWS):
        if least == 0 or (least < LAYER and since > patience):
            break
        drawn, since = _draw_once(shape, rng), since + 1
        if (dead := dead_rows(shape, drawn)) < least:
            best, least, since = drawn, dead, 0
    return best


def dead_rows(shape: Shape, drawn: Drawn) -> float:
    """How many rows of dW and db are 0, plus many for a layer that is, or a relu that never opens or closes."""
    run = Pass(
        ([w[np.newaxis] for w in drawn.weights], [b[np.newaxis] for b in drawn.biases]),
        (drawn.x[np.newaxis], drawn.y[np.newaxis]),
        shape.dense,
        shape.cost,
    )
    dead, deltas = 0.0, run.errors()
    for layer, (dw, db) in enumerate(zip(*(parts[1:] for parts in run.gradients()), strict=True), 1):
        scale = MIN_ENTRY * max(float(np.abs(deltas[layer]).mean()), 1e-12)
        for rows in (np.abs(dw[0]).max(axis=1), np.abs(db[0]).max(axis=1)):
            dead += float((rows <= scale).sum()) + LAYER * float(rows.max() <= scale)
        if shape.dense[layer - 1].activation.name == "relu":
            is_open = run.a[layer] > 0
            dead += LAYER * float(is_open.all() or not is_open.any())
    return dead


def _draw_once(shape: Shape, rng: np.random.Generator) -> Drawn:
    x = rng.normal(size=(shape.widths[0], shape.m))
    weights, biases, a = [], [], x
    for width, dense in zip(shape.widths[1:], shape.dense, strict=True):
        w, b = _layer(width, a, dense, shape.has_biases, rng)
        a = dense.value((w @ a + b)[np.newaxis])[0]
        weights.append(w)
        biases.append(b)
    return Drawn(weights, biases, x, _targets(shape, rng))


def _layer(width: int, a: Array, dense: Dense, has_biases: bool, rng: np.random.Generator) -> tuple[Array, Array]:
    """Weights and biases that give each neuron a z of mean about 0 and standard deviation about 1."""
    w = rng.normal(size=(width, len(a)))
    gated = dense.activation.name == "relu"
    if gated and not has_biases:
        for row in w:
            for _ in range(MAX_ROW_DRAWS):
                if (row @ a > 0).any() and (row @ a < 0).any():
                    break
                row[:] = rng.normal(size=len(a))
    z = w @ a
    spread = z.std(axis=1, keepdims=True)
    w *= np.where(spread > 1e-3, rng.uniform(0.8, 1.3, spread.shape) / np.maximum(spread, 1e-3), 1.0)
    if not has_biases:
        return w, np.zeros((width, 1))
    z = w @ a
    return w, _thresholds(z, rng) if gated else 0.4 * rng.normal(size=(width, 1)) - z.mean(axis=1, keepdims=True)


def _thresholds(z: Array, rng: np.random.Generator) -> Array:
    """Biases with which each neuron opens for some samples and not for others, and more often than not."""
    biases = np.zeros((len(z), 1))
    for row, values in enumerate(z):
        steps = np.unique(values)
        first = int(rng.integers(0, max(1, (len(steps) + 1) // 2)))
        biases[row] = -(steps[first] + steps[min(first + 1, len(steps) - 1)]) / 2
    return biases + np.where(np.abs(biases) < 1e-3, 1e-3, 0)


def _targets(shape: Shape, rng: np.random.Generator) -> Array:
    """One-hot where targets are distributions or labels, with every class; 0 and 1 for probabilities; else numbers."""
    cost, size = shape.cost, (shape.widths[-1], shape.m)
    if cost.target_sum is not None or (shape.labels and size[0] > 1):
        groups = shape.dense[-1].groups
        return np.vstack([np.eye(count)[:, _every_class(count, shape.m, rng)] for count in groups])
    if shape.labels or (cost.targets.low, cost.targets.high) == (0, 1):
        return np.stack([_every_class(2, shape.m, rng) for _ in range(size[0])]).astype(float)
    targets: Array = np.clip(rng.normal(0.4, 0.8, size), cost.targets.low, cost.targets.high)
    return targets


def _every_class(count: int, m: int, rng: np.random.Generator) -> Any:
    """m class numbers in which each of `count` occurs, if m is large enough."""
    return rng.permutation(np.concatenate([np.arange(count), rng.integers(0, count, max(0, m - count))])[:m])
