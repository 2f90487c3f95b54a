"""Forward passes, costs and gradients on given x and y: the rows of a network's program outside of training.

Executors are kept for each calling thread, so that two threads never share scratch and nothing is locked.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.batches.samples import input_rows
from glassnet.batches.sparse import dense
from glassnet.execution.executor import Executor, executor
from glassnet.execution.prediction import LEAST, Predictor, Single, block_size
from glassnet.execution.reference import Sources
from glassnet.program.buffers import vectors
from glassnet.program.builder import build
from glassnet.program.parameters import Array
from glassnet.program.program import Program

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork


class Inference:
    """Runs the rows of `network` on batches that are already rows and already checked."""

    def __init__(self, network: NeuralNetwork) -> None:
        self.network = network
        self.column = (network.architecture.inputs, 1)
        self._kept = threading.local()

    def feedforward(self, rows: Array, training: bool) -> tuple[list[Array], list[Array]]:
        """Fresh copies of every z and a, columns."""
        runner = self._ready(rows, training)
        self._forward(runner)
        numbers = range(1, len(self.network.architecture.dense) + 1)
        a_s = [runner.columns(f"a{n}").copy() for n in (0, *numbers)]
        return [runner.columns(f"z{n}").copy() for n in numbers], a_s

    def backpropagation(
        self, x: Array, y: Array, z_s: Sequence[Any], a_s: Sequence[Any], weights: Array | None, training: bool
    ) -> tuple[list[Array], list[Array]]:
        """Set z and a as given, work out what other layers make of them, and run the rows back."""
        runner = self._ready(x, training, y, weights)
        given = {f"z{n}": z for n, z in enumerate(z_s, 1)} | {f"a{n}": a for n, a in enumerate(a_s[1:], 1)}
        for name, columns in given.items():
            runner.set(name, columns)
        for number, row in enumerate(runner.program.rows):
            if not given.keys() & set(row.writes):
                runner.run(number, number + 1)
        numbers = range(1, len(z_s) + 1)
        return [runner.columns(f"dw{n}").copy() for n in numbers], [runner.columns(f"db{n}").copy() for n in numbers]

    def predict(self, x: Any) -> Array:
        """The last value of the forward pass, columns: one sample by the short way, where that serves."""
        if type(x) is np.ndarray and x.shape == self.column:
            try:
                single: Single = self._kept.single
            except AttributeError:
                single = self._kept.single = Single(self.network)
            answer = single.predict(x)
            if answer is not None:
                return answer
        return self.blocks(input_rows(x, self.network.architecture.inputs, self.network.dtype))

    def blocks(self, rows: Array) -> Array:
        """The same for checked rows, block by block."""
        network = self.network
        size = block_size(network, len(rows))
        result = np.empty((len(rows), network.architecture.outputs), network.dtype)
        predictor: Predictor | None = self._kept.__dict__.get("predictor")
        if predictor is None or predictor.runner.capacity < size:
            predictor = self._kept.predictor = Predictor(network, size)
        if len(rows) >= LEAST:
            predictor.runner.inspect(rows)
        for first in range(0, len(rows), size):
            predictor(rows[first : first + size], result[first : first + size])
        return result.T

    def cost(self, x: Array, y: Array, weights: Array | None) -> float:
        """The weighted mean of the cost of each sample, plus the penalty."""
        return self.evaluate(Sources(x, y, weights))[0]

    def evaluate(self, sources: Sources, penalty: bool = True) -> tuple[float, float | None]:
        """C, with or without the penalty, and the share of samples that are answered right where y are classes.

        In every group of outputs, where there are groups; None where y are no classes.
        """
        total = weight_sum = right = 0.0
        classes = self._classes(sources)
        samples = sources.x.shape[0]
        size = block_size(self.network, samples)
        for first in range(0, samples, size):
            stop = min(first + size, samples)
            weights = None if sources.weights is None else sources.weights[first:stop]
            runner = self._ready(dense(sources.x[first:stop]), False, sources.y[first:stop])
            self._costs(runner)
            c = runner.rows("c")
            with np.errstate(over="ignore", invalid="ignore"):
                total += float(c.sum() if weights is None else c @ weights)
            weight_sum += float(len(c) if weights is None else weights.sum())
            if classes is not None:
                found = answers(runner.rows(output_name(runner.program)), self.network.architecture.groups)
                right += float((~wrong(found, classes[first:stop])).sum())
        mean = total / weight_sum + (self._penalty(runner) if penalty else 0.0)
        return mean, None if classes is None else right / samples

    # Executors --------------------------------------------------------------------------------------------------------

    def runner(self, m: int, training: bool, weighted: bool) -> Executor:
        """This thread's executor for batches of m samples."""
        kept: dict[tuple[bool, bool], tuple[int, Executor]] = self._kept.__dict__.setdefault("executors", {})
        capacity, found = kept.get((training, weighted), (0, None))
        if found is None or capacity < m:
            network = self.network
            program = build(network.architecture, training=training, weighted=weighted)
            capacity = max(m, min(2 * capacity, LEAST))
            held = vectors(program, network.parameters, network.statistics)
            found = executor(network.engine, program, held, capacity, network.seed)
            kept[training, weighted] = (capacity, found)
        found.m = m
        found.scalars = {"l1": self.network.architecture.l1, "l2": self.network.architecture.l2}
        return found

    def _ready(self, x: Array, training: bool, y: Array | None = None, weights: Array | None = None) -> Executor:
        """This thread's executor, whose buffers hold the batch."""
        runner = self.runner(len(x), training, weights is not None)
        set_batch(runner, x, y, weights)
        return runner

    def _forward(self, runner: Executor) -> None:
        runner.run(0, runner.program.head("forward"))

    def _costs(self, runner: Executor) -> None:
        runner.run(0, runner.program.head("forward", "cost"))

    def _penalty(self, runner: Executor) -> float:
        return float(sum(runner.rows(name).sum() for name in runner.program.buffers if name.startswith("penalty")))

    def _classes(self, sources: Sources) -> Array | None:
        """The class of each sample (n,), or of each sample and group (n, groups), where the cost is a cross-entropy."""
        if sources.y.ndim == 1:
            return sources.y
        if (
            self.network.architecture.cost.target_sum is not None
            or self.network.architecture.cost.name == "binary_cross_entropy"
        ):
            return answers(sources.y, self.network.architecture.groups)
        return None


