"""Programs row by row: each kernel against its NumPy function, both on the kernel's own inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from glassnet.engine.executor import Compiled
from glassnet.execution.reference import Reference
from glassnet.program import embedding_equations
from glassnet.program.lowering import fused
from glassnet.program.program import SPLITS, Row
from glassnet.tables.formula import Formula
from tests.twins.programs import NAMED, TABLE, Array, Case, assign, begin, bits, cases, prepared, run_row, schedule

ELEMENTARY = ("exp", "expm1", "log", "log1p", "tanh", "sin", "cos")
EXACT = ("gather", "one_hot", "sample_weights", "select", "concatenate", "split", "look_up", "bfloat16")
EXACT += ("dropout", "scheduled_dropout")
ULP = 4
MAX_NORMAL = 6  # of the numbers that "noise" adds
WIDE = np.finfo(np.float64).eps


# The largest difference allowed between twins -------------------------------------------------------------------------
# Each function takes the dtype's ε and the row's inputs (samples as rows, float64), and returns a bound per result.


def affine(eps: float, a: Array, w: Array, b: Array) -> tuple[Array, ...]:
    return ((a.shape[1] + 1) * eps * (abs(a) @ abs(w) + abs(b)),)


def propagate(eps: float, delta: Array, w: Array) -> tuple[Array, ...]:
    return (delta.shape[1] * eps * (abs(delta) @ abs(w.T)),)


def bp4(eps: float, delta: Array, a: Array) -> tuple[Array, ...]:
    return (eps * (abs(a.T) @ abs(delta)),)


def mean(eps: float, p: Array, q: Any = 1.0) -> tuple[Array, ...]:
    return (eps * abs(p * q).sum(axis=0),)


def feature_mean(eps: float, p: Array, q: Any = 1.0) -> tuple[Array, ...]:
    return (eps * abs(p * q).sum(axis=1),)


def moments(eps: float, x: Array, axis: int = 0) -> tuple[Array, ...]:
    """The squared error of the mean is part of the variance's."""
    spread = x - x.mean(axis, keepdims=True)
    return eps * abs(x).sum(axis), eps * (spread**2).sum(axis) + (WIDE * abs(x).sum(axis)) ** 2


def feature_moments(eps: float, x: Array) -> tuple[Array, ...]:
    return moments(eps, x, axis=1)


def by_group(bound: Callable[..., tuple[Array, ...]], is_array: bool) -> Callable[..., tuple[Array, ...]]:
    """A bound of softmax's rows by group: arrays side by side, or numbers that add up."""

    def all_groups(eps: float, *reads: Array, groups: tuple[int, ...]) -> tuple[Array, ...]:
        parts = zip(*(np.split(read, np.cumsum(groups)[:-1], axis=1) for read in reads), strict=True)
        bounds = [bound(eps, *part)[0] for part in parts]
        return (np.hstack(bounds) if is_array else np.sum(bounds, axis=0),)

    return all_groups


def exponentials(z: Array) -> tuple[Array, Array]:
    """z − max z, and Σ exp of it, of each sample."""
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted, np.exp(shifted).sum(axis=1, keepdims=True)


def softmax(eps: float, z: Array) -> tuple[Array, ...]:
    shifted, total = exponentials(z)
    return ((z.shape[1] + 2 * ULP) * eps * np.exp(shifted) / total,)


def softmax_error(eps: float, da: Array, a: Array) -> tuple[Array, ...]:
    return ((a.shape[1] + 1) * eps * abs(a) * (abs(da) + abs(a * da).sum(axis=1, keepdims=True)),)


def softmax_cost(eps: float, z: Array, y: Array) -> tuple[Array, ...]:
    shifted, total = exponentials(z)
    return ((z.shape[1] + 2 * ULP) * eps * (abs(y) * (1 + np.log(total) - shifted)).sum(axis=1),)


def grouped(eps: float, left: Array, right: Array, terms: Any) -> tuple[Array, ...]:
    """The bound of small products side by side, given their operands and NumPy's function of it."""
    return (eps * terms(abs(left.T), abs(right.T)).T,)


def grouped_affine(eps: float, x: Array, w: Array, b: Array, settings: tuple[int, ...]) -> tuple[Array, ...]:
    terms = partial(embedding_equations.grouped_affine, b=abs(b)[:, np.newaxis], settings=settings)
    return grouped((settings[1] + 1) * eps, x, w, terms)


