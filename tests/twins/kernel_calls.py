"""Calls of single kernels, outside a program."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from glassnet.engine.layout import CONTEXT, CONTEXT_SIZE, SCRATCH_BYTES
from glassnet.program.parameters import aligned_zeros

KERNEL_TYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


def call_kernel(kernel: int, row: Sequence[int], m: int = 1, threads: int = 1, **slots: int) -> None:
    """Call the kernel at an address for a row, as several threads one after another; `slots` are the context's."""
    function, table = KERNEL_TYPE(kernel), np.array(row, np.int64)
    scratch = aligned_zeros(SCRATCH_BYTES, np.uint8)
    for thread in range(threads):
        context = np.zeros(CONTEXT_SIZE, np.int64)
        context[[CONTEXT.thread, CONTEXT.threads, CONTEXT.samples]] = thread, threads, m
        context[CONTEXT.scratch] = scratch.ctypes.data
        for name, value in slots.items():
            context[getattr(CONTEXT, name)] = value
        function(table.ctypes.data, context.ctypes.data)