def set_batch(runner: Executor, x: Array, y: Array | None = None, weights: Array | None = None) -> None:
    """Set a batch that is already rows: x, y (class numbers become columns with a single 1), and s = w·m/Σw."""
    runner.set("a0", x.T)
    if y is not None:
        classes = int(runner.program.buffers["y"].shape[1])
        runner.set("y", np.equal(np.arange(classes)[:, np.newaxis], y) if y.ndim == 1 else y.T)
    if weights is not None:
        runner.set("s", weights * (len(x) / weights.sum()))


def output_name(program: Program) -> str:
    """The quantity that the network gives: what the last forward row writes."""
    return program.rows[program.head("forward") - 1].writes[0]


def answers(rows: Array, groups: Sequence[int]) -> Array:
    """The most probable class of each sample, (n,), or of each group of outputs, (n, groups).

    With one output, whether it passes one half.
    """
    if len(groups) > 1:
        return np.stack([part.argmax(axis=1) for part in np.split(rows, np.cumsum(groups)[:-1], axis=1)], axis=1)
    return rows.argmax(axis=1) if rows.shape[1] > 1 else np.greater(rows[:, 0], 0.5)


def wrong(found: Array, classes: Array) -> Array:
    """Which samples (n,) are answered wrongly, in any of their groups."""
    differs = np.not_equal(found, classes).reshape(len(found), -1)
    return np.asarray(differs.any(axis=1))
