"""A matrix product is tested when it is compiled: on small integers, whose product NumPy knows exactly."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any

import numpy as np

from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import CONTEXT, CONTEXT_SIZE, SCRATCH_BYTES
from glassnet.errors import EngineUnavailable
from glassnet.program.bfloat16_pairs import packed
from glassnet.program.parameters import Array, aligned_zeros

ROWS, COLUMNS, TERMS = (1, 2, 7, 11), (1, 5, 24, 40, 100, 257), (1, 6, 19)
GUARD = 16  # numbers around the result that must not be written


def self_test(spec: KernelSpec, address: int) -> None:
    """Raise EngineUnavailable where a freshly compiled product gives a wrong number."""
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address)
    for rows, columns, terms in (*itertools.product(ROWS, COLUMNS, TERMS), (33, 257, 300)):
        for transposed in (0,) if spec.kind == "sparse_gemm" else (0, 1):
            if not is_exact(kernel, spec.dtype, (rows, columns, terms), transposed, spec.in_pairs):
                message = f"the compiled product of {spec.dtype} gives wrong numbers on this processor"
                raise EngineUnavailable(f"{message} ({rows}×{terms} times {terms}×{columns})")


def is_exact(kernel: Any, dtype: str, shape: tuple[int, int, int], transposed: int, in_pairs: bool = False) -> bool:
    """Whether the product of small integers is exact and nothing around it is written."""
    rows, columns, terms = shape
    a, b, start = (small_integers(size, dtype) for size in ((rows, terms), (terms, columns), (1, columns)))
    stored_a, stored_b = a, np.ascontiguousarray(b.T) if transposed else b
    if in_pairs:
        stored_a, stored_b = packed(a, "columns"), packed(stored_b, "columns" if transposed else "rows")
    memory = np.full(rows * columns + 2 * GUARD, -1, dtype)
    c = memory[GUARD:-GUARD]
    divisor = 2 if transposed else 1
    operands = [stored_a.ctypes.data, stored_a.shape[1], 1, stored_b.ctypes.data, stored_b.shape[1], transposed]
    slots = np.array(
        [*operands, c.ctypes.data, columns, start.ctypes.data, rows, columns, stored_a.shape[1], divisor], np.int64
    )  # layout.GEMM
    context, scratch = np.zeros(CONTEXT_SIZE, np.int64), aligned_zeros(SCRATCH_BYTES, np.uint8)
    context[CONTEXT.scratch] = scratch.ctypes.data
    kernel(slots.ctypes.data, context.ctypes.data)
    guards = np.concatenate([memory[:GUARD], memory[-GUARD:]])
    return bool((divisor * c == (a @ b + start).ravel()).all() and (guards == -1).all())


def small_integers(shape: tuple[int, int], dtype: str) -> Array:
    """Integers from −3 to 3 without a regular pattern."""
    indices = np.arange(shape[0] * shape[1])
    return ((indices * indices + 3 * indices) % 7 - 3).reshape(shape).astype(dtype)
