"""No kernel reads or writes a byte outside its operands, wherever these begin or end.

Every operand of a row, the row's words, its context and its scalars lie right before or right behind a page that cannot
be touched. A process runs the rows of a kind; where it is ended by the system, it has said which row it was at.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.engine import address
from glassnet.engine.kernels import KERNELS
from glassnet.tables.formula import trace
from tests.twins.kernel_rows import ROWS, At, Case, numbers
from tests.twins.pages import Guarded

ROOT = Path(__file__).resolve().parents[2]
DTYPES = ("float32", "float64")
ROOM = 1 << 19  # bytes, more than any operand here has
Array = np.ndarray[Any, Any]
Place = Callable[[Array], Array]
Kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


CALLED = {"product", "followed", "skipping", "followed skipping"}  # affine, arrive and outer lead to them


def sizes() -> Iterator[tuple[int, int]]:
    """Samples and columns: every number up to 70 beside a few others, random ones, and long lines."""
    for size in range(1, 71):
        yield from ((1, size), (size, 1), (3, size), (size, 17))
    yield from map(tuple, np.random.default_rng(0).integers(1, 71, (60, 2)).tolist())
    yield from ((2, 257), (9, 300), (70, 131), (1, 513))


def run(case: Case, place: Place, threads: int) -> list[Array]:
    """All operands after a row was run as so many threads, one after another, on memory from `place`."""
    held = [place(operand) for operand in case.operands]
    places = [each.ctypes.data for each in held]
    settings = [places[word] if isinstance(word, At) else word for word in case.settings]
    named = places[: len(held) - case.apart]
    row = place(np.array([0, 0, case.units, case.width, *named, *settings], np.int64))
    scalars = place(np.zeros(0) if case.scalars is None else case.scalars)
    for thread in range(threads):
        context = place(np.array([thread, threads, case.m, 0, 1, scalars.ctypes.data, places[-1]], np.int64))
        Kernel(case.kernel)(row.ctypes.data, context.ctypes.data)
    return held


def bits(operands: list[Array]) -> list[bytes]:
    return [operand.tobytes() for operand in operands]


def check(kind: str) -> None:
    """All rows of a kind: between the pages the same bits as elsewhere."""
    for dtype in DTYPES:
        for m, n in sizes():
            print(kind, dtype, m, n, flush=True)
            for case in ROWS[kind](dtype, m, n):
                truth = bits(run(case, np.copy, 1))
                for behind in (False, True):
                    for threads in (1, 3):
                        found = bits(run(case, Pages(behind), threads))
                        assert found == truth, (case, "behind" if behind else "before", threads)


POOL: list[Guarded] = []


class Pages:
    """Gives memory between pages that cannot be touched, each piece between pages of its own."""

    def __init__(self, behind: bool) -> None:
        self.behind, self.given = behind, 0

    def __call__(self, values: Array) -> Array:
        """A copy of the values there."""
        if self.given == len(POOL):
            POOL.append(Guarded(ROOM))
        self.given += 1
        return POOL[self.given - 1].holding(values, self.behind)


def interpreted(place: Place) -> list[bytes]:
    """Two steps of a program of two rows, with all that the interpreter reads and writes on memory from `place`."""
    step = address("formula", "float64", trace(lambda a, c, rate: (a + rate, c + a), 3), ("full",) * 4, 1)
    a, c, cost, costs = (place(np.zeros(size)) for size in (3, 3, 1, 2))
    scalars, batches = place(np.array([1.0, 2.0])), place(np.array([[0, 3], [3, 2]]))
    at = [each.ctypes.data for each in (a, c, cost, costs, scalars, batches)]
    rows = [
        [step, 0, 0, 1, at[0], at[1], at[0], at[1], 0],
        [address("mean_cost", "float64"), 1, 0, 2, *at[1:3], 0, 0, 0],
    ]
    table, abort, barrier = place(np.array(rows)), place(np.zeros(1, np.int64)), place(np.zeros(1, np.int64))
    context = place(np.array([0, 1, 0, 0, 0, 0, 0, 0, abort.ctypes.data]))
    words = [table.ctypes.data, 2, 9, context.ctypes.data, at[5], at[4], 8, 7, 2, at[3], at[2], 0, 1]
    arguments = place(np.array([*words, barrier.ctypes.data]))
    Kernel(address("interpret", ""))(arguments.ctypes.data, None)
    assert arguments[11] == 2 and costs.tolist() == [0, 1]
    return bits([a, c, cost, costs])


def shuffled(place: Place) -> list[bytes]:
    """Orders of 1 to 70 places, shuffled on memory from `place`."""
    orders = []
    for count in range(1, 71):
        places, draws = (
            place(np.zeros((3, count), np.int64)),
            place(numbers((3, count)).astype(np.float32).view(np.uint32)),
        )
        words = place(np.array([places.ctypes.data, 3, count, draws.ctypes.data]))
        Kernel(address("shuffle", ""))(words.ctypes.data, None)
        assert (np.sort(places) == np.arange(count)).all()
        orders.append(places.tobytes())
    return orders


APART = {"interpret": interpreted, "shuffle": shuffled}  # kernels that are not those of a row


def check_apart(kind: str) -> None:
    run = APART[kind]
    assert run(np.copy) == run(Pages(False)) == run(Pages(True))


def ended(source: str) -> tuple[int, str, str]:
    """How a process ended: its code, the last line that it printed, and what it said on stderr."""
    paths = os.pathsep.join([str(ROOT), *sys.path])
    command = [sys.executable, "-c", source]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": paths}, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    return done.returncode, (done.stdout.splitlines() or [""])[-1], done.stderr


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("kind", ROWS)
def test_nothing_outside_the_operands_is_touched(kind: str) -> None:
    code, last, errors = ended(f"from tests.twins.test_pages import check; check({kind!r})")
    assert code == 0, f"{last}: {errors}"


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("kind", APART)
def test_the_others_touch_nothing_else(kind: str) -> None:
    code, _, errors = ended(f"from tests.twins.test_pages import check_apart; check_apart({kind!r})")
    assert code == 0, errors


def test_every_kernel_is_here() -> None:
    assert set(ROWS) | CALLED | set(APART) == set(KERNELS)


@pytest.mark.skipif(os.name == "nt", reason="pages are protected in another way on Windows")
@pytest.mark.parametrize("behind", [False, True])
def test_one_byte_too_far_ends_the_process(behind: bool) -> None:
    step = 16 if behind else -1
    source = (
        f"import numpy as np; from tests.twins.test_pages import Pages; x = Pages({behind})(np.zeros(16, np.uint8));"
    )
    source += f"import ctypes; print('at', flush=True); ctypes.string_at(x.ctypes.data + {step}, 1)"
    code, last, _ = ended(source)
    assert code < 0 and last == "at"
