"""The matrix product that leaves out zeros of a: for images, counts, and columns of 0 and 1.

Two rows of the result are made at a time, from the terms of which one is not 0; a list of them is made first. What is
left out would have added 0, so the bits are those of the other product (where all numbers are finite).
"""

from __future__ import annotations

from typing import Any

from numba.core import types

from glassnet.engine.identity import Identity
from glassnet.engine.products import product
from glassnet.engine.simd import LLVM, line, local, pointer, shift, smaller
from glassnet.engine.target import target
from glassnet.engine.tiles import stripping
from glassnet.engine.vectors import size_of
from glassnet.formula import trace

ZERO = trace(lambda: 0.0, 0)
ROWS, VECTORS = 2, 8  # of the result that are made at once
LISTED = 1024  # terms of a list, 8 KB on the stack; a longer sum goes on from what c holds


def skipping(identity: Identity) -> Any:
    """c = start + a·b as `products.product` has it; the words are the same, b is read as b[k, j]."""
    real, found = getattr(types, identity.dtype), target()
    if not found.masks:  # the last lines would have to be copied first
        return product(identity)
    size, whole = size_of(LLVM[real]), types.int64 if real == types.float64 else types.int32
    lanes = found.lanes(LLVM[real])
    strip = stripping(found, dict.fromkeys(range(1, VECTORS + 1), (ROWS,)))
    zero, zeros, memory = line(ZERO, real), local(real, VECTORS * lanes), local(types.int64, LISTED)

    def skipping(words: Any, context: Any) -> None:
        a_row, a_step, b, b_row = words[1], words[2], pointer(words[3], real), words[4]
        c, c_row, rows, columns, inner = pointer(words[6], real), words[7], words[9], words[10], words[11]
        nothing, listed = zeros(), memory()
        zero((), (), (nothing,), VECTORS * lanes)
        vectors = (columns + lanes - 1) // lanes
        strips = (vectors + VECTORS - 1) // VECTORS
        vectors = (vectors + strips - 1) // strips
        first, near = 0, 0
        while first < rows:
            count, depth = smaller(ROWS, rows - first), smaller(LISTED, inner - near)
            place = words[0] + (first * a_row + near * a_step) * size
            above, below = pointer(place, whole), pointer(place + (count - 1) * a_row * size, whole)
            terms = 0
            for k in range(depth):
                listed[terms] = k
                terms += (above[k * a_step] | below[k * a_step]) != 0
            divisor = words[12] if near + depth == inner else 1
            factors = (pointer(place, real), a_row, a_step)
            left = 0
            while left < columns:
                wide, into = smaller(vectors * lanes, columns - left), shift(c, first * c_row + left)
                start, start_row = nothing, 0
                if near > 0:
                    start, start_row = into, c_row
                elif words[8] != 0:
                    start = shift(pointer(words[8], real), left)
                sizes = (count, wide, terms, divisor, listed, (wide + lanes - 1) // lanes)
                strip(factors, (shift(b, near * b_row + left), b_row), (into, c_row), (start, start_row), sizes)
                left += wide
            near += depth
            if near == inner:
                first, near = first + count, 0

    return skipping
