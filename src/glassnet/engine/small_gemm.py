"""Matrix products no wider than one vector, inlined into the kernel that needs them, without panels or calls.

They use the tiles of the large product, so their bits are the same; in small networks the way to it is what costs.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.cpu_target import CpuTarget
from glassnet.engine.kernel_functions import inlined
from glassnet.engine.llvm_vectors import LLVM, Builder
from glassnet.engine.microkernel import MicroKernel, Strip

TILE_ROWS = (4, 1)  # taller tiles would be faster where there is more to do
HALF_VECTOR_TILE_ROWS = (8, 4, 1)  # some processors add two half vectors at a time


def max_columns(dtype: types.Type, target: CpuTarget) -> int:
    """The most columns of a small product; 0 where masks are slow, so that rows would have to be copied first."""
    return target.lanes(LLVM[dtype]) if target.free_masks else 0


def inline_gemm(target: CpuTarget, half: bool = False) -> Any:
    """An inlined gemm((a, a_row, a_term), (b, b_row), (c, c_row), (start, start_row), sizes) of one vector, or a half.

    `sizes` are (rows, columns, terms, divisor).
    """
    heights = HALF_VECTOR_TILE_ROWS if half else TILE_ROWS

    @inlined()
    def gemm(builder: Builder, a: Value, b: Value, c: Value, start: Value, sizes: Value) -> None:
        operands = chain(*(cgutils.unpack_tuple(builder, values) for values in (a, b, c, start, sizes)))
        MicroKernel(builder, Strip(*operands), target, 1, half).emit(heights)

    return gemm
