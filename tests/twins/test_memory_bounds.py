"""No kernel reads or writes a byte outside its operands, wherever these begin or end.

Every operand of a row, the row's slots, its context and its scalars lie directly before or after a page that cannot be
accessed. A process runs the rows of a kind; if the system ends it, its last line of output names the row.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from glassnet.engine import address
from glassnet.engine.kernels import KERNELS
from glassnet.engine.layout import CALL, CONTEXT, CONTEXT_SIZE, SCRATCH_BYTES
from glassnet.tables.formula import trace
from tests.twins.guard_pages import Guarded
from tests.twins.kernel_calls import KERNEL_TYPE
from tests.twins.kernel_cases import ROWS, Case, OperandAddress, numbers
from tests.twins.subprocesses import run_python

DTYPES = ("float32", "float64")
GUARDED_BYTES = 1 << 19  # more than any operand here has
Array = np.ndarray[Any, Any]
Allocate = Callable[[Array], Array]
# Of affine, propagate and bp4.
CALLEES = {f"{kind}{name}" for kind in ("", "sparse_", "mixed_") for name in ("gemm", "gemm_epilogue")}


def sizes() -> Iterator[tuple[int, int]]:
    """Samples up to 40 and columns up to 70 beside a few others, random ones, and long lines."""
    for size in range(1, 71):
        yield from ((1, size), (3, size))
        if size <= 40:
            yield from ((size, 1), (size, 17))
    yield from map(tuple, np.random.default_rng(0).integers(1, 71, (40, 2)).tolist())
    yield from ((2, 257), (9, 300), (70, 131), (1, 513))


def run(case: Case, allocate: Allocate, threads: int) -> list[Array]:
    """All operands after a row was run as so many threads, one after another, on memory from `allocate`."""
    operands = [allocate(operand) for operand in case.operands]
    addresses = [operand.ctypes.data for operand in operands]
    settings = [addresses[value] if isinstance(value, OperandAddress) else value for value in case.settings]
    direct = addresses[: len(operands) - case.indirect]
    row = allocate(np.array([0, 0, case.units, case.width, *direct, *settings], np.int64))
    scalars = allocate(np.zeros(0) if case.scalars is None else case.scalars)
    scratch = allocate(np.zeros(SCRATCH_BYTES, np.uint8))
    for thread in range(threads):
        slots = [thread, threads, case.m, 0, 1, scalars.ctypes.data, addresses[-1], scratch.ctypes.data]  # of CONTEXT
        context = allocate(np.array(slots, np.int64))
        KERNEL_TYPE(case.kernel)(row.ctypes.data, context.ctypes.data)
    return operands


def bits(operands: list[Array]) -> list[bytes]:
    return [operand.tobytes() for operand in operands]


def check(kind: str) -> None:
    """All rows of a kind: between the pages the same bits as elsewhere."""
    for dtype in DTYPES:
        for m, n in sizes():
            print(kind, dtype, m, n, flush=True)
            for case in ROWS[kind](dtype, m, n):
                truth = bits(run(case, np.copy, 1))
                for at_end in (False, True):
                    for threads in (1, 3):
                        result = bits(run(case, Pages(at_end), threads))
                        assert result == truth, (case, "end" if at_end else "start", threads)


POOL: list[Guarded] = []


class Pages:
    """Allocates memory between pages that cannot be accessed, each piece between pages of its own."""

    def __init__(self, at_end: bool) -> None:
        self.at_end, self.count = at_end, 0

    def __call__(self, values: Array) -> Array:
        if self.count == len(POOL):
            POOL.append(Guarded(GUARDED_BYTES))
        self.count += 1
        return POOL[self.count - 1].copy(values, self.at_end)


def interpreted(allocate: Allocate) -> list[bytes]:
    """Two steps of a program of two rows, with all that the interpreter reads and writes on memory from `allocate`."""
    step = address("formula", "float64", trace(lambda a, c, rate: (a + rate, c + a), 3), ("full",) * 4, 1)
    a, c, cost, costs = (allocate(np.zeros(size)) for size in (3, 3, 1, 2))
    scalars, batches = allocate(np.array([1.0, 2.0])), allocate(np.array([[0, 3], [3, 2]]))
    at = [each.ctypes.data for each in (a, c, cost, costs, scalars, batches)]
    rows = [
        [step, 0, 0, 1, at[0], at[1], at[0], at[1], 0],
        [address("mean_cost", "float64"), 1, 0, 2, *at[1:3], 0, 0, 0],
    ]
    table, abort, barrier = (allocate(np.array(values)) for values in (rows, [0], [0]))
    context = np.zeros(CONTEXT_SIZE, np.int64)
    context[[CONTEXT.threads, CONTEXT.abort]] = 1, abort.ctypes.data
    context = allocate(context)
    values = [table.ctypes.data, 2, 9, context.ctypes.data, at[5], at[4], 8, 7, 2, at[3], at[2], 0, 1]
    arguments = allocate(np.array([*values, barrier.ctypes.data]))  # layout.InterpreterArguments
    KERNEL_TYPE(address("interpret", ""))(arguments.ctypes.data, None)
    assert arguments[CALL.steps_done] == 2 and costs.tolist() == [0, 1]
    return bits([a, c, cost, costs])


def shuffled(allocate: Allocate) -> list[bytes]:
    """Orders of 1 to 70 samples, shuffled on memory from `allocate`."""
    orders = []
    for count in range(1, 71):
        order = allocate(np.zeros((3, count), np.int64))
        draws = allocate(numbers((3, count)).astype(np.float32).view(np.uint32))
        slots = allocate(np.array([order.ctypes.data, 3, count, draws.ctypes.data]))  # layout.SHUFFLE
        KERNEL_TYPE(address("shuffle", ""))(slots.ctypes.data, None)
        assert (np.sort(order) == np.arange(count)).all()
        orders.append(order.tobytes())
    return orders


def batched(kinds: Iterable[str], size: int) -> list[tuple[str, ...]]:
    """So many kinds at a time, whose process starts once."""
    names = list(kinds)
    return [tuple(names[first : first + size]) for first in range(0, len(names), size)]


NOT_ROWS = {"interpret": interpreted, "shuffle": shuffled}  # kernels that do not belong to a row


def check_not_row(kind: str) -> None:
    run = NOT_ROWS[kind]
    assert run(np.copy) == run(Pages(False)) == run(Pages(True))


def end_of(source: str) -> tuple[int, str, str]:
    """A process's return code, the last line that it printed, and its stderr."""
    process = run_python(source)
    return process.returncode, (process.stdout.splitlines() or [""])[-1], process.stderr


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("kinds", batched(ROWS, 4), ids="-".join)
def test_nothing_outside_the_operands_is_touched(kinds: tuple[str, ...]) -> None:
    source = f"from tests.twins.test_memory_bounds import check\nfor kind in {kinds!r}: check(kind)"
    code, last, errors = end_of(source)
    assert code == 0, f"{last}: {errors}"


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("kind", NOT_ROWS)
def test_other_kernels_touch_nothing_else(kind: str) -> None:
    code, _, errors = end_of(f"from tests.twins.test_memory_bounds import check_not_row; check_not_row({kind!r})")
    assert code == 0, errors


def test_every_kernel_is_tested() -> None:
    assert set(ROWS) | CALLEES | set(NOT_ROWS) == set(KERNELS)


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("at_end", [False, True])
def test_one_byte_too_far_ends_the_process(at_end: bool) -> None:
    source = f"""
import ctypes, numpy as np
from tests.twins.test_memory_bounds import Pages
x = Pages({at_end})(np.zeros(16, np.uint8))
print("at", flush=True)
ctypes.string_at(x.ctypes.data + {16 if at_end else -1}, 1)
"""
    code, last, _ = end_of(source)
    assert code < 0 and last == "at"
