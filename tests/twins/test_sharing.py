"""An update that several threads share is written past the caches, with the same numbers and nothing beside them."""

from __future__ import annotations

import itertools
import platform
import re
from typing import Any

import numpy as np
import pytest

from glassnet.engine import Identity, address
from glassnet.tables.formula import trace
from tests.twins.machine_code import instructions
from tests.twins.test_kernels import DTYPES, GUARD, Buffer, Call, bits, normal


def momentum(w: Any, g: Any, v: Any, lr: Any) -> Any:
    v = v * lr - g
    return w + v * lr, v


FORMULA, NEAR = trace(momentum, 4), ("full",) * 3


class Aligned(Buffer):
    """A buffer whose first number lies on a cache line, or `beside` numbers behind it."""

    def __init__(self, values: Any, beside: int) -> None:
        values = np.ascontiguousarray(values)
        memory = np.empty(values.nbytes + 2 * GUARD * values.itemsize + 128, np.uint8)
        start = -memory.ctypes.data % 64 + beside * values.itemsize
        self.memory = memory[start:][: values.nbytes + 2 * GUARD * values.itemsize].view(values.dtype)
        self.memory[:] = 77
        self.array = self.memory[GUARD:-GUARD].reshape(values.shape)
        self.array[...] = values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beside", [0, 1])
def test_numbers_and_surroundings(dtype: str, beside: int) -> None:
    """Lines of every length, on cache lines and beside them: shares of odd widths begin anywhere."""
    kernel, scalars = address("formula", dtype, FORMULA, (*NEAR, "shared", "full"), 1), Buffer([0.9], dtype)
    sizes = ((1, 13, 40), (1, 3, 16, 50), (1, 2, 3))
    for units, width, threads in (*itertools.product(*sizes), (400, 700, 2), (400, 350, 2)):  # shares long and short
        w, g, v = (Aligned(normal((units, width), dtype, seed), beside) for seed in range(3))
        truth = momentum(w.array.copy(), g.array.copy(), v.array.copy(), scalars.array[0])
        Call(kernel, 5, units, width, scalars=scalars.address)([w, g, v, w, v], (0,), threads)
        assert [bits(w.array), bits(v.array)] == [bits(part) for part in truth]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors name it otherwise")
@pytest.mark.parametrize("dtype", DTYPES)
def test_only_what_is_shared_passes_the_caches(dtype: str) -> None:
    """One of the two results; and nothing may be written after it before it has arrived."""
    past, fence = r"\sv?movntp[sd]\s", r"\s(mfence|lock)"
    shared = instructions(Identity("formula", dtype, FORMULA, (*NEAR, "shared", "full"), 1))
    near = instructions(Identity("formula", dtype, FORMULA, (*NEAR, "full", "full"), 1))
    vectors = len(re.findall(past, shared))
    assert vectors >= 1 and re.search(fence, shared)
    assert not re.search(past, near) and not re.search(fence, near)


def test_parameters_are_what_training_shares() -> None:
    """Whatever updates parameters, one segment or all of them, and nothing else."""
    from glassnet import NeuralNetwork
    from glassnet.engine.executor import Compiled
    from glassnet.program.buffers import new_vectors
    from glassnet.program.builder import StepOptions, build
    from glassnet.program.lowering import fused
    from glassnet.tables.optimizers import optimizer

    for layers in ([5, 9, 3], [300, 300, 3]):
        net = NeuralNetwork(layers, seed=0)
        program = fused(build(net.architecture, StepOptions(optimizer("adam"))))
        run = Compiled(program, new_vectors(program, net.parameters, net.statistics), 8)
        for number, row in enumerate(program.rows):
            if row.kind != "formula":
                continue
            modes = [program.mode(row, name) for name in (*row.parts[0].reads, *row.parts[0].writes)]
            plain = address("formula", "float32", row.formula, tuple(modes), len(row.scalars))
            assert (run.table[number, 0] != plain) == (row.label == "update")
