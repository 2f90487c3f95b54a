"""The matrix product that skips zeros of a: for images, counts, and columns of 0 and 1.

Two rows of the result are computed at a time, from the terms that are not 0 in both; these are listed first. The terms
that are skipped would have added 0, so the bits are those of the dense product where all numbers are finite. Only the
sign of a 0 may differ: where a sum begins with −0, or a term too small for the dtype made it −0 and +0 would undo that.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.cpu_target import CpuTarget, cpu_target
from glassnet.engine.gemm import gemm
from glassnet.engine.kernel_functions import advance, as_pointer, inlined, minimum, stack_array
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import GEMM
from glassnet.engine.llvm_vectors import I64, LLVM, Builder, broadcast, int64, shuffle, size_of
from glassnet.engine.microkernel import strip_kernel
from glassnet.engine.registers import RegisterRow
from glassnet.engine.simd import ZERO, lane_mask, vector_loop
from glassnet.engine.transpose import block_transpose

TILE_ROWS, TILE_VECTORS = 2, 8
LIST_SIZE = 512  # terms; a longer sum continues from what c holds
EIGHT_INDICES = ir.VectorType(I64, 8)


def sparse_gemm(spec: KernelSpec) -> Any:
    """c = start + a·b as `gemm.gemm` computes it, with b read as b[k, j]. The slots: `layout.GEMM`.

    Where the terms of a row of a are not contiguous, some rows are first transposed into a panel.
    """
    real, target = getattr(types, spec.dtype), cpu_target()
    if not target.free_masks:  # the last rows would have to be copied first
        return gemm(spec)
    lanes, panel_row = target.lanes(LLVM[real]), LIST_SIZE + 16
    strip = strip_kernel(target, dict.fromkeys(range(1, TILE_VECTORS + 1), (TILE_ROWS,)))
    transpose, fill_zeros = block_transpose(real, target), vector_loop(ZERO, real)
    zeros, list_memory = stack_array(real, TILE_VECTORS * lanes), stack_array(types.int64, panel_row)
    list_terms, panel_memory = nonzero_terms(real, target), stack_array(real, lanes * panel_row)

    def sparse_gemm(slots: Any, context: Any) -> None:
        a, a_row, a_term = as_pointer(slots[GEMM.a], real), slots[GEMM.a_row], slots[GEMM.a_term]
        b, b_row = as_pointer(slots[GEMM.b], real), slots[GEMM.b_row]
        c, c_row = as_pointer(slots[GEMM.c], real), slots[GEMM.c_row]
        rows, columns, terms = slots[GEMM.rows], slots[GEMM.columns], slots[GEMM.terms]
        zero_row, indices, panel = zeros(), list_memory(), panel_memory()
        fill_zeros((), (), (zero_row,), TILE_VECTORS * lanes)
        vectors = (columns + lanes - 1) // lanes
        strips = (vectors + TILE_VECTORS - 1) // TILE_VECTORS
        vectors = (vectors + strips - 1) // strips
        height, row_stride = (TILE_ROWS, a_row) if a_term == 1 else (lanes, panel_row)
        top, term = 0, 0
        while top < rows:
            count, depth = minimum(height, rows - top), minimum(LIST_SIZE, terms - term)
            part = advance(a, top * a_row + term * a_term)
            if a_term != 1:
                for k in range(0, depth, lanes):
                    transpose(advance(part, k * a_term), a_term, depth - k, count, advance(panel, k), panel_row)
                part = panel
            for row in range(0, count, TILE_ROWS):
                first_row, left = advance(part, row * row_stride), 0
                tile_rows = minimum(TILE_ROWS, count - row)
                listed = list_terms(first_row, advance(first_row, (tile_rows - 1) * row_stride), depth, indices)
                while left < columns:
                    width = minimum(vectors * lanes, columns - left)
                    result = advance(c, (top + row) * c_row + left)
                    start, start_row = zero_row, 0
                    if term > 0:
                        start, start_row = result, c_row
                    elif slots[GEMM.start] != 0:
                        start = advance(as_pointer(slots[GEMM.start], real), left)
                    divisor = slots[GEMM.divisor] if term + depth == terms else 1
                    sizes = (tile_rows, width, listed, divisor, indices, (width + lanes - 1) // lanes)
                    second = (advance(b, term * b_row + left), b_row)
                    strip((first_row, row_stride, 1), second, (result, c_row), (start, start_row), sizes)
                    left += width
            term += depth
            if term == terms:
                top, term = top + count, 0

    return sparse_gemm


def nonzero_terms(dtype: types.Type, target: CpuTarget) -> Any:
    """An inlined list(first, second, terms, indices) of the terms that are not 0 in both rows; returns their number.

    It writes eight at a time, up to seven indices beyond the list; an empty list has index 0 in front.
    """
    real = LLVM[dtype]
    lanes = target.lanes(real)
    kind, integers = ir.VectorType(real, lanes), ir.VectorType(ir.IntType(8 * size_of(real)), lanes)

    @inlined(types.int64)
    def list_terms(builder: Builder, first: Value, second: Value, terms: Value, indices: Value) -> Value:
        count = cgutils.alloca_once_value(builder, int64(0))
        with cgutils.for_range_slice(builder, int64(0), terms, int64(lanes), I64) as (k, _):
            read = RegisterRow(builder, [kind], lane_mask(builder, builder.sub(terms, k), lanes))
            rows = [read.load(builder.gep(start, [k]))[0] for start in (first, second)]
            bits = [builder.bitcast(row, integers) for row in rows]
            nonzero = builder.icmp_unsigned("!=", builder.or_(*bits), ir.Constant(integers, None))
            for lane in range(0, lanes, 8):
                mask = shuffle(builder, nonzero, nonzero, range(lane, lane + 8))
                append_indices(builder, indices, count, builder.add(k, int64(lane)), mask)
        return builder.load(count)

    return list_terms


def append_indices(builder: Builder, indices: Value, count: Value, first: Value, mask: Value) -> None:
    """Append those of the eight indices from `first` on that are in the mask, by AVX-512's VPCOMPRESSQ."""
    eight = builder.add(broadcast(builder, first, 8), ir.Constant(EIGHT_INDICES, list(range(8))))
    signature = ir.FunctionType(EIGHT_INDICES, [EIGHT_INDICES, EIGHT_INDICES, mask.type])
    compress = cgutils.get_or_insert_function(builder.module, signature, "llvm.x86.avx512.mask.compress.v8i64")
    packed, number = builder.call(compress, [eight, ir.Constant(EIGHT_INDICES, None), mask]), builder.load(count)
    builder.store(packed, builder.bitcast(builder.gep(indices, [number]), EIGHT_INDICES.as_pointer()), align=8)
    added = builder.zext(builder.ctpop(builder.bitcast(mask, ir.IntType(8))), I64)
    builder.store(builder.add(number, added), count)
