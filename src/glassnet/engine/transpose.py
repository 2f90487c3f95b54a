"""Transposes matrices in registers, one square of vectors at a time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import types

from glassnet.engine.cpu_target import CpuTarget
from glassnet.engine.kernel_functions import inlined
from glassnet.engine.llvm_vectors import LLVM, Builder, int64, shuffle
from glassnet.engine.registers import RegisterRow, clamped_indices
from glassnet.engine.simd import lane_mask


def block_transpose(dtype: types.Type, target: CpuTarget) -> Any:
    """An inlined transpose(source, source_stride, rows, columns, result, result_stride) of a square of one vector.

    It reads `rows` rows of `columns` numbers, at most a vector's lanes of each; missing rows repeat the last one.
    """
    real = LLVM[dtype]
    lanes = target.lanes(real)
    kind = ir.VectorType(real, lanes)

    @inlined()
    def transpose(
        builder: Builder,
        source: Value,
        source_stride: Value,
        rows: Value,
        columns: Value,
        result: Value,
        result_stride: Value,
    ) -> None:
        read = RegisterRow(builder, [kind], lane_mask(builder, columns, lanes))
        indices = clamped_indices(builder, lanes, rows)
        starts = [builder.gep(source, [builder.mul(source_stride, index)]) for index in indices]
        vectors = [vector for start in starts for vector in read.load(start)]
        for index, vector in enumerate(transposed(builder, vectors)):
            start = builder.gep(result, [builder.mul(result_stride, int64(index))])
            RegisterRow(builder, [kind], None).store(start, [vector])

    return transpose


def transposed(builder: Builder, rows: list[Value]) -> list[Value]:
    """The transpose of a square, by swapping its off-diagonal blocks: single lanes first, then twice as wide ones."""
    lanes, rows, half = len(rows), list(rows), 1
    while half < lanes:
        upper = [i if not i & half else lanes + (i ^ half) for i in range(lanes)]
        lower = [i | half if not i & half else lanes + i for i in range(lanes)]
        for index in (index for index in range(lanes) if not index & half):
            pair = rows[index], rows[index | half]
            rows[index], rows[index | half] = (shuffle(builder, *pair, order) for order in (upper, lower))
        half *= 2
    return rows
