"""Bits never depend on slices of the samples, threads or batches; padding stays 0, dtypes stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from glassnet.batches.mini_batches import StepRange
from glassnet.engine.executor import Compiled
from glassnet.engine.layout import CONTEXT
from glassnet.execution.reference import Reference
from glassnet.network import NeuralNetwork
from glassnet.program.buffers import Memory
from glassnet.program.lowering import fused
from glassnet.program.parameters import Array, Parameters
from glassnet.program.program import Program, Row
from glassnet.tables.layers import LAYERS
from glassnet.tables.optimizers import OPTIMIZERS
from tests.twins.programs import (
    DTYPES,
    NAMED,
    TABLE,
    Case,
    all_memory,
    assign,
    batches,
    begin,
    bits,
    cases,
    prepared,
    run_row,
    schedule,
)

M = 43
SLICES = ((0, 1), (42, 1), (5, 3), (36, 7), (0, 13), (20, 13), (3, 40), (0, 43))
THREADS = (1, 2, 3, 8)


def started(case: Case, program: Program) -> tuple[Compiled, StepRange]:
    """A compiled executor in the middle of a run, at the beginning of a step."""
    compiled, plan = prepared(Compiled, program, case, started=True), schedule(case, program, [(4, case.m)])
    begin(compiled, plan, 0)
    return compiled, plan


# Slices of the samples ------------------------------------------------------------------------------------------------


def sliced(compiled: Compiled, number: int, reads: dict[str, Array], first: int, count: int) -> dict[str, Array]:
    """The results of a row for some of the samples."""
    row, context = compiled.program.rows[number], compiled.context.copy()
    compiled.m, compiled.context[CONTEXT.samples] = count, count
    compiled.context[CONTEXT.first_sample] += first
    for name, whole in reads.items():
        assign(compiled, name, whole[first : first + count])
    for name in set(row.writes) - set(reads):
        assign(compiled, name, np.nan)
    run_row(compiled, number)
    results = {name: compiled.rows(name).copy() for name in row.writes}
    compiled.m, compiled.context[:] = M, context
    return results


def check_slices(case: Case) -> None:
    """Check every row without a sum over samples; dropout depends on the position in the batch, so it begins at 0."""
    compiled, _plan = started(case, case.program())
    buffers = compiled.program.buffers
    for number, row in enumerate(compiled.program.rows):
        of_samples = [name for name in row.reads if buffers[name].home == "work" and buffers[name].shape[0] == "m"]
        reads = {name: compiled.rows(name).copy() for name in of_samples}
        run_row(compiled, number)
        if compiled.program.split(row)[0] != "samples":
            continue
        truth = {name: compiled.rows(name).copy() for name in row.writes}
        for first, count in SLICES:
            first = 0 if row.kind in ("dropout", "scheduled_dropout", "noise") else first
            for name, part in sliced(compiled, number, reads, first, count).items():
                assert bits(part) == bits(truth[name][first : first + count]), (row.kind, name, first, count)
        for name, whole in (reads | truth).items():
            assign(compiled, name, whole)


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_rows_of_the_tables_do_not_depend_on_the_slice(name: str, dtype: str) -> None:
    check_slices(TABLE[name]._replace(dtype=dtype, m=M))


@given(cases())
def test_rows_of_random_programs_do_not_depend_on_the_slice(case: Case) -> None:
    check_slices(case._replace(m=M))


# Threads --------------------------------------------------------------------------------------------------------------


def check_threads(case: Case, program: Program) -> None:
    """Check that all memory after a row is the same for any number of threads in any order, padding included."""
    compiled, _plan = started(case, program)
    vectors = all_memory(compiled)
    for number, row in enumerate(program.rows):
        poison(compiled, row)
        before = {name: vector.copy() for name, vector in vectors.items()}
        untouched = others(compiled, row)
        run_row(compiled, number)
        assert others(compiled, row) == untouched
        truth = {name: bits(vector) for name, vector in vectors.items()}
        for order in (order for threads in THREADS for order in (range(threads), range(threads)[::-1])):
            for name, vector in vectors.items():
                vector[:] = before[name]
            run_row(compiled, number, tuple(order))
            different = [name for name, vector in vectors.items() if bits(vector) != truth[name]]
            assert not different, (row.kind, row.writes, different, order)


def poison(compiled: Compiled, row: Row) -> None:
    """Write NaN where a row will write, unless it reads there."""
    read = set(map(compiled.program.memory, row.reads))
    for name in row.writes:
        if compiled.program.memory(name) not in read:
            assign(compiled, name, np.nan)


def others(compiled: Compiled, row: Row) -> list[bytes]:
    """All memory but what the row writes."""
    written = {name: compiled.rows(name).copy() for name in row.writes}
    for name in written:
        assign(compiled, name, 0)
    rest = [vector.tobytes() for vector in all_memory(compiled).values()]
    for name, values in written.items():
        assign(compiled, name, values)
    return rest


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_rows_of_the_tables_do_not_depend_on_the_threads(name: str, dtype: str) -> None:
    case = TABLE[name]._replace(dtype=dtype, m=41)
    for program in (case.program(), fused(case.program())):
        check_threads(case, program)


@given(cases())
def test_rows_of_random_programs_do_not_depend_on_the_threads(case: Case) -> None:
    check_threads(case, case.program())


# Batches --------------------------------------------------------------------------------------------------------------


def network(name: str, dtype: str, engine: str = "compiled") -> NeuralNetwork:
    """The network of a case of the tables, with running statistics of its own."""
    case = TABLE[name]
    net = NeuralNetwork(case.layers, case.activations, case.cost, dtype=dtype, seed=3, engine=engine)
    net.statistics.vector[:] += np.abs(np.sin(np.arange(net.statistics.vector.size)))
    return net


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_predictions_do_not_depend_on_the_batch(name: str, dtype: str) -> None:
    net = network(name, dtype)
    x = np.random.default_rng(0).normal(size=(net.model.architecture.inputs, 600))
    whole = net.predict(x)
    assert bits(net.predict(x[:, :1])[:, 0]) == bits(whole[:, 0])
    for first, count in ((1, 1), (255, 2), (7, 13), (590, 10), (3, 300), (599, 1)):
        assert bits(net.predict(x[:, first : first + count])) == bits(whole[:, first : first + count])
    assert bits(net.predict(x[:, ::-1])) == bits(whole[:, ::-1])
    assert bits(net.feedforward(x[:, 70:77])[1][-1]) == bits(net.feedforward(x)[1][-1][:, 70:77])


# Padding and dtypes ---------------------------------------------------------------------------------------------------


def padding(parameters: Parameters) -> Array:
    """The numbers between the segments of a vector."""
    is_padding = np.ones(parameters.vector.size, bool)
    for name, segment in parameters.segments.items():
        is_padding[parameters.offsets[name] : parameters.offsets[name] + segment.size] = False
    assert is_padding.any()
    return parameters.vector[is_padding]


@pytest.mark.parametrize("executor", [Reference, Compiled])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*OPTIMIZERS, *(f"{name}, strict" for name in OPTIMIZERS), *LAYERS])
def test_padding_is_0_after_steps(name: str, dtype: str, executor: type[Memory]) -> None:
    case = TABLE[name]._replace(dtype=dtype)
    for program in (case.program(), fused(case.program())):
        runner = prepared(executor, program, case)
        runner.steps(schedule(case, program, batches(case, 5)), np.zeros(5))
        vectors = runner.vectors
        for vector in (vectors.parameters, vectors.gradients, *vectors.states):
            assert padding(vector).tobytes() == bytes(padding(vector).nbytes)
            assert vector is vectors.gradients or all(rows.any() for rows in vector.values())


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given_as", ["float32", "float64", "uint8", "int64", "bool"])
def test_results_have_the_dtype_of_the_network(given_as: str, dtype: str, engine: str) -> None:
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


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_no_formula_promotes_its_result(name: str, dtype: str) -> None:
    case = TABLE[name]._replace(dtype=dtype)
    program = case.program()
    reference = prepared(Reference, program, case, started=True)
    reference.begin(schedule(case, program, [(4, case.m)]), 0)
    for number, row in enumerate(program.rows):
        if row.formula is not None:
            scalars = [reference.scalars[name] for name in row.scalars]
            results = row.formula(*map(reference.columns, row.reads), *scalars)
            for result in results if isinstance(results, tuple) else (results,):
                assert result.dtype == dtype, row.text
        reference.run(number, number + 1)
