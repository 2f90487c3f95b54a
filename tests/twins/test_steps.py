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
SMOOTH = [(name, dtype) for name, dtype in NAMED if all(activation(word).smooth for word in TABLE[name].activations)]


# NumPy and compiled ---------------------------------------------------------------------------------------------------


def distances(case: Case, lowered: Program) -> dict[str, float]:
    """How far costs, parameters and statistics are apart after some steps, relative to their largest number."""
    costs, numpy = after_steps(Reference, case.program(), case, STEPS)
    compiled_costs, compiled = after_steps(Compiled, lowered, case, STEPS)
    pairs = {name: (compiled[name], numpy[name]) for name in ("parameters", "statistics") if numpy[name].size}
    return {name: distance(*pair) for name, pair in (pairs | {"cost": (compiled_costs, costs)}).items()}


def distance(one: Array, two: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.max(abs(one - two)) / np.max(abs(two)))


def steady(case: Case) -> Case:
    """The case with optimisers that do not divide the rounding error of a gradient that is 0 by itself."""
    row = optimizer(case.optimizer)
    return case._replace(optimizer=replace(row, epsilon=1e-3) if hasattr(row, "epsilon") else row)


@pytest.mark.parametrize(("name", "dtype"), SMOOTH)
def test_five_fused_steps_compiled_equal_five_in_numpy(name: str, dtype: str) -> None:
    case = TABLE[name]._replace(dtype=dtype)
    for quantity, far in distances(case, fused(case.program())).items():
        assert far <= TOLERANCE[dtype], (quantity, far)


@given(cases(stable=True))
def test_five_steps_of_random_programs_compiled_equal_five_in_numpy(case: Case) -> None:
    case = steady(case)
    for quantity, far in distances(case, case.program()).items():
        assert far <= TOLERANCE[case.dtype], (quantity, far)


# Fused and plain ------------------------------------------------------------------------------------------------------


def same_bits(executor: type[Memory], case: Case, steps: int = 3) -> None:
    """The plain lowering, the fused one, and the fused one with memory of its own for each quantity."""
    plain = case.program()
    joined = fused(plain)
    truth = after_steps(executor, plain, case, steps)
    for lowered in (joined, joined._replace(shared={})):
        costs, lasting = after_steps(executor, lowered, case, steps)
        assert bits(costs) == bits(truth[0])
        assert {name for name in truth[1] if bits(lasting[name]) != bits(truth[1][name])} == set()


@pytest.mark.parametrize(("name", "dtype"), NAMED)
def test_fused_equals_plain_to_the_bit_compiled(name: str, dtype: str) -> None:
    same_bits(Compiled, TABLE[name]._replace(dtype=dtype))


@given(cases())
def test_fused_equals_plain_to_the_bit_in_numpy(case: Case) -> None:
    same_bits(Reference, case)


def test_fusing_joins_rows_drops_quantities_and_shares_memory() -> None:
    plain = TABLE["adam, strict"].program()
    joined = fused(plain)
    assert len(joined.rows) < len(plain.rows)
    assert len(joined.buffers) < len(plain.buffers)
    assert fused(Case((6, 5, 4, 3), ("tanh", "tanh", "tanh")).program()).shared


def made(shapes: dict[str, tuple[int, ...]], *equations: tuple[str, tuple[str, ...], Any]) -> Program:
    """A program made by hand of formulas (result, operands, function) on parameters of these shapes."""
    rows = [Row("formula", "", reads, (result,), "", trace(made, len(reads))) for result, reads, made in equations]
    homes = {name: "work" if name.startswith("between") else "parameters" for name in shapes}
    segments = [Segment(name, shape, 1, None) for name, shape in shapes.items() if homes[name] == "parameters"]
    buffers = {name: Buffer(shape, homes[name]) for name, shape in shapes.items()}
    return Program(tuple(rows), buffers, tuple(segments), ())


