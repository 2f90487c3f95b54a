"""Deep networks: the lowering of a program takes time in proportion to its layers, and orders it as plainly stated."""

from __future__ import annotations

import time

import pytest

from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork
from glassnet.program.builder import build
from glassnet.program.lowering import _scheduled, fused
from glassnet.program.program import Program, Row
from glassnet.program.updates import StepOptions
from glassnet.tables.optimizers import SGD, Adam

NETWORKS = {
    "dense": NeuralNetwork([5, 33, 17, 3], ["relu", "tanh", "linear"], l2=1e-3, seed=0),
    "layers": NeuralNetwork([5, Dropout(0.2), 9, BatchNorm(), 7, LayerNorm(), 3], ["relu"] * 2 + ["linear"], seed=0),
    "deep": NeuralNetwork([4, *range(3, 12), 1], seed=0),
}


def step_program(network: NeuralNetwork) -> Program:
    return build(network.architecture, StepOptions(Adam(), weighted=True, clip_norm=True))


def plainly_scheduled(rows: list[Row], program: Program) -> list[Row]:
    """The order by its definition: of the equations whose predecessors are done, the first that keeps the split."""

    def must_follow(row: Row, earlier: Row) -> bool:
        touched = {*row.reads, *row.writes}
        return bool(touched & set(earlier.writes) or set(row.writes) & set(earlier.reads))

    left, order, split = list(range(len(rows))), list[Row](), program.split(rows[0])[0]
    while left:
        ready = [n for n in left if not any(must_follow(rows[n], rows[e]) for e in left if e < n)]
        chosen = next((n for n in ready if program.split(rows[n])[0] == split), ready[0])
        split = program.split(rows[chosen])[0]
        order.append(rows[chosen])
        left.remove(chosen)
    return order


def plain_barriers(program: Program) -> list[bool]:
    """Where threads wait, by comparing each equation with all that came since the last wait."""
    pending: list[tuple[object, set[str], set[str]]] = []
    flags = []
    for row in program.rows * 2:
        split, whole = program.split(row), program._read_whole(row)
        reads, writes = set(map(program.memory, row.reads)), set(map(program.memory, row.writes))
        waits = any(
            written & whole or (other != split and (written & (reads | writes) or read & writes))
            for other, read, written in pending
        )
        flags.append(bool(waits))
        pending = [*([] if waits else pending), (split, reads, writes)]
    return flags[len(program.rows) :]


@pytest.mark.parametrize("name", NETWORKS)
def test_order_and_barriers_by_their_definition(name: str) -> None:
    program = step_program(NETWORKS[name])
    rows = list(program.rows)
    assert _scheduled(rows, program) == plainly_scheduled(rows, program)
    assert list(program.barriers()) == plain_barriers(program)
    lowered = fused(program)
    assert list(lowered.barriers()) == plain_barriers(lowered)


def seconds(layers: int) -> float:
    """The time of lowering a network of so many layers, the shortest of three."""
    program = build(NeuralNetwork([4, *[4] * layers, 1], seed=0).architecture, StepOptions(SGD()))
    times = []
    for _ in range(3):
        started = time.process_time()
        fused(program).barriers()
        times.append(time.process_time() - started)
    return min(times)


def test_four_times_the_layers_take_about_four_times_as_long() -> None:
    assert seconds(200) < 8 * seconds(50)  # were it quadratic, 16 times
