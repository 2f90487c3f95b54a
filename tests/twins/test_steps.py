"""Whole steps: NumPy against compiled, the fused lowering against the plain one, its barriers and its shared memory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.engine.executor import Compiled
from glassnet.execution.reference import Reference
from glassnet.program.buffers import Memory
from glassnet.program.lowering import fused
from glassnet.program.parameters import Segment
from glassnet.program.program import Buffer, Program, Row
from glassnet.tables.activations import activation
from glassnet.tables.formula import trace
from glassnet.tables.layers import LAYERS
from glassnet.tables.optimizers import OPTIMIZERS, optimizer
from tests.twins.programs import NAMED, TABLE, Array, Case, after_steps, bits, cases, may_precede_activation, prepared

STEPS = 5
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}
SMOOTH = [(name, dtype) for name, dtype in NAMED if all(activation(each).smooth for each in TABLE[name].activations)]


# NumPy and compiled ---------------------------------------------------------------------------------------------------


def distances(case: Case, lowered: Program) -> dict[str, float]:
    """The differences of costs, parameters and statistics after some steps, relative to their largest number."""
    costs, numpy = after_steps(Reference, case.program(), case, STEPS)
    compiled_costs, compiled = after_steps(Compiled, lowered, case, STEPS)
    pairs = {name: (compiled[name], numpy[name]) for name in ("parameters", "statistics") if numpy[name].size}
    return {name: distance(*pair) for name, pair in (pairs | {"cost": (compiled_costs, costs)}).items()}


def distance(one: Array, two: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.max(abs(one - two)) / np.max(abs(two)))


def with_large_epsilon(case: Case) -> Case:
    """The case with an optimiser that does not divide the rounding error of a zero gradient by itself."""
    entry = optimizer(case.optimizer)
    return case._replace(optimizer=replace(entry, epsilon=1e-3) if hasattr(entry, "epsilon") else entry)


@pytest.mark.parametrize(("name", "dtype"), SMOOTH)
def test_five_fused_steps_compiled_equal_five_in_numpy(name: str, dtype: str) -> None:
    case = TABLE[name]._replace(dtype=dtype)
    for quantity, difference in distances(case, fused(case.program())).items():
        assert difference <= TOLERANCE[dtype], (quantity, difference)


@given(cases(stable=True))
def test_five_steps_of_random_programs_compiled_equal_five_in_numpy(case: Case) -> None:
    case = with_large_epsilon(case)
    for quantity, difference in distances(case, case.program()).items():
        assert difference <= TOLERANCE[case.dtype], (quantity, difference)


# Fused and plain ------------------------------------------------------------------------------------------------------


def assert_same_bits(executor: type[Memory], case: Case, steps: int = 3) -> None:
    """Compare the plain lowering, the fused one, and the fused one without shared memory."""
    plain = case.program()
    lowered = fused(plain)
    truth = after_steps(executor, plain, case, steps)
    for program in (lowered, lowered._replace(shared={})):
        costs, lasting = after_steps(executor, program, case, steps)
        assert bits(costs) == bits(truth[0])
        assert {name for name in truth[1] if bits(lasting[name]) != bits(truth[1][name])} == set()


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_fused_equals_plain_to_the_bit_compiled(name: str, dtype: str) -> None:
    assert_same_bits(Compiled, TABLE[name]._replace(dtype=dtype))


@given(cases())
def test_fused_equals_plain_to_the_bit_in_numpy(case: Case) -> None:
    assert_same_bits(Reference, case)


def test_fusing_merges_rows_drops_quantities_and_shares_memory() -> None:
    plain = TABLE["adam, strict"].program()
    lowered = fused(plain)
    assert len(lowered.rows) < len(plain.rows)
    assert len(lowered.buffers) < len(plain.buffers)
    assert fused(Case((6, 5, 4, 3), ("tanh", "tanh", "tanh")).program()).shared


def program_of(shapes: dict[str, tuple[int, ...]], *equations: tuple[str, tuple[str, ...], Any]) -> Program:
    """A program of formulas (result, operands, function) on parameters of these shapes."""
    rows = [
        Row("formula", "", reads, (result,), "", trace(function, len(reads))) for result, reads, function in equations
    ]
    homes = {name: "work" if name.startswith("between") else "parameters" for name in shapes}
    segments = [Segment(name, shape, 1, None) for name, shape in shapes.items() if homes[name] == "parameters"]
    buffers = {name: Buffer(shape, homes[name], segment=name) for name, shape in shapes.items()}
    return Program(tuple(rows), buffers, tuple(segments), ())


def test_a_formula_is_not_merged_across_a_change_of_what_it_reads() -> None:
    plain = program_of(
        dict.fromkeys(("p", "q", "between"), (9, 4)),
        ("between", ("p",), lambda p: p + 1),
        ("p", ("p", "q"), lambda p, q: p * q),
        ("q", ("between", "q"), lambda t, q: t - q),
    )
    vectors = []
    for program in (plain, fused(plain)):
        runner = prepared(Reference, program, Case((1, 1), ("linear",)))
        runner.run()
        vectors.append(bits(runner.vectors.parameters.vector))
    assert vectors[0] == vectors[1]


# Barriers -------------------------------------------------------------------------------------------------------------

DEPTHS = (1, 2, 3, 6)
WIDE = 200  # one layer has more parameters than are updated in one row


def barriers(*layers: Any, **options: Any) -> int:
    dense = sum(isinstance(layer, int) for layer in layers) - 1
    return sum(fused(Case(layers, ("tanh",) * dense, **options).program()).barriers())


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_dense_network_waits_twice_a_step(depth: int, name: str) -> None:
    assert barriers(*(WIDE,) * (depth + 1), optimizer=name) == 2
    assert barriers(*(WIDE,) * (depth + 1), optimizer=name, weighted=True, clip_value=1.0, factors=(0.5,) * depth) == 2


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_small_network_is_updated_in_one_row_after_one_more_barrier(depth: int) -> None:
    plain = Case((17,) * (depth + 1), ("tanh",) * depth, optimizer="adam").program()
    lowered = fused(plain)
    assert [row.span for row in lowered.rows if row.writes[0] == "w1"] == [2 * depth]
    assert sum(lowered.barriers()) == 3


@pytest.mark.parametrize("depth", DEPTHS)
def test_clipping_by_norm_adds_barriers_independent_of_the_depth(depth: int) -> None:
    assert barriers(*(WIDE,) * (depth + 1), clip_norm=1.0) == barriers(WIDE, WIDE, clip_norm=1.0) > 2


def test_batch_normalisation_adds_barriers_with_every_layer() -> None:
    rows = [row for row in LAYERS.values() if any("mean" in name for name in row.statistics)]
    for row in rows:
        assert 2 < barriers(WIDE, WIDE, row(), 17) < barriers(WIDE, WIDE, row(), 17, row(), 17)
    for row in set(LAYERS.values()) - set(rows):
        assert barriers(WIDE, *((row(), WIDE) if row.on_inputs else (WIDE, row())), WIDE) == 2
        assert not may_precede_activation(row) or barriers(WIDE, WIDE, row(before_activation=True), WIDE) == 2


# How many operands of a row a thread reads only for its own units; it may read all of the others.
OWN_OPERANDS = {
    "affine": 1,
    "propagate": 1,
    "bp4": 0,
    "bp3": 0,
    "mean_product": 0,
    "moments": 0,
    "square_means": 0,
    "select": 1,
    "add_selected": 1,
    "concatenate": 2,
    "grouped_affine": 1,
    "grouped_propagate": 1,
    "grouped_bp4": 0,
    "look_up": 1,
    "look_up_gradient": 0,
    "mean_cost": 0,
    "clip_scale": 0,
}
ONCE = ("mean_cost", "clip_scale")
Access = tuple[str, int, int, bool]


class Threads:
    """Threads at arbitrary speeds: all accesses between two barriers may happen at the same time."""

    def __init__(self, program: Program, threads: int) -> None:
        self.program, self.threads = program, threads
        self.since: dict[str, list[tuple[int, int, int, bool]]] = {}

    def conflicts(self, flags: tuple[bool, ...], batches: tuple[int, ...]) -> list[str]:
        """The quantities that two threads access at the same time in steps of these sizes, one of them writing."""
        conflicts = []
        self.since = {}
        for m in batches:
            for row, waits in zip(self.program.rows, flags, strict=True):
                if waits:
                    self.since = {}
                for thread in range(self.threads):
                    conflicts += [f"{row.kind} {row.writes}: {name}" for name in self.record(row, thread, m)]
        return conflicts

    def record(self, row: Row, thread: int, m: int) -> list[str]:
        """Record a thread's accesses for a row; return the quantities with a conflict since the last barrier."""
        conflicts = []
        for name, first, last, writes in self.accesses(row, thread, m):
            earlier = self.since.setdefault(name, [])
            if any(
                t != thread and first < end and start < last and (writes or wrote) for t, start, end, wrote in earlier
            ):
                conflicts.append(name)
            earlier.append((thread, first, last, writes))
        return conflicts

    def accesses(self, row: Row, thread: int, m: int) -> list[Access]:
        """(memory, start, stop, whether it writes) of each operand."""
        if row.kind in ONCE and thread > 0:
            return []
        if row.span > 1:
            return self.flat(row, thread)
        units = self.program.buffers[row.writes[0]].shape[0]
        accesses = []
        for index, name in enumerate((*row.reads, *row.writes)):
            sides = [m if side == "m" else int(side) for side in self.program.buffers[name].shape]
            start, stop = 0, sides[0]
            if row.kind not in ONCE and (index >= len(row.reads) or self.is_own(row, index, name, units)):
                start, stop = self.share(sides[0], thread)
            stride = math.prod(sides[1:])
            home = self.program.buffers[name].home
            if home != "source" and start < stop:
                accesses.append((self.memory(name), start * stride, stop * stride, index >= len(row.reads)))
        return accesses

    def flat(self, row: Row, thread: int) -> list[Access]:
        """A thread's accesses of each segment of a row that spans several."""
        accesses, offset = [], 0
        first, last = (64 * unit for unit in self.share(self.program.extent(row).units or 0, thread))
        for part in row.parts:
            size = math.prod(map(int, self.program.buffers[part.writes[0]].shape))
            start, stop = max(first - offset, 0), min(last - offset, size)
            for name in (*part.reads, *part.writes) if start < stop else ():
                accesses.append((self.memory(name), start, stop, name in part.writes))
            offset += -(-size // 64) * 64
        return accesses

    def is_own(self, row: Row, index: int, name: str, units: Any) -> bool:
        shape = self.program.buffers[name].shape
        if row.formula is None:
            return index < OWN_OPERANDS.get(row.kind, len(row.reads))
        return shape[0] == units and (units == "m" or len(shape) == 2 or self.program.extent(row).width == 1)

    def share(self, units: int, thread: int) -> tuple[int, int]:
        """The units of a thread, in blocks of 8."""
        blocks = -(-units // 8)
        first, last = (8 * (blocks * number // self.threads) for number in (thread, thread + 1))
        return min(units, first), min(units, last)

    def memory(self, name: str) -> str:
        while name in self.program.shared:
            name = self.program.shared[name]
        return name


@given(cases(), st.integers(1, 41), st.sampled_from((2, 3, 8)))
def test_threads_never_conflict_between_barriers(case: Case, later: int, threads: int) -> None:
    plain = case.program()
    for program in (plain, fused(plain)):
        flags = program.barriers()
        assert not Threads(program, threads).conflicts(flags, (case.m, later))


def test_rows_that_read_another_segment_are_not_merged() -> None:
    shapes, minus = dict.fromkeys(("p", "q", "r"), (9, 4)), (lambda a, b: a - b)
    program = fused(program_of(shapes, ("p", ("p", "q"), minus), ("q", ("q", "r"), minus)))
    assert [row.span for row in program.rows] == [1, 1]
    own = fused(program_of(shapes, ("p", ("p",), np.tanh), ("q", ("q",), np.tanh), ("r", ("r",), np.tanh)))
    assert [row.span for row in own.rows] == [3]


def test_splits_of_different_numbers_of_units_have_a_barrier_between_them() -> None:
    double, add = (lambda b: b * 2), (lambda w, b: w + b)
    program = program_of({"w": (33, 17), "b": (17,)}, ("b", ("b",), double), ("w", ("w", "b"), add))
    assert program.barriers() == (True, True)
    assert not Threads(program, 3).conflicts(program.barriers(), (1, 1))
    assert Threads(program, 3).conflicts((True, False), (1, 1))


@pytest.mark.parametrize("name", ["sgd", "adam, strict", "batch_norm", "layer_norm before"])
def test_threads_conflict_where_a_barrier_is_omitted(name: str) -> None:
    wide = tuple(33 if isinstance(layer, int) else layer for layer in TABLE[name].layers)
    program = fused(TABLE[name]._replace(layers=wide).program())
    flags = program.barriers()
    for omitted in np.flatnonzero(flags):
        fewer = tuple(flag and number != omitted for number, flag in enumerate(flags))
        assert Threads(program, 3).conflicts(fewer, (41, 41))
