"""Kernels of a dense layer's matrix products: affine, the first half of BP2, and BP4."""

from __future__ import annotations

from typing import Any

from numba.core import types

from glassnet.engine.cpu_target import cpu_target
from glassnet.engine.gemm import call_callee, single_context, single_row
from glassnet.engine.gemv import dot_products
from glassnet.engine.kernel_functions import advance, as_pointer, call_kernel, minimum, stack_array, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import AFFINE, BP4, CONTEXT, FIRST_OPERAND, PANEL_BYTES, PROPAGATE, ROW
from glassnet.engine.llvm_vectors import LANES, LLVM, size_of
from glassnet.engine.reductions import ADD_PRODUCT, column_means
from glassnet.engine.simd import ZERO, vector_loop
from glassnet.engine.small_gemm import inline_gemm, max_columns

TRANSPOSED_COLUMNS = 192  # columns of dwᵀ that are computed at once, then transposed: layout.TRANSPOSED_BYTES


def affine(spec: KernelSpec) -> Any:
    """z = a·w + b: starts at b, adds a[i, k]·w[k, :] in order of k; one output is a dot product and then b."""
    real, target, gemm_epilogue = getattr(types, spec.dtype), cpu_target(spec.in_pairs), call_callee(spec)
    dots, small_gemm, small = dot_products(real, target), inline_gemm(target), max_columns(real, target)
    half_gemm = inline_gemm(target, half=True)
    size = size_of(LLVM[real])

    def affine(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, terms, rows = row[ROW.width], row[AFFINE.terms], stop - start
        kernel, operand_count = row[AFFINE.epilogue], row[AFFINE.operand_count]
        a, w = advance(as_pointer(row[AFFINE.a], real), start * terms), as_pointer(row[AFFINE.w], real)
        bias, z = as_pointer(row[AFFINE.b], real), advance(as_pointer(row[AFFINE.z], real), start * n)
        if rows <= 0:
            return
        if n == 1:
            dots(a, terms, w, bias, z, rows, terms)
        elif 2 * n <= small:
            half_gemm((a, terms, 1), (w, n), (z, n), (bias, 0), (rows, n, terms, 1))
        elif n <= small:
            small_gemm((a, terms, 1), (w, n), (z, n), (bias, 0), (rows, n, terms, 1))
        else:
            product = (a, terms, 1, w, n, 0, z, n, bias, rows, n, terms, 1)  # layout.GEMM
            gemm_epilogue(context, (*product, kernel, operand_count, advance(row, AFFINE.operands), start * n))
            return
        if kernel != 0:
            epilogue = single_row()
            epilogue[ROW.width] = rows * n
            single = single_context()
            for operand in range(operand_count):
                epilogue[FIRST_OPERAND + operand] = row[AFFINE.operands + operand] + start * n * size
            call_kernel(kernel, epilogue, single)

    return affine


def propagate(spec: KernelSpec) -> Any:
    """da = delta·wᵀ, the first half of BP2: adds delta[i, k]·w[:, k] in order of k."""
    real, gemm_epilogue = getattr(types, spec.dtype), call_callee(spec)

    def propagate(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, terms, rows = row[ROW.width], row[PROPAGATE.terms], stop - start
        delta = advance(as_pointer(row[PROPAGATE.delta], real), start * terms)
        da = advance(as_pointer(row[PROPAGATE.da], real), start * n)
        if rows > 0:
            product = (delta, terms, 1, row[PROPAGATE.w], terms, 1, da, n, 0, rows, n, terms, 1)  # layout.GEMM
            kernel, operand_count = row[PROPAGATE.epilogue], row[PROPAGATE.operand_count]
            gemm_epilogue(context, (*product, kernel, operand_count, advance(row, PROPAGATE.operands), start * n))

    return propagate


def bp4(spec: KernelSpec) -> Any:
    """BP4: dw = aᵀ·delta / m: adds a[i, u]·delta[i, :] in order of i; a dw of one row or column is a mean of rows.

    Of mixed precision, a term is a word of two samples.

    Where rows of delta are short, most lanes of their vectors are empty; then deltaᵀ·a is computed and transposed.
    """
    real, target, multiply = getattr(types, spec.dtype), cpu_target(spec.in_pairs), call_callee(spec)
    small_gemm, mean_products = inline_gemm(target), column_means(real, ADD_PRODUCT, 1)
    small, fill_zeros, zeros = max_columns(real, target), vector_loop(ZERO, real), stack_array(real, LANES)
    lanes, per_term = target.lanes(LLVM[real]), 2 if target.pairs else 1

    def bp4(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        units, n, m, count = row[ROW.units], row[ROW.width], context[CONTEXT.samples], stop - start
        terms = (m + per_term - 1) // per_term
        zero_row, transposed, left = zeros(), as_pointer(context[CONTEXT.scratch] + PANEL_BYTES, real), 0
        delta, a = as_pointer(row[BP4.delta], real), advance(as_pointer(row[BP4.a], real), start)
        dw = advance(as_pointer(row[BP4.dw], real), start * n)
        if count <= 0:
            return
        saved_vectors = count * ((n + lanes - 1) // lanes) - ((n + 3) & -4) * ((count + lanes - 1) // lanes)
        if per_term == 1 and (n == 1 or units == 1):
            mean_products((delta, a) if n == 1 else (a, delta), units * n, m, dw, count * n)
        elif n <= LANES and 2 * saved_vectors * terms > 3 * count * n:  # to transpose takes 1.5 vectors per number
            while left < count:
                width, a_part = minimum(TRANSPOSED_COLUMNS, count - left), advance(a, left)
                product = (delta, 1, n, a_part, units, 0, transposed, TRANSPOSED_COLUMNS, 0, n, width, terms, m)
                multiply(context, product)
                for unit in range(width):
                    for j in range(n):
                        dw[(left + unit) * n + j] = transposed[j * TRANSPOSED_COLUMNS + unit]
                left += width
        elif n <= small:
            fill_zeros((), (), (zero_row,), LANES)
            small_gemm((a, 1, units), (delta, n), (dw, n), (zero_row, 0), (count, n, terms, m))
        else:
            multiply(context, (a, 1, units, delta, n, 0, dw, n, 0, count, n, terms, m))

    return bp4