def grouped_propagate(eps: float, delta: Array, w: Array, settings: tuple[int, ...]) -> tuple[Array, ...]:
    return grouped(settings[0] * eps, delta, w, partial(embedding_equations.grouped_propagate, settings=settings))


def grouped_bp4(eps: float, delta: Array, x: Array, settings: tuple[int, ...]) -> tuple[Array, ...]:
    terms = partial(embedding_equations.grouped_bp4, settings=settings)
    return grouped(len(x) * eps, delta, x, terms)


def look_up_gradient(eps: float, delta: Array, x: Array, settings: tuple[int, ...]) -> tuple[Array, ...]:
    terms = embedding_equations.look_up_gradient(abs(delta.T), x.T, settings).T
    return (len(x) * eps * terms,)


def add_selected(eps: float, error: Array, settings: tuple[int, ...]) -> tuple[Array, ...]:
    return (settings[1] * eps * embedding_equations.add_selected(abs(error.T), settings).T,)


FUSED = {"softmax_and_cost"}  # only the fused lowering has it, and test_softmax.py compares it with the two it joins
BOUNDS: dict[str, Callable[..., tuple[Array, ...]]] = {
    **{"affine": affine, "propagate": propagate, "bp4": bp4},
    **{"bp3": mean, "mean_product": mean, "feature_mean": feature_mean, "feature_mean_product": feature_mean},
    **{"moments": moments, "feature_moments": feature_moments},
    **{"softmax": by_group(softmax, True), "softmax_error": by_group(softmax_error, True)},
    "softmax_cost": by_group(softmax_cost, False),
    **{"grouped_affine": grouped_affine, "grouped_propagate": grouped_propagate, "grouped_bp4": grouped_bp4},
    **{"add_selected": add_selected, "look_up_gradient": look_up_gradient},
}


def mean_cost(row: Row, c: Array, *rest: Array) -> tuple[Array, ...]:
    terms = [abs(c * rest[0] if row.settings[0] else c) / len(c), *map(abs, rest[row.settings[0] :])]
    return (np.array([sum(map(len, terms)) * WIDE * sum(map(np.sum, terms))]),)


def clip_scale(eps: float, limit: float, *squares: Array) -> tuple[Array, ...]:
    total = sum(map(np.sum, squares))
    return (np.array([(2 * eps + sum(map(len, squares)) * WIDE) * min(1.0, limit / np.sqrt(total))]),)


def largest_intermediate(formula: Formula, inputs: list[Any]) -> Array:
    """The largest intermediate value of a formula; where an input multiplies everything before it, times that input."""
    values: list[Any] = list(inputs)
    for index in range(len(formula.operations)):
        part = formula._replace(operations=formula.operations[: index + 1], outputs=(formula.inputs + index,))
        values.append(np.asarray(part(*inputs)))
    factor, last = np.ones(()), formula.outputs[0]
    while last >= formula.inputs and formula.operations[last - formula.inputs].name == "multiply":
        ends = formula.operations[last - formula.inputs].arguments
        if min(ends) >= formula.inputs or float in map(type, ends):
            break
        factor, last = factor * abs(values[min(ends)]), max(ends)
    numbers = [values[index] for index in range(formula.inputs, last + 1) if values[index].dtype != bool]
    sizes = [np.where(np.isfinite(value), abs(value), 0) for value in numbers]
    return np.asarray(factor * np.max(np.broadcast_arrays(*sizes), axis=0))


def of_formula(runner: Reference, row: Row) -> tuple[Array, ...] | None:
    """4 ulp of the largest intermediate value where there is exp or the like; for sums, n·ε·Σ|terms| in addition."""
    formula = row.formula
    assert formula is not None
    inputs = [*map(runner.columns, row.reads), *(runner.scalars[name] for name in row.scalars)]
    shape = np.broadcast_shapes(*map(np.shape, inputs))
    slack = np.zeros(shape)
    if any(name in ELEMENTARY for name, _ in formula.operations):
        largest = np.broadcast_to(largest_intermediate(formula, inputs), shape)
        slack = ULP * np.spacing(largest.astype(runner.vectors.parameters.vector.dtype)).astype(np.float64)
    elif row.kind == "formula":
        return None
    if row.kind == "formula":
        return tuple(slack.T for _ in row.writes)
    axis = 1 if all(map(runner.program.is_column, row.reads)) else 0
    terms = np.broadcast_to(np.abs(formula(*inputs)), shape).astype(np.float64)
    return ((slack + shape[axis] * WIDE * terms).sum(axis=axis),)


