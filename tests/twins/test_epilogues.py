"""Products fused with the formula that follows them: the same bits as one after the other, in both executors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from glassnet.engine import address
from glassnet.engine.executor import Compiled
from glassnet.execution.reference import Reference
from glassnet.program.buffers import Memory, new_vectors
from glassnet.program.lowering import MAX_OPERANDS, fused
from glassnet.program.parameters import Parameters, Segment
from glassnet.program.program import OPERANDS, Buffer, Program, Row
from glassnet.tables.formula import trace
from tests.twins.kernel_calls import call_kernel
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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", OPERANDS)
def test_a_fused_kernel_gives_the_bits_of_both(kind: str, dtype: str) -> None:
    formula = FORMULAS[kind]
    for (m, inner, n), threads in itertools.product(SIZES, (1, 2, 3)):
        rng = np.random.default_rng([m, inner, n])
        shapes: list[Any] = [(m, inner), (inner, n), n] if kind == "affine" else [(m, inner), (n, inner)]
        reads = [rng.normal(size=shape).astype(dtype) for shape in (*shapes, *[(m, n)] * (formula.inputs - 1))]
        product, fused_result = np.full((m, n), np.nan, dtype), np.full((m, n), np.nan, dtype)
        kernel, addresses, result = address(kind, dtype), [read.ctypes.data for read in reads], fused_result.ctypes.data
        own, further = addresses[: OPERANDS[kind]], addresses[OPERANDS[kind] :]
        epilogue = address("formula", dtype, formula, ("full",) * (formula.inputs + 1))
        operands = [result, *further, result]
        call_kernel(kernel, [0, 0, 0, n, *own, product.ctypes.data, inner, 0, 0], m)
        call_kernel(kernel, [0, 0, 0, n, *own, result, inner, epilogue, len(operands), *operands], m, threads)
        assert bits(fused_result) == bits(formula(product, *reads[OPERANDS[kind] :])), (m, inner, n, threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 7, 300])
def test_an_error_from_one_output_has_the_bits_of_the_product(n: int, dtype: str) -> None:
    m, buffers = 20, {"delta": Buffer(("m", 1)), "da": Buffer(("m", n)), "w": Buffer((n, 1), "parameters", segment="w")}
    segments, rng = (Segment("w", (n, 1), 1, None),), np.random.default_rng(n)
    program = Program((Row("propagate", "BP2", ("delta", "w"), ("da",), settings=(1,)),), buffers, segments, ())
    runner = Compiled(program, new_vectors(program, Parameters(segments, dtype), Parameters((), dtype)), m)
    for name in ("delta", "w"):
        runner.rows(name)[...] = rng.integers(-1, 2, runner.rows(name).shape) * rng.random()  # with zeros of both signs
    runner.run()
    product = np.empty((m, n), dtype)
    operands = [array.ctypes.data for array in (runner.rows("delta"), runner.rows("w"), product)]
    call_kernel(address("propagate", dtype), [0, 0, 0, n, *operands, 1, 0, 0], m)
    assert bits(runner.rows("da")) == bits(product)


@pytest.mark.parametrize("executor", [Reference, Compiled])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.activations))
def test_fused_steps_give_the_bits_of_plain_ones(case: Case, dtype: str, executor: type[Memory]) -> None:
    case = case._replace(dtype=dtype)
    costs, lasting = after_steps(executor, case.program(), case, 3)
    fused_costs, fused_lasting = after_steps(executor, fused(case.program()), case, 3)
    assert bits(fused_costs) == bits(costs)
    assert all(bits(fused_lasting[name]) == bits(values) for name, values in lasting.items())


def test_formulas_are_fused_where_z_is_not_needed_later() -> None:
    rows = fused(CASES[0].program()).rows
    products = [(row.writes, row.formula is not None) for row in rows if row.kind in OPERANDS]
    assert products == [(("a1",), True), (("a2",), True), (("a3",), False), (("delta2",), True), (("delta1",), True)]
    written = {name for row in fused(CASES[2].program()).rows if row.kind == "affine" for name in row.writes}
    assert written == {"a1", "z2", "z3"}  # gelu's derivative reads z2, the cost of the pair reads z3


@pytest.mark.parametrize(("reads", "is_fused"), [(MAX_OPERANDS - 1, True), (MAX_OPERANDS, False)])
def test_a_formula_is_fused_up_to_a_number_of_operands(reads: int, is_fused: bool) -> None:
    names = ("z", *(f"p{number}" for number in range(1, reads)))
    buffers = {"a": Buffer(("m", 5)), "out": Buffer(("m", 300)), **{name: Buffer(("m", 300)) for name in names}}
    buffers |= {"w": Buffer((5, 300), "parameters", segment="w"), "b": Buffer((300,), "parameters", segment="b")}
    segments = (Segment("w", (5, 300), 1, None), Segment("b", (300,), 1, 0.0))
    weighted_sum = trace(lambda *values: sum(value * (index + 1) for index, value in enumerate(values)), reads)
    affine = Row("affine", "forward", ("a", "w", "b"), ("z",), settings=(5,))
    plain = Program((affine, Row("formula", "forward", names, ("out",), formula=weighted_sum)), buffers, segments, ())
    program, results = fused(plain, "out"), []
    assert (len(program.rows) == 1) == is_fused
    for one in (plain, program):
        rng, parameters = np.random.default_rng(0), Parameters(segments, "float32")
        parameters.vector[:] = rng.normal(size=parameters.vector.size)
        runner = Compiled(one, new_vectors(one, parameters, parameters.like()), 33)
        for name in ("a", *names[1:]):
            runner.rows(name)[...] = rng.normal(size=runner.rows(name).shape)
        runner.run()
        results.append(bits(runner.rows("out")))
    assert results[0] == results[1]


def test_every_kind_that_takes_a_formula_is_tested() -> None:
    assert set(FORMULAS) == set(OPERANDS)
