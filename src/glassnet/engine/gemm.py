"""The kernels of the matrix product: the product itself, and the product followed by a formula.

Each is compiled once per dtype, as a kernel of its own that takes its operands from slots (`layout.GEMM`) and is called
by name. Strips of b that serve many rows are first packed into a panel; where b is transposed, so is the panel.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.cpu_target import cpu_target
from glassnet.engine.gemv import row_times_matrix
from glassnet.engine.kernel_functions import advance, as_pointer, call_kernel, inlined, minimum, stack_array
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import CONTEXT, EPILOGUE, FIRST_OPERAND, GEMM, ROW
from glassnet.engine.llvm_vectors import I64, LANES, LLVM, Builder, int64, size_of
from glassnet.engine.microkernel import WIDE_VECTORS, strip_kernel
from glassnet.engine.panel import panel_packing
from glassnet.engine.simd import COPY, ZERO, vector_loop
from glassnet.engine.transpose import block_transpose

PANEL_ROWS = 512  # layout.PANEL_BYTES; a longer sum continues from what c holds, in parts of equal length
NEAR_PANEL_ROWS, SHARED_PANEL_ROWS = 256, 128  # of panels in the first-level cache, alone or with strided columns of a
PANEL_MIN_COLUMNS, PANEL_MIN_ROWS = 256, 32  # from which packing a panel pays off
NEAR_PANEL_MIN_TERMS = 96  # from which a panel in the first-level cache does for any columns
NEAR_PARTS_MIN_ROWS = 16  # from which several of them do, one after another
BLOCK_COLUMNS = 96  # that a formula follows at once, while they are still in a near cache
BLOCK_SIZE = BLOCK_COLUMNS * BLOCK_COLUMNS  # numbers of such a block of whole rows
TRANSPOSED_BLOCK_SIZE = 4 * BLOCK_SIZE  # where each block packs and transposes its panel anew
MAX_OPERANDS = 12  # a formula that follows a product has fewer


def gemm(spec: KernelSpec) -> Any:
    """c = start + a·b, one accumulator per output, in order of k; then divided. The slots: `layout.GEMM`."""
    real, target = getattr(types, spec.dtype), cpu_target(spec.in_pairs)
    lanes, top, free_masks = target.lanes(LLVM[real]), len(target.tile_heights), target.free_masks
    strip = strip_kernel(target, dict(enumerate(target.tile_heights, 1)) | {WIDE_VECTORS: (1,)})
    transpose, pack, panel_row = block_transpose(real, target), panel_packing(target), top * lanes
    copy = vector_loop(COPY, real)
    add_row_times_matrix, fill_zeros = row_times_matrix(real, target), vector_loop(ZERO, real)
    zeros = stack_array(real, WIDE_VECTORS * lanes)
    near = target.near_panels
    max_terms, max_strided_terms = (NEAR_PANEL_ROWS, SHARED_PANEL_ROWS) if near else (PANEL_ROWS, PANEL_ROWS)

    def gemm(slots: Any, context: Any) -> None:
        a, a_row, a_term = as_pointer(slots[GEMM.a], real), slots[GEMM.a_row], slots[GEMM.a_term]
        b, b_row, transposed = as_pointer(slots[GEMM.b], real), slots[GEMM.b_row], slots[GEMM.transposed]
        c, c_row, rows = as_pointer(slots[GEMM.c], real), slots[GEMM.c_row], slots[GEMM.rows]
        columns, terms = slots[GEMM.columns], slots[GEMM.terms]
        if rows == 1 and transposed == 0 and columns >= PANEL_MIN_COLUMNS and slots[GEMM.divisor] == 1:
            fill_zeros((), (), (c,), columns)
            if slots[GEMM.start] != 0:
                copy((as_pointer(slots[GEMM.start], real),), (), (c,), columns)
            add_row_times_matrix(a, a_term, b, b_row, c, columns, terms)
            return
        panel, zero_row = as_pointer(context[CONTEXT.scratch], real), zeros()
        fill_zeros((), (), (zero_row,), WIDE_VECTORS * lanes)
        is_wide = columns >= PANEL_MIN_COLUMNS or (near and columns >= panel_row and terms >= NEAR_PANEL_MIN_TERMS)
        max_depth = max_terms if a_term == 1 else max_strided_terms
        min_rows = NEAR_PARTS_MIN_ROWS if near and terms > max_depth else PANEL_MIN_ROWS
        use_panel = transposed == 1 or (is_wide and rows >= min_rows)
        column = 0
        while column < columns:
            rest = columns - column
            vectors = minimum((rest + lanes - 1) // lanes, top)
            if rest > top * lanes and rest <= (top + 1) * lanes and top > 2:
                vectors = top - 1
            if rows == 1 and rest >= WIDE_VECTORS * lanes and transposed == 0:
                vectors = WIDE_VECTORS
            width = minimum(rest, vectors * lanes)
            packed = use_panel or (not free_masks and width < lanes)
            parts = (terms + max_depth - 1) // max_depth if packed else 1
            part = (terms + parts - 1) // parts
            term = 0
            while term < terms:
                depth, is_last = minimum(part, terms - term), term + part >= terms
                strip_b, strip_row = advance(b, term * b_row + column), b_row
                if transposed == 1:
                    for j in range(0, width, lanes):
                        for k in range(0, depth, lanes):
                            square = advance(b, (column + j) * b_row + term + k)
                            transpose(square, b_row, width - j, depth - k, advance(panel, k * panel_row + j), panel_row)
                elif packed:
                    pack((strip_b, b_row), (panel, panel_row), (width, depth, vectors))
                if packed:
                    strip_b, strip_row = panel, panel_row
                start, start_row = zero_row, 0
                if term > 0:
                    start, start_row = advance(c, column), c_row
                elif slots[GEMM.start] != 0:
                    start = advance(as_pointer(slots[GEMM.start], real), column)
                divisor = slots[GEMM.divisor] if is_last else 1
                factors = (advance(a, term * a_term), a_row, a_term)
                sizes = (rows, width, depth, divisor, vectors)
                strip(factors, (strip_b, strip_row), (advance(c, column), c_row), (start, start_row), sizes)
                term += part
            column += width

    return gemm


def call_callee(spec: KernelSpec) -> Any:
    """An inlined call(context, slots) of the kernel's callee, with a tuple of numbers and pointers as its slots."""
    assert spec.callee is not None
    symbol = spec.callee.symbol

    @inlined()
    def call(builder: Builder, context: Value, slots: Value) -> None:
        memory = cgutils.alloca_once(builder, I64, size=int64(len(slots.type)))
        for index, value in enumerate(cgutils.unpack_tuple(builder, slots)):
            number = builder.ptrtoint(value, I64) if value.type.is_pointer else value
            builder.store(number, builder.gep(memory, [int64(index)]))
        kind = ir.FunctionType(ir.VoidType(), [memory.type, context.type])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, symbol), [memory, context])

    return call