def bounds(runner: Reference, row: Row) -> tuple[Array, ...] | None:
    """The bound on each result's difference; None where both must have the same bits."""
    if row.kind in EXACT:
        return None
    if row.formula is not None:
        return of_formula(runner, row)
    eps = float(np.finfo(runner.vectors.parameters.vector.dtype).eps)
    reads = [runner.rows(name).astype(np.float64) for name in row.reads]
    if row.kind == "mean_cost":
        return mean_cost(row, *reads)
    if row.kind == "clip_scale":
        return clip_scale(eps, float(runner.scalars[row.scalars[0]]), *reads)
    if row.kind.startswith("softmax"):
        return BOUNDS[row.kind](eps, *reads, groups=row.settings[1:])
    if row.kind == "noise":
        scale = np.float64(np.int64(row.settings[0]).view(np.float64))
        return (eps * (2 * ULP * scale * MAX_NORMAL + abs(reads[0])),)
    if row.kind == "square_means":
        return (eps * np.square(reads[0]).sum(axis=0),)
    return BOUNDS[row.kind](eps, *reads, **({"settings": row.settings} if row.settings[1:] else {}))


# Row by row -----------------------------------------------------------------------------------------------------------


def copied(source: Any, target: Any, row: Row) -> None:
    """Copy the row's operands from one executor to another."""
    for name in (*row.reads, *row.writes):
        if source.program.buffers[name].home != "source":
            assign(target, name, source.rows(name))


def fraction(one: Array, two: Array, bound: Array | None) -> float:
    """The largest difference as a share of its bound."""
    if bound is None:
        return 0.0 if bits(one) == bits(two) else np.inf
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    least = float(np.finfo(one.dtype).smallest_subnormal)
    share = abs(one.astype(np.float64) - two) / (np.reshape(bound, one.shape) + least)
    return float(np.max(np.where(same, 0.0, np.where(np.isnan(share), np.inf, share))))


def differences(case: Case) -> Iterator[tuple[Row, bool, float]]:
    """For every row of a step: the row, whether bits must be equal, and its difference as a share of the bound."""
    program = case.program()
    reference, compiled = (prepared(executor, program, case, started=True) for executor in (Reference, Compiled))
    plan = schedule(case, program, [(5, case.m)])
    reference.begin(plan, 0)
    begin(compiled, plan, 0)
    for number, row in enumerate(program.rows):
        copied(compiled, reference, row)
        limits = bounds(reference, row)
        for name in set(row.writes) - set(row.reads):
            assign(compiled, name, np.nan)
        reference.run(number, number + 1)
        run_row(compiled, number)
        for index, name in enumerate(row.writes):
            limit = None if limits is None else limits[index]
            yield row, limit is None, fraction(compiled.rows(name), reference.rows(name), limit)


def check(case: Case) -> None:
    with np.errstate(all="ignore"):
        for row, exact, share in differences(case):
            assert share <= 1, (row.kind, row.writes, row.text, "equal bits" if exact else f"{share:.3g} of the bound")


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_every_row_of_the_registries_equals_its_twin(name: str, dtype: str) -> None:
    check(TABLE[name]._replace(dtype=dtype))


@given(cases())
def test_random_programs_equal_their_twins_row_by_row(case: Case) -> None:
    check(case)


def test_the_registries_have_every_kind_of_row() -> None:
    kinds = {row.kind for case in TABLE.values() for row in case._replace(dtype="float32").program().rows}
    joined = {row.kind for case in TABLE.values() for row in fused(case._replace(dtype="float32").program()).rows}
    assert joined - kinds == FUSED
    assert kinds | FUSED == {*SPLITS, "formula", "sums", "bfloat16"}
    assert kinds == {*BOUNDS, *EXACT, "square_means", "noise", "mean_cost", "clip_scale", "formula", "sums"}
