"""Forward passes, costs and gradients on given x and y: the equations of a model outside of training.

Executors are cached for each calling thread in `Model.thread_local`, or lent to one thread at a time, so that no two
threads share scratch memory and nothing is locked. x and y are rows that are already checked, except in `predict`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from glassnet.batches.samples import input_rows
from glassnet.batches.sources import Sources
from glassnet.batches.sparse import dense
from glassnet.batches.streamed_sources import StreamedValidation
from glassnet.batches.targets import misclassified, numeric_targets, predicted_classes, target_classes
from glassnet.execution.executor import Executor
from glassnet.execution.model import Model
from glassnet.execution.prediction import MIN_BLOCK, Predictor, SinglePredictor, block_size, forward_program
from glassnet.program.builder import build
from glassnet.program.parameters import Array
from glassnet.program.program import Program


def feedforward(
    model: Model, x: Array, training: bool = False, precision: str | None = None
) -> tuple[list[Array], list[Array]]:
    """Fresh copies of every z and a, samples as columns; `precision` is that of the products."""
    executor = loaded_executor(model, x, training=training, precision=precision)
    executor.run(0, executor.program.head("forward"))
    layers = range(1, len(model.architecture.dense) + 1)
    a_s = [executor.columns(f"a{layer}").copy() for layer in (0, *layers)]
    return [executor.columns(f"z{layer}").copy() for layer in layers], a_s


def backpropagation(
    model: Model, sources: Sources, z_s: Sequence[Any], a_s: Sequence[Any], training: bool
) -> tuple[list[Array], list[Array]]:
    """Set z and a as given, compute what other layers make of them, and run the backward equations."""
    executor = loaded_executor(model, *sources, training=training, precision=model.architecture.precision)
    given = {f"z{layer}": z for layer, z in enumerate(z_s, 1)} | {f"a{layer}": a for layer, a in enumerate(a_s[1:], 1)}
    for name, columns in given.items():
        executor.set(name, columns)
    for number, row in enumerate(executor.program.rows):
        if not given.keys() & set(row.writes):
            executor.run(number, number + 1)
    layers = range(1, len(z_s) + 1)
    dw, db = ([executor.columns(f"{symbol}{layer}").copy() for layer in layers] for symbol in ("dw", "db"))
    return dw, db


def predict(model: Model, x: Any, precision: str | None = None) -> Array:
    """The output, columns, for x (fan_in, batch) as the user passes it; one sample takes the fast path if possible.

    `precision` is that of the products; None is that of the dtype, whatever the model is trained in.
    """
    if precision is None and type(x) is np.ndarray and x.shape == model.sample_shape:
        try:
            single: SinglePredictor = model.thread_local.single
        except AttributeError:
            single = model.thread_local.single = SinglePredictor(model)
        if (output := single.predict(x)) is not None:
            return output
    return outputs(model, input_rows(x, model.architecture.inputs, model.dtype), precision)


def outputs(model: Model, rows: Array, precision: str | None = None) -> Array:
    """The same for checked rows, block by block."""
    size = block_size(model, len(rows))
    result = np.empty((len(rows), model.architecture.outputs), model.dtype)
    with _lent_predictor(model, size, precision) as predictor:
        if len(rows) >= MIN_BLOCK:
            predictor.executor.inspect(rows)
        for first in range(0, len(rows), size):
            predictor(rows[first : first + size], result[first : first + size])
    return result.T


@contextmanager
def _lent_predictor(model: Model, size: int, precision: str | None) -> Iterator[Predictor]:
    """An idle predictor for blocks of `size` samples, or a new one, for this thread alone until it is given back.

    Threads that live for one call, as those of a tabular model, would otherwise each build their own. One whose call
    failed is not given back.
    """
    idle = model.idle_predictors.setdefault(precision, [])
    predictor: Predictor | None
    try:
        predictor = idle.pop()
    except IndexError:  # another thread may have taken the last one
        predictor = None
    if predictor is None or predictor.executor.capacity < size:
        predictor = Predictor(model, size, forward_program(model, precision))
    yield predictor
    idle.append(predictor)


def evaluate(
    model: Model,
    sources: Sources | StreamedValidation,
    penalty: bool = True,
    observe: Callable[[slice, Array], None] | None = None,
) -> tuple[float, float | None]:
    """C, the weighted mean of the samples' costs, with or without the penalty; and the accuracy, None without classes.

    Where the output has groups, a sample counts as right if all of its groups are. `observe` is called with each block
    of samples and its outputs (m, fan_out), a view that the next block overwrites.
    """
    total = weight_sum = right = 0.0
    samples, has_classes, first = sources.x.shape[0], False, 0
    for x, y, weights in sources.parts(block_size(model, samples)):
        block = slice(first, first + len(y))
        first += len(y)
        executor = loaded_executor(model, dense(x), y)
        executor.run(0, executor.program.head("forward", "cost"))
        c = executor.rows("c")
        with np.errstate(over="ignore", invalid="ignore"):
            total += float(c.sum() if weights is None else c @ weights)
        weight_sum += float(len(c) if weights is None else weights.sum())
        if observe is not None:
            observe(block, executor.rows(output_name(executor.program)))
        if (classes := target_classes(model.architecture, y)) is not None:
            has_classes = True
            predicted = predicted_classes(executor.rows(output_name(executor.program)), model.architecture.groups)
            right += float((~misclassified(predicted, classes)).sum())
    mean = total / weight_sum + (_penalty(executor) if penalty else 0.0)
    return mean, right / samples if has_classes else None


def penalty_of(model: Model) -> float:
    """The part of C that does not depend on samples."""
    inputs, outputs = model.architecture.inputs, model.architecture.outputs
    executor = loaded_executor(model, np.zeros((1, inputs), model.dtype), np.zeros((1, outputs), model.dtype))
    executor.run(0, executor.program.head("forward", "cost"))
    return _penalty(executor)


def _penalty(executor: Executor) -> float:
    """The penalty that the cost's equations have computed."""
    penalties = (row.writes[0] for row in executor.program.rows if row.role == "penalty")
    return float(sum(executor.rows(name).sum() for name in penalties))


