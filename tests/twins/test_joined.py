"""Products joined with the formula that follows them: the same bits as one after the other, in both executors."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any

import numpy as np
import pytest

from glassnet.engine import address
from glassnet.engine.executor import Compiled
from glassnet.execution.reference import Reference
from glassnet.program.buffers import Memory, vectors
from glassnet.program.lowering import MAX_OPERANDS, fused
from glassnet.program.parameters import Parameters, Segment
from glassnet.program.program import OPERANDS, Buffer, Program, Row
from glassnet.tables.formula import trace
from tests.twins.programs import DTYPES, Case, after_steps, bits

FORMULAS = {
    "affine": trace(lambda z: np.maximum(z, 0.1 * z), 1),
    "propagate": trace(lambda d, z, a: d * (1 - a * a) + z, 3),
}
SIZES = ((7, 5, 1), (1, 1, 33), (70, 20, 64), (200, 3, 95), (9, 30, 97), (40, 17, 256), (33, 270, 300), (16, 1, 500))
CASES = (
    Case((20, 64, 64, 1), ("relu", "tanh", "linear"), m=33),
    Case((7, 300, 130, 3), ("sigmoid", "relu", "softmax"), "categorical_cross_entropy", "adam", m=40),
    Case((5, 97, 8, 2), ("tanh", "gelu", "sigmoid"), "binary_cross_entropy", m=21, weighted=True),
)


def run(kind: str, dtype: str, words: list[int], m: int, threads: int = 1) -> None:
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address(kind, dtype))
    row = np.array([0, 0, 0, *words], np.int64)
    for thread in range(threads):
        context = np.array([thread, threads, m, *[0] * 13], np.int64)
        kernel(row.ctypes.data, context.ctypes.data)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", OPERANDS)
def test_a_joined_kernel_gives_the_bits_of_both(kind: str, dtype: str) -> None:
    formula = FORMULAS[kind]
    for (m, inner, n), threads in itertools.product(SIZES, (1, 2, 3)):
        rng = np.random.default_rng([m, inner, n])
        shapes: list[Any] = [(m, inner), (inner, n), n] if kind == "affine" else [(m, inner), (n, inner)]
        reads = [rng.normal(size=shape).astype(dtype) for shape in (*shapes, *[(m, n)] * (formula.inputs - 1))]
        apart, joined = np.full((m, n), np.nan, dtype), np.full((m, n), np.nan, dtype)
        places = [read.ctypes.data for read in reads]
        own, target = places[: OPERANDS[kind]], joined.ctypes.data
        follower = address("formula", dtype, formula, ("full",) * (formula.inputs + 1))
        operands = [target, *places[OPERANDS[kind] :], target]
        run(kind, dtype, [n, *own, apart.ctypes.data, inner, 0, 0], m)
        run(kind, dtype, [n, *own, target, inner, follower, len(operands), *operands], m, threads)
        assert bits(joined) == bits(formula(apart, *reads[OPERANDS[kind] :])), (m, inner, n, threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 7, 300])
def test_an_error_from_one_output_has_the_bits_of_the_product(n: int, dtype: str) -> None:
    m, buffers = 20, {"delta": Buffer(("m", 1)), "da": Buffer(("m", n)), "w": Buffer((n, 1), "parameters", segment="w")}
    segments, rng = (Segment("w", (n, 1), 1, None),), np.random.default_rng(n)
    program = Program((Row("propagate", "BP2", ("delta", "w"), ("da",), settings=(1,)),), buffers, segments, ())
    runner = Compiled(program, vectors(program, Parameters(segments, dtype), Parameters((), dtype)), m)
    for name in ("delta", "w"):
        runner.rows(name)[...] = rng.integers(-1, 2, runner.rows(name).shape) * rng.random()  # with zeros of both signs
    runner.run()
    wanted = np.empty((m, n), dtype)
    places = [array.ctypes.data for array in (runner.rows("delta"), runner.rows("w"), wanted)]
    run("propagate", dtype, [n, *places, 1, 0, 0], m)
    assert bits(runner.rows("da")) == bits(wanted)


@pytest.mark.parametrize("executor", [Reference, Compiled])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.activations))
def test_joined_steps_give_the_bits_of_plain_ones(case: Case, dtype: str, executor: type[Memory]) -> None:
    case = case._replace(dtype=dtype)
    costs, lasting = after_steps(executor, case.program(), case, 3)
    joined_costs, joined = after_steps(executor, fused(case.program()), case, 3)
    assert bits(joined_costs) == bits(costs)
    assert all(bits(joined[name]) == bits(values) for name, values in lasting.items())


def test_activations_and_gates_are_joined_where_z_is_not_needed_later() -> None:
    rows = fused(CASES[0].program()).rows
    found = [(row.writes, row.formula is not None) for row in rows if row.kind in OPERANDS]
    assert found == [(("a1",), True), (("a2",), True), (("a3",), False), (("delta2",), True), (("delta1",), True)]
    kept = {name for row in fused(CASES[2].program()).rows if row.kind == "affine" for name in row.writes}
    assert kept == {"a1", "z2", "z3"}  # gelu's derivative reads z2, the cost of the pair reads z3


@pytest.mark.parametrize(("reads", "joined"), [(MAX_OPERANDS - 1, True), (MAX_OPERANDS, False)])
def test_a_product_takes_a_formula_of_so_many_operands_and_no_more(reads: int, joined: bool) -> None:
    """The kernel has room for all of them."""
    names = ("z", *(f"p{number}" for number in range(1, reads)))
    buffers = {"a": Buffer(("m", 5)), "out": Buffer(("m", 300)), **{name: Buffer(("m", 300)) for name in names}}
    buffers |= {"w": Buffer((5, 300), "parameters", segment="w"), "b": Buffer((300,), "parameters", segment="b")}
    segments = (Segment("w", (5, 300), 1, None), Segment("b", (300,), 1, 0.0))
    weighed = trace(lambda *values: sum(value * (place + 1) for place, value in enumerate(values)), reads)
    affine = Row("affine", "forward", ("a", "w", "b"), ("z",), settings=(5,))
    plain = Program((affine, Row("formula", "forward", names, ("out",), formula=weighed)), buffers, segments, ())
    program, results = fused(plain, "out"), []
    assert (len(program.rows) == 1) == joined
    for one in (plain, program):
        rng, parameters = np.random.default_rng(0), Parameters(segments, "float32")
        parameters.vector[:] = rng.normal(size=parameters.vector.size)
        runner = Compiled(one, vectors(one, parameters, parameters.like()), 33)
        for name in ("a", *names[1:]):
            runner.rows(name)[...] = rng.normal(size=runner.rows(name).shape)
        runner.run()
        results.append(bits(runner.rows("out")))
    assert results[0] == results[1]


def test_each_kind_that_takes_a_formula_is_tested() -> None:
    assert set(FORMULAS) == set(OPERANDS)
