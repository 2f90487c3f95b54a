"""An update that several threads share is stored past the caches, with the same numbers and nothing around them."""

from __future__ import annotations

import itertools
import platform
import re
from typing import Any

import numpy as np
import pytest

from glassnet.engine import KernelSpec, address
from glassnet.tables.formula import trace
from tests.twins.machine_code import instructions
from tests.twins.test_kernels import DTYPES, GUARD, Buffer, Call, bits, normal


def momentum(w: Any, g: Any, v: Any, lr: Any) -> Any:
    v = v * lr - g
    return w + v * lr, v


FORMULA, READ_MODES = trace(momentum, 4), ("full",) * 3


class Aligned(Buffer):
    """A buffer whose first number lies `offset` numbers after the start of a cache line."""

    def __init__(self, values: Any, offset: int) -> None:
        values = np.ascontiguousarray(values)
        memory = np.empty(values.nbytes + 2 * GUARD * values.itemsize + 128, np.uint8)
        start = -memory.ctypes.data % 64 + offset * values.itemsize
        self.memory = memory[start:][: values.nbytes + 2 * GUARD * values.itemsize].view(values.dtype)
        self.memory[:] = 77
        self.array = self.memory[GUARD:-GUARD].reshape(values.shape)
        self.array[...] = values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("offset", [0, 1])
def test_numbers_and_guard_zones(dtype: str, offset: int) -> None:
    """Shares of every length, aligned to cache lines and not: with odd widths they begin anywhere."""
    kernel, scalars = address("formula", dtype, FORMULA, (*READ_MODES, "shared", "full"), 1), Buffer([0.9], dtype)
    sizes = ((1, 13, 40), (1, 3, 16, 50), (1, 2, 3))
    for units, width, threads in (*itertools.product(*sizes), (400, 700, 2), (400, 350, 2)):  # long and short shares
        w, g, v = (Aligned(normal((units, width), dtype, seed), offset) for seed in range(3))
        truth = momentum(w.array.copy(), g.array.copy(), v.array.copy(), scalars.array[0])
        Call(kernel, 5, units, width, scalars=scalars.address)([w, g, v, w, v], (0,), threads)
        assert [bits(w.array), bits(v.array)] == [bits(part) for part in truth]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors have other names for it")
@pytest.mark.parametrize("dtype", DTYPES)
def test_only_shared_operands_are_stored_past_the_caches(dtype: str) -> None:
    """One of the two results, and a fence after it."""
    store, fence = r"\sv?movntp[sd]\s", r"\s(mfence|lock)"
    shared = instructions(KernelSpec("formula", dtype, FORMULA, (*READ_MODES, "shared", "full"), 1))
    unshared = instructions(KernelSpec("formula", dtype, FORMULA, (*READ_MODES, "full", "full"), 1))
    assert re.search(store, shared) and re.search(fence, shared)
    assert not re.search(store, unshared) and not re.search(fence, unshared)


def test_training_shares_the_parameters() -> None:
    """The rows that update parameters, one segment or all of them, and no others."""
    from glassnet import NeuralNetwork
    from glassnet.engine.executor import Compiled
    from glassnet.engine.layout import ROW
    from glassnet.program.buffers import new_vectors
    from glassnet.program.builder import build
    from glassnet.program.lowering import fused
    from glassnet.program.updates import StepOptions
    from glassnet.tables.optimizers import optimizer

    for layers in ([5, 9, 3], [300, 300, 3]):
        net = NeuralNetwork(layers, seed=0)
        program = fused(build(net.architecture, StepOptions(optimizer("adam"))))
        runner = Compiled(program, new_vectors(program, net.parameters, net.statistics), 8)
        for number, row in enumerate(program.rows):
            if row.kind != "formula":
                continue
            modes = [program.mode(row, name) for name in (*row.parts[0].reads, *row.parts[0].writes)]
            plain = address("formula", "float32", row.formula, tuple(modes), len(row.scalars))
            assert (runner.table[number, ROW.kernel] != plain) == (row.label == "update")
