"""The kernel that runs a program: for every step it fills the context and calls the rows' kernels by address."""

from __future__ import annotations

from typing import Any

from numba.core import types

from glassnet.engine.identity import Identity
from glassnet.engine.simd import call, pointer, shift


def interpret(identity: Identity) -> Any:
    """Run steps until all are done or the abort flag is set; a step that has begun is finished.

    The words of `arguments`: [0] address of the table of rows, [1] rows, [2] words a row, [3] address of the context,
    [4] address of the batches (first, m), [5] address of the scalars, [6] bytes of scalars a step, [7] number of the
    first step, [8] steps, [9] address of the costs to write, [10] address of the program's cost, [11] steps done.
    """
    words, wide = types.int64, types.float64

    def interpret(arguments: Any, unused: Any) -> None:
        rows, size = arguments[1], arguments[2]
        context, batches = pointer(arguments[3], words), pointer(arguments[4], words)
        costs, cost, abort = pointer(arguments[9], wide), pointer(arguments[10], wide), pointer(context[8], words)
        arguments[11] = 0
        for step in range(arguments[8]):
            if abort[0] != 0:
                return
            context[2], context[3] = batches[2 * step + 1], batches[2 * step]
            context[4], context[5] = arguments[7] + step, arguments[5] + step * arguments[6]
            row = pointer(arguments[0], words)
            for _ in range(rows):
                call(row[0], row, context)
                row = shift(row, size)
            costs[step] = cost[0]
            arguments[11] = step + 1

    return interpret
