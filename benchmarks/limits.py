"""The limits of this machine, measured with glassnet's own kernels on one thread: what a step cannot be faster than."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workloads import Workload


class Limits(NamedTuple):
    """Seconds: of one operation of a product, of an exponential curve, of a byte fetched from memory."""

    flop: float
    curve: float
    byte: float

    def step(self, workload: Workload) -> float:
        """Seconds of one step: products, curves, the gather, and the optimiser's traffic at its measured speed."""
        curved = [n for n, name in zip(workload.layers[1:], workload.activations, strict=True) if name not in FREE]
        gather = 4.0 * workload.batch * workload.layers[0] * self.byte
        return workload.flops * self.flop + workload.batch * sum(curved) * self.curve + gather + update(workload)


NEAR = 1 << 14  # numbers that stay in the second cache
FREE = ("relu", "linear")


def measured() -> Limits:
    """The limits of one core, on data that lies in its caches; bytes from a vector that does not."""
    source = np.zeros(1 << 25, np.float32)
    target = np.empty_like(source)
    return Limits(product(), curve(), fastest(lambda: np.copyto(target, source), 3) / source.nbytes / 2)


def fastest(function: Callable[[], Any], repeats: int = 7) -> float:
    """The least processor time of several calls, each of about 10 ms."""
    started = time.thread_time()
    function()
    count = max(1, int(0.01 / max(time.thread_time() - started, 1e-7)))
    best = np.inf
    for _ in range(repeats):
        started = time.thread_time()
        for _ in range(count):
            function()
        best = min(best, (time.thread_time() - started) / count)
    return float(best)


def caller(kernel: int, words: list[int], m: int) -> Callable[[], None]:
    """A call of one of the engine's kernels."""
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(kernel)
    row, context = np.array(words, np.int64), np.zeros(16, np.int64)
    context[1], context[2] = 1, m
    numbers = np.full(16, 0.5, np.float32)
    context[5] = numbers.ctypes.data
    first, second, kept = row.ctypes.data, context.ctypes.data, (row, context, numbers)
    return lambda kept=kept: run(first, second)


def product(dtype: str = "float32") -> float:
    """Seconds of an operation: 64 × 256 times 256 × 192, which stays near."""
    from glassnet.engine import address

    a, w, b, z = (np.ones(shape, dtype) for shape in ((64, 256), (256, 192), 192, (64, 192)))
    places = [array.ctypes.data for array in (a, w, b, z)]
    call = caller(address("affine", dtype), [0, 0, 0, 192, *places, 256, 0, 0], 64)
    return fastest(call) / (2 * 64 * 256 * 192)


def curve() -> float:
    """Seconds of a sigmoid, along numbers that stay near."""
    from glassnet.engine import address
    from glassnet.tables.activations import activation
    from glassnet.tables.formula import trace

    z, a = np.linspace(-4, 4, NEAR, dtype=np.float32), np.empty(NEAR, np.float32)
    kernel = address("formula", "float32", trace(activation("sigmoid").value, 1), ("full", "full"))
    return fastest(caller(kernel, [0, 0, 1, NEAR, z.ctypes.data, a.ctypes.data], 1)) / NEAR


def update(workload: Workload) -> float:
    """Seconds of the optimiser's update of vectors as long as the network's, by itself."""
    from glassnet.engine import address
    from glassnet.tables.formula import trace
    from glassnet.tables.optimizers import optimizer

    row = optimizer(workload.optimizer)
    words, arrays = list(row.scalars(np.ones(1), np.ones(1))), 2 + len(row.states)
    formula = trace(
        lambda *v: row.update(*v[:arrays], **dict(zip(words, v[arrays:], strict=True))), arrays + len(words)
    )
    modes = ("full",) * (2 * arrays - 1)
    length = max(workload.parameters, NEAR)  # so long that the call counts for nothing
    vectors = [np.random.default_rng(0).random(length, np.float32) for _ in range(arrays)]
    places = [vectors[index].ctypes.data for index in (*range(arrays), 0, *range(2, arrays))]
    kernel = address("formula", "float32", formula, modes, len(words))
    row_words = [0, 0, 1, length, *places, *range(len(words))]
    return fastest(caller(kernel, row_words, 1), 3) * workload.parameters / length