def output_name(program: Program) -> str:
    """The quantity that a network outputs: what the last forward equation writes."""
    return program.rows[program.head("forward") - 1].writes[0]


# Executors ------------------------------------------------------------------------------------------------------------


def loaded_executor(
    model: Model,
    x: Array,
    y: Array | None = None,
    weights: Array | None = None,
    *,
    training: bool = False,
    precision: str | None = None,
) -> Executor:
    """This thread's executor of the plain lowering, whose buffers hold the batch.

    `precision` is that of the products: None is that of the dtype, whatever the model is trained in.
    """
    cache: dict[Any, Executor] = model.thread_local.__dict__.setdefault("executors", {})
    m, weighted = len(x), weights is not None
    executor = cache.get((training, weighted, precision))
    if executor is None or executor.capacity < m:
        capacity = max(m, min(2 * executor.capacity if executor else 0, MIN_BLOCK))
        described = model.architecture._replace(precision=precision)
        program = build(described, training=training, weighted=weighted)
        executor = cache[training, weighted, precision] = model.executor(program, capacity)
    executor.m = m
    set_batch(executor, x, y, weights)
    return executor


def set_batch(executor: Executor, x: Array, y: Array | None = None, weights: Array | None = None) -> None:
    """Set a batch given as rows: x, y (class numbers become one-hot columns), and s = w·m/Σw."""
    executor.set("a0", x.T)
    if y is not None:
        executor.set("y", numeric_targets(y, int(executor.program.buffers["y"].shape[1])).T)
    if weights is not None:
        executor.set("s", weights * (len(x) / weights.sum()))
