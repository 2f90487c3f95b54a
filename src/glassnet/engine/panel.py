"""Panels: a strip of b copied to contiguous rows, so that all tiles of the strip read it from a near cache."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils

from glassnet.engine.cpu_target import CpuTarget
from glassnet.engine.kernel_functions import inlined
from glassnet.engine.llvm_vectors import Builder, int64
from glassnet.engine.registers import RegisterRow
from glassnet.engine.simd import lane_mask


def panel_packing(target: CpuTarget) -> Any:
    """An inlined pack((b, b_row), (panel, panel_row), (columns, terms, vectors)): rows of b as whole vectors.

    Loads are masked and stores are not: where masks cost something, a masked store costs as much as several rows.
    """

    @inlined()
    def pack(builder: Builder, b: Value, panel: Value, sizes: Value) -> None:
        (source, b_row), (result, panel_row) = (cgutils.unpack_tuple(builder, values) for values in (b, panel))
        columns, terms, vectors = cgutils.unpack_tuple(builder, sizes)
        kind = ir.VectorType(source.type.pointee, target.lanes(source.type.pointee))
        for number in range(1, len(target.tile_heights) + 1):
            with builder.if_then(builder.icmp_signed("==", vectors, int64(number))):
                rest = builder.sub(columns, int64((number - 1) * kind.count))
                read = RegisterRow(builder, [kind] * number, lane_mask(builder, rest, kind.count))
                written = RegisterRow(builder, [kind] * number, None)
                with cgutils.for_range(builder, terms) as loop:
                    numbers = read.load(builder.gep(source, [builder.mul(loop.index, b_row)]))
                    written.store(builder.gep(result, [builder.mul(loop.index, panel_row)]), numbers)

    return pack
