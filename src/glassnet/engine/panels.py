"""Turns a matrix round, a square of one vector a side at a time, in registers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from glassnet.engine.lines import Line, clamped, constant_word, first_lanes, shuffled
from glassnet.engine.simd import LLVM, Builder
from glassnet.engine.target import Target


def turning(dtype: types.Type, target: Target) -> Any:
    """An intrinsic turn(source, apart, lines, columns, into, width): a square of one vector a side, turned round.

    It reads `lines` lines of `columns` numbers, at most a vector's lanes of each; beyond, lines are repeated.
    """
    real = LLVM[dtype]
    lanes = target.lanes(real)
    kind = ir.VectorType(real, lanes)

    @intrinsic
    def turn(typing: Any, source: Any, apart: Any, lines: Any, columns: Any, into: Any, width: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            source, apart, lines, columns, into, width = arguments
            read = Line(builder, kind, 1, first_lanes(builder, columns, lanes))
            starts = [builder.gep(source, [builder.mul(apart, place)]) for place in clamped(builder, lanes, lines)]
            rows = [vector for start in starts for vector in read.load(start)]
            for index, row in enumerate(turned(builder, rows)):
                place = builder.gep(into, [builder.mul(width, constant_word(index))])
                Line(builder, kind, 1, None).store(place, [row])
            return context.get_dummy_value()

        whole = types.int64
        return types.void(source, whole, whole, whole, into, whole), generate

    return turn


def turned(builder: Builder, rows: list[ir.Value]) -> list[ir.Value]:
    """The transpose of a square of lanes: squares of half the side change places, then those within them."""
    lanes, rows, half = len(rows), list(rows), 1
    while half < lanes:
        kept = [i if not i & half else lanes + (i ^ half) for i in range(lanes)]
        moved = [i | half if not i & half else lanes + i for i in range(lanes)]
        for index in (index for index in range(lanes) if not index & half):
            pair = rows[index], rows[index | half]
            rows[index], rows[index | half] = (shuffled(builder, *pair, order) for order in (kept, moved))
        half *= 2
    return rows