def test_a_formula_is_not_joined_across_a_change_of_what_it_reads() -> None:
    plain = made(
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
WIDE = 200  # one layer has more parameters than are updated in one pass


def barriers(*layers: Any, **words: Any) -> int:
    dense = sum(isinstance(layer, int) for layer in layers) - 1
    return sum(fused(Case(layers, ("tanh",) * dense, **words).program()).barriers())


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_dense_network_waits_twice_a_step(depth: int, name: str) -> None:
    assert barriers(*(WIDE,) * (depth + 1), optimizer=name) == 2
    assert barriers(*(WIDE,) * (depth + 1), optimizer=name, weighted=True, clip_value=1.0, factors=(0.5,) * depth) == 2


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_small_network_is_updated_in_one_row_for_one_wait_more(depth: int) -> None:
    plain = Case((17,) * (depth + 1), ("tanh",) * depth, optimizer="adam").program()
    joined = fused(plain)
    assert [row.span for row in joined.rows if row.writes[0] == "w1"] == [2 * depth]
    assert sum(joined.barriers()) == 3


@pytest.mark.parametrize("depth", DEPTHS)
def test_clipping_by_norm_waits_more_but_not_more_in_a_deeper_network(depth: int) -> None:
    assert barriers(*(WIDE,) * (depth + 1), clip_norm=1.0) == barriers(WIDE, WIDE, clip_norm=1.0) > 2


def test_batch_normalisation_waits_more_with_every_layer() -> None:
    rows = [row for row in LAYERS.values() if any("mean" in name for name in row.statistics)]
    for row in rows:
        assert 2 < barriers(WIDE, WIDE, row(), 17) < barriers(WIDE, WIDE, row(), 17, row(), 17)
    for row in set(LAYERS.values()) - set(rows):
        assert barriers(WIDE, WIDE, row(), WIDE) == 2
        assert not may_precede_activation(row) or barriers(WIDE, WIDE, row(before_activation=True), WIDE) == 2


# A row's operands that a thread reads for its own units alone; all others it may read whole.
OWN = {
    "affine": 1,
    "arrive": 1,
    "outer": 0,
    "mean": 0,
    "mean_product": 0,
    "moments": 0,
    "mean_cost": 0,
    "clip_scale": 0,
}
ONCE = ("mean_cost", "clip_scale")
Access = tuple[str, int, int, bool]


class Threads:
    """Threads that run a program as slowly as can be: every access between two barriers may meet any other."""

    def __init__(self, program: Program, threads: int) -> None:
        self.program, self.threads = program, threads
        self.since: dict[str, list[tuple[int, int, int, bool]]] = {}

    def conflicts(self, flags: tuple[bool, ...], batches: tuple[int, ...]) -> list[str]:
        """What two threads touch at the same time in steps of these sizes, one of them writing."""
        found = []
        self.since = {}
        for m in batches:
            for row, waits in zip(self.program.rows, flags, strict=True):
                if waits:
                    self.since = {}
                for thread in range(self.threads):
                    found += [f"{row.kind} {row.writes}: {name}" for name in self.touched(row, thread, m)]
        return found

    def touched(self, row: Row, thread: int, m: int) -> list[str]:
        """Note what a thread does for a row; the quantities that another has touched since the last barrier."""
        found = []
        for name, first, last, writes in self.accesses(row, thread, m):
            notes = self.since.setdefault(name, [])
            if any(
                t != thread and first < end and start < last and (writes or wrote) for t, start, end, wrote in notes
            ):
                found.append(name)
            notes.append((thread, first, last, writes))
        return found

    def accesses(self, row: Row, thread: int, m: int) -> list[Access]:
        """(memory, first number, behind the last, whether it writes) of each operand."""
        if row.kind in ONCE and thread > 0:
            return []
        if row.span > 1:
            return self.flat(row, thread)
        units = self.program.buffers[row.writes[0]].shape[0]
        found = []
        for place, name in enumerate((*row.reads, *row.writes)):
            sides = [m if side == "m" else int(side) for side in self.program.buffers[name].shape]
            start, stop = 0, sides[0]
            if row.kind not in ONCE and (place >= len(row.reads) or self.is_own(row, place, name, units)):
                start, stop = self.share(sides[0], thread)
            apart = math.prod(sides[1:])
            home = self.program.buffers[name].home
            if home != "source" and start < stop:
                found.append((self.memory(name), start * apart, stop * apart, place >= len(row.reads)))
        return found

    def flat(self, row: Row, thread: int) -> list[Access]:
        """What a thread touches of each segment of a row that runs over several."""
        found, behind = [], 0
        first, last = (64 * unit for unit in self.share(self.program.extent(row).units or 0, thread))
        for part in row.parts:
            size = math.prod(map(int, self.program.buffers[part.writes[0]].shape))
            start, stop = max(first - behind, 0), min(last - behind, size)
            for name in (*part.reads, *part.writes) if start < stop else ():
                found.append((self.memory(name), start, stop, name in part.writes))
            behind += -(-size // 64) * 64
        return found

    def is_own(self, row: Row, place: int, name: str, units: Any) -> bool:
        shape = self.program.buffers[name].shape
        if row.formula is None:
            return place < OWN.get(row.kind, len(row.reads))
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
def test_no_two_threads_ever_meet_between_barriers(case: Case, later: int, threads: int) -> None:
    plain = case.program()
    for program in (plain, fused(plain)):
        flags = program.barriers()
        assert not Threads(program, threads).conflicts(flags, (case.m, later))


def test_rows_that_read_a_neighbour_are_not_one_row() -> None:
    shapes, minus = dict.fromkeys(("p", "q", "r"), (9, 4)), (lambda a, b: a - b)
    program = fused(made(shapes, ("p", ("p", "q"), minus), ("q", ("q", "r"), minus)))
    assert [row.span for row in program.rows] == [1, 1]
    own = fused(made(shapes, ("p", ("p",), np.tanh), ("q", ("q",), np.tanh), ("r", ("r",), np.tanh)))
    assert [row.span for row in own.rows] == [3]


def test_splits_of_different_numbers_of_units_wait_for_each_other() -> None:
    double, add = (lambda b: b * 2), (lambda w, b: w + b)
    program = made({"w": (33, 17), "b": (17,)}, ("b", ("b",), double), ("w", ("w", "b"), add))
    assert program.barriers() == (True, True)
    assert not Threads(program, 3).conflicts(program.barriers(), (1, 1))
    assert Threads(program, 3).conflicts((True, False), (1, 1))


@pytest.mark.parametrize("name", ["sgd", "adam, strict", "batch_norm", "layer_norm before"])
def test_threads_meet_where_a_barrier_is_left_out(name: str) -> None:
    wide = tuple(33 if isinstance(layer, int) else layer for layer in TABLE[name].layers)
    program = fused(TABLE[name]._replace(layers=wide).program())
    flags = program.barriers()
    for left_out in np.flatnonzero(flags):
        fewer = tuple(flag and number != left_out for number, flag in enumerate(flags))
        assert Threads(program, 3).conflicts(fewer, (41, 41))
