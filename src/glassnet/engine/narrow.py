"""Products no wider than one vector, written into the kernel that needs them: no words, no panel, no other kernel.

They are the tiles of the large product, so their bits are the same; in small networks getting to it is what costs.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from glassnet.engine.simd import LLVM, Builder
from glassnet.engine.target import Target
from glassnet.engine.tiles import Strip, Tile

ROWS = (4, 1)  # of the tiles; taller ones would be faster where there is more to do
HALF_ROWS = (8, 4, 1)  # of tiles of half a vector, of which some processors add two at a time


def narrowness(dtype: types.Type, target: Target) -> int:
    """The most columns of a narrow product; 0 where masks are slow, so that lines must be copied first."""
    return target.lanes(LLVM[dtype]) if target.masks else 0


def halved(target: Target) -> Target:
    """The target with vectors half as wide."""
    return target._replace(bytes=target.bytes // 2)


def narrowing(target: Target, rows: tuple[int, ...] = ROWS) -> Any:
    """An intrinsic narrow((a, row, step), (b, row), (c, row), (start, row), (rows, columns, depth, divisor))."""

    @intrinsic
    def narrow(typing: Any, a: Any, b: Any, c: Any, start: Any, sizes: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            counts = [len(kinds) for kinds in signature.args]
            fields = [builder.extract_value(arguments[i], j) for i, count in enumerate(counts) for j in range(count)]
            Tile(builder, Strip(*fields), target, 1).strips(rows)
            return context.get_dummy_value()

        return types.void(a, b, c, start, sizes), generate

    return narrow