def stack_slots(size: int, values: dict[int, int]) -> Any:
    """An inlined function that returns a pointer to `size` int64 slots on the kernel's stack, some of them set."""

    @inlined(types.CPointer(types.int64))
    def allocate(builder: Builder) -> Value:
        memory = cgutils.alloca_once(builder, I64, size=int64(size))
        for slot, value in values.items():
            builder.store(int64(value), builder.gep(memory, [int64(slot)]))
        return memory

    return allocate


single_context = stack_slots(3, {CONTEXT.thread: 0, CONTEXT.threads: 1, CONTEXT.samples: 1})
single_row = stack_slots(FIRST_OPERAND + MAX_OPERANDS, {ROW.units: 1})


def gemm_epilogue(spec: KernelSpec) -> Any:
    """A product, and a formula that follows each block of the result while it is in a near cache.

    The slots: `layout.GEMM`, then `layout.EPILOGUE`.
    """
    real, multiply = getattr(types, spec.dtype), call_callee(spec)
    whole_rows = spec.kind == "sparse_gemm_epilogue"  # which would list its terms anew for each part of a row
    size = size_of(LLVM[real])

    def gemm_epilogue(slots: Any, context: Any) -> None:
        kernel, operand_count = slots[EPILOGUE.kernel], slots[EPILOGUE.operand_count]
        operands, first = as_pointer(slots[EPILOGUE.operands], types.int64), slots[EPILOGUE.offset]
        rows, n, terms = slots[GEMM.rows], slots[GEMM.columns], slots[GEMM.terms]
        transposed, b_row = slots[GEMM.transposed], slots[GEMM.b_row]
        height, width, row, single, top, left = rows, n, single_row(), single_context(), 0, 0
        if kernel != 0 and n >= PANEL_MIN_COLUMNS and rows > 1 and not whole_rows:
            parts = (n + BLOCK_COLUMNS - 1) // BLOCK_COLUMNS
            width = ((n + parts - 1) // parts + LANES - 1) & -LANES
        elif kernel != 0:
            height = minimum(rows, ((TRANSPOSED_BLOCK_SIZE if transposed == 1 else BLOCK_SIZE) // n + 8) & -8)
        a, b, c = as_pointer(slots[GEMM.a], real), as_pointer(slots[GEMM.b], real), as_pointer(slots[GEMM.c], real)
        while top < rows:
            count, columns, offset = minimum(height, rows - top), minimum(width, n - left), top * n + left
            start, part_c = slots[GEMM.start] + left * size if slots[GEMM.start] != 0 else 0, advance(c, offset)
            part_a, part_b = advance(a, top * terms), advance(b, left * b_row if transposed == 1 else left)
            multiply(context, (part_a, terms, 1, part_b, b_row, transposed, part_c, n, start, count, columns, terms, 1))
            if kernel != 0:
                runs, row[ROW.width] = (1, count * n) if columns == n else (count, columns)
                for run in range(runs):
                    for operand in range(operand_count):
                        row[FIRST_OPERAND + operand] = operands[operand] + (first + offset + run * n) * size
                    call_kernel(kernel, row, single)
            left += columns
            if left == n:
                top, left = top + count, 0

    return gemm_epilogue
