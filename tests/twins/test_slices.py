"""Bits never depend on who does what: slices of the samples, threads, batches; padding stays 0, dtypes stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from glassnet.engine.executor import Compiled
from glassnet.lowering import fused
from glassnet.memory import Memory
from glassnet.network import NeuralNetwork
from glassnet.parameters import Array, Parameters
from glassnet.program import Row
from glassnet.reference import Reference
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.layers import LAYERS
from glassnet.tables.optimizers import OPTIMIZERS
from tests.twins.programs import DTYPES, NAMED, TABLE, Case, bits, cases
from tests.twins.programs import batches, begin, fitting, held_vectors, prepared, run_row, schedule

M = 43
SLICES = ((0, 1), (42, 1), (5, 3), (36, 7), (0, 13), (20, 13), (3, 40), (0, 43))
THREADS = (1, 2, 3, 8)


def started(case: Case) -> Compiled:
    """A compiled executor in the middle of a run, at the beginning of a step."""
    program = case.program()
    compiled = prepared(Compiled, program, case, started=True)
    plan = schedule(case, program, [(4, case.m)])
    begin(compiled, plan, 0)
    compiled.plan = plan  # its arrays must live as long as the context names them
    return compiled


# Slices of the samples ------------------------------------------------------------------------------------------------


def slice_again(compiled: Compiled, number: int, whole: dict[str, Array], first: int, count: int) -> Iterator[Any]:
    """Run a row on some of the samples alone: for each result, its name, what came out, and its part of the whole."""
    row, buffers = compiled.program.rows[number], compiled.program.buffers
    compiled.m = compiled.context[2] = count
    compiled.context[3] = compiled.plan.batches[0, 0] + first
    for name in row.reads:
        if buffers[name].home != "source" and buffers[name].shape[0] == "m":
            compiled.rows(name)[...] = whole[name][first : first + count]
    for name in set(row.writes) - set(row.reads):
        compiled.rows(name)[...] = np.nan
    run_row(compiled, number)
    for name in row.writes:
        yield name, compiled.rows(name).copy(), whole[f"after {name}"][first : first + count]
    compiled.m, compiled.context[2:4] = M, (M, compiled.plan.batches[0, 0])


def check_slices(case: Case) -> None:
    """Every row without a sum over samples; what dropout drops depends on the place in the batch, so it begins at 0."""
    compiled = started(case._replace(m=M))
    program = compiled.program
    for number, row in enumerate(program.rows):
        names = [name for name in (*row.reads, *row.writes) if program.buffers[name].home != "source"]
        whole = {name: compiled.rows(name).copy() for name in names}
        run_row(compiled, number)
        after = {name: compiled.rows(name).copy() for name in row.writes}
        if program.split(row)[0] == "samples":
            whole |= {f"after {name}": values for name, values in after.items()}
            for first, count in SLICES:
                for name, part, truth in slice_again(compiled, number, whole, 0 if row.kind == "dropout" else first, count):
                    assert bits(part) == bits(truth), (row.kind, name, first, count)
            for name, values in (whole | after).items():
                if name in names:
                    compiled.rows(name)[...] = values


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_rows_of_the_tables_do_not_depend_on_the_slice(name: str, dtype: str) -> None:
    check_slices(TABLE[name]._replace(dtype=dtype))


@given(cases())
def test_rows_of_random_programs_do_not_depend_on_the_slice(case: Case) -> None:
    check_slices(case)


# Threads --------------------------------------------------------------------------------------------------------------


def check_threads(case: Case) -> None:
    """All memory after a row, padding included, is the same whoever does which share, in whichever order."""
    compiled = started(case)
    vectors = held_vectors(compiled)
    for number, row in enumerate(compiled.program.rows):
        for name in set(row.writes) - set(row.reads):
            compiled.rows(name)[...] = np.nan
        before = {name: vector.copy() for name, vector in vectors.items()}
        run_row(compiled, number)
        truth = {name: vector.copy() for name, vector in vectors.items()}
        check_untouched(compiled, row, before, truth)
        for threads in THREADS:
            for order in (range(threads), reversed(range(threads))):
                for name, vector in vectors.items():
                    vector[:] = before[name]
                run_row(compiled, number, tuple(order))
                for name, vector in vectors.items():
                    assert vector.tobytes() == truth[name].tobytes(), (row.kind, row.writes, name, threads)


def check_untouched(compiled: Compiled, row: Row, before: dict[str, Array], after: dict[str, Array]) -> None:
    """A row changes what it writes and nothing else."""
    for name in row.writes:
        compiled.rows(name)[...] = 0
    held = held_vectors(compiled)
    written = {name: vector.copy() for name, vector in held.items()}
    for name, vector in held.items():
        vector[:] = before[name]
    for name in row.writes:
        compiled.rows(name)[...] = 0
    for name, vector in held.items():
        assert vector.tobytes() == written[name].tobytes(), (row.kind, row.writes, name)
        vector[:] = after[name]


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_rows_of_the_tables_do_not_depend_on_the_threads(name: str, dtype: str) -> None:
    check_threads(TABLE[name]._replace(dtype=dtype, m=41))


@given(cases())
def test_rows_of_random_programs_do_not_depend_on_the_threads(case: Case) -> None:
    check_threads(case)


# Batches --------------------------------------------------------------------------------------------------------------


def network(name: str, dtype: str, engine: str = "compiled") -> NeuralNetwork:
    """The network of a case of the tables, with running statistics of its own."""
    case = TABLE[name]
    net = NeuralNetwork(case.layers, case.activations, case.cost, dtype=dtype, seed=3, engine=engine)
    net.statistics.vector[:] += np.abs(np.sin(np.arange(net.statistics.vector.size)))
    return net


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_what_is_predicted_for_a_sample_does_not_depend_on_its_batch(name: str, dtype: str) -> None:
    net = network(name, dtype)
    x = np.random.default_rng(0).normal(size=(6, 600))
    whole = net.predict(x)
    assert bits(net.predict(x[:, :1])[:, 0]) == bits(whole[:, 0])
    for first, count in ((1, 1), (255, 2), (7, 13), (590, 10), (3, 300), (599, 1)):
        assert bits(net.predict(x[:, first : first + count])) == bits(whole[:, first : first + count])
    assert bits(net.predict(x[:, ::-1])) == bits(whole[:, ::-1])
    assert bits(net.feedforward(x[:, 70:77])[1][-1]) == bits(net.feedforward(x)[1][-1][:, 70:77])


# Padding and dtypes ---------------------------------------------------------------------------------------------------


def padding(held: Parameters) -> Array:
    """What lies between the segments of a vector."""
    free = np.ones(held.vector.size, bool)
    for name, segment in held.segments.items():
        free[held.offsets[name] : held.offsets[name] + segment.size] = False
    assert free.any()
    return held.vector[free]


@pytest.mark.parametrize("executor", [Reference, Compiled])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*OPTIMIZERS, *(f"{name}, strict" for name in OPTIMIZERS), *LAYERS])
def test_padding_is_0_after_steps(name: str, dtype: str, executor: type[Memory]) -> None:
    case = TABLE[name]._replace(dtype=dtype)
    for program in (case.program(), fused(case.program())):
        runner = prepared(executor, program, case)
        runner.steps(schedule(case, program, batches(case, 5)), np.zeros(5))
        held = runner.held
        for vector in (held.parameters, held.gradients, *held.states):
            assert padding(vector).tobytes() == bytes(padding(vector).nbytes)
            assert vector is held.gradients or all(rows.any() for rows in vector.values())


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given_as", ["float32", "float64", "uint8", "int64", "bool"])
def test_what_comes_out_has_the_dtype_of_the_network(given_as: str, dtype: str, engine: str) -> None:
    net = network("labels", dtype, engine)
    x = np.random.default_rng(0).integers(0, 2, (6, 20)).astype(given_as)
    labels = np.arange(20) % 4
    z_s, a_s = net.feedforward(x)
    dw, db = net.backpropagation(labels, z_s, a_s)
    history = net.train(x, labels, epochs=1, optimizer="adam", sample_weight=np.ones(20), verbose=0)
    values = [net.predict(x), *z_s, *a_s, *dw, *db, *net.weights, *net.biases, net.parameters.vector]
    assert {value.dtype.name for value in values} == {dtype}
    assert type(net.cost(x, labels)) is float
    assert type(history[-1].cost) is float


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_quantity_of_a_step_is_promoted(name: str, dtype: str) -> None:
    case = TABLE[name]._replace(dtype=dtype)
    for executor in (Reference, Compiled):
        runner = prepared(executor, case.program(), case)
        for quantity, buffer in case.program().buffers.items():
            if buffer.home != "source":
                assert runner.rows(quantity).dtype == ("float64" if buffer.float64 else dtype)


__all__ = ["fitting"]
