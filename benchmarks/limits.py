"""Lower bounds for the time of a training step, measured on this machine with glassnet's own kernels on one thread."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workloads import MIXED, Workload

CACHED_ELEMENTS = 1 << 14  # float32 numbers that fit in the second-level cache
FREE_ACTIVATIONS = ("relu", "linear")  # their time counts as 0
ROWS, TERMS, COLUMNS = 64, 256, 192  # of a product whose operands fit in the cache
MIXED_WORDS = TERMS // 2  # the 32-bit words that hold the terms of a row in mixed precision


class Limits(NamedTuple):
    """Seconds per operation of a matrix product, per sigmoid, and per byte read from memory."""

    flop: float
    sigmoid: float
    byte: float

    def step(self, workload: Workload) -> float:
        """Seconds of one step: products, activations, the gather, and the optimiser's update at its measured speed."""
        layers = zip(workload.layers[1:], workload.activations, strict=True)
        activated = workload.batch * sum(width for width, name in layers if name not in FREE_ACTIVATIONS)
        gather = 4.0 * workload.batch * workload.layers[0] * self.byte
        return workload.flops * self.flop + activated * self.sigmoid + gather + update(workload)


def measure(precision: str) -> Limits:
    """Measure one core, with data that lie in its caches, and the time per byte with a vector that does not.

    Mixed precision has faster products; all else is computed in float32.
    """
    source = np.zeros(1 << 25, np.float32)
    target = np.empty_like(source)
    return Limits(product(precision), sigmoid(), fastest(lambda: np.copyto(target, source), 3) / source.nbytes / 2)


def fastest(function: Callable[[], Any], repeats: int = 7) -> float:
    """The least processor time of a call; each repeat lasts about 10 ms."""
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


def kernel_call(kernel: int, row: list[int], m: int) -> Callable[[], None]:
    """A function that calls one of the engine's kernels with this row of its table, on m samples."""
    from glassnet.engine.layout import CONTEXT, CONTEXT_SIZE, SCRATCH_BYTES
    from glassnet.program.parameters import aligned_zeros

    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(kernel)
    arguments, context = np.array(row, np.int64), np.zeros(CONTEXT_SIZE, np.int64)
    scalars, scratch = np.full(16, 0.5, np.float32), aligned_zeros(SCRATCH_BYTES, np.uint8)
    context[[CONTEXT.threads, CONTEXT.samples]] = 1, m
    context[[CONTEXT.scalars, CONTEXT.scratch]] = scalars.ctypes.data, scratch.ctypes.data
    addresses, owners = (arguments.ctypes.data, context.ctypes.data), (arguments, context, scalars, scratch)
    return lambda owners=owners: run(*addresses)


def product(precision: str) -> float:
    """Seconds per operation of a product, by the engine's kernel: float32, float64 or mixed precision."""
    from glassnet.engine import address
    from glassnet.program.parameters import aligned_zeros

    is_mixed = precision == MIXED
    kind, dtype, words = ("mixed_affine", "float32", MIXED_WORDS) if is_mixed else ("affine", precision, TERMS)
    a, w, b, z = (aligned_zeros(size, dtype) for size in (ROWS * words, words * COLUMNS, COLUMNS, ROWS * COLUMNS))
    addresses = [array.ctypes.data for array in (a, w, b, z)]
    call = kernel_call(address(kind, dtype), [0, 0, 0, COLUMNS, *addresses, words, 0, 0], ROWS)
    return fastest(call) / (2 * ROWS * TERMS * COLUMNS)


def sigmoid() -> float:
    """Seconds per sigmoid of numbers that fit in the cache."""
    from glassnet.engine import address
    from glassnet.tables.activations import activation
    from glassnet.tables.formula import trace

    z, a = np.linspace(-4, 4, CACHED_ELEMENTS, dtype=np.float32), np.empty(CACHED_ELEMENTS, np.float32)
    kernel = address("formula", "float32", trace(activation("sigmoid").value, 1), ("full", "full"))
    return fastest(kernel_call(kernel, [0, 0, 1, CACHED_ELEMENTS, z.ctypes.data, a.ctypes.data], 1)) / CACHED_ELEMENTS


def update(workload: Workload) -> float:
    """Seconds of the optimiser's update only, on vectors as long as the network's."""
    from glassnet.engine import address
    from glassnet.tables.formula import trace
    from glassnet.tables.optimizers import optimizer

    entry = optimizer(workload.optimizer)
    names, arrays = list(entry.scalars(np.ones(1), np.ones(1))), 2 + len(entry.states)
    formula = trace(
        lambda *v: entry.update(*v[:arrays], **dict(zip(names, v[arrays:], strict=True))), arrays + len(names)
    )
    modes = ("full",) * (2 * arrays - 1)
    length = max(workload.parameters, CACHED_ELEMENTS)  # long enough to make the cost of the call negligible
    vectors = [np.random.default_rng(0).random(length, np.float32) for _ in range(arrays)]
    addresses = [vectors[index].ctypes.data for index in (*range(arrays), 0, *range(2, arrays))]
    kernel = address("formula", "float32", formula, modes, len(names))
    row = [0, 0, 1, length, *addresses, *range(len(names))]
    return fastest(kernel_call(kernel, row, 1), 3) * workload.parameters / length
