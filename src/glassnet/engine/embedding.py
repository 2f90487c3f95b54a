"""Kernels of embeddings: columns copied, joined and taken apart, small products side by side, vectors looked up.

All of them go through the samples in order, so that bits do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

from llvmlite.ir import Value
from numba.core import types

from glassnet.engine.kernel_functions import advance, as_pointer, inlined, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import (
    CONCATENATE,
    CONTEXT,
    GROUPED_AFFINE,
    GROUPED_BP4,
    GROUPED_PROPAGATE,
    LOOK_UP,
    LOOK_UP_GRADIENT,
    ROW,
    SELECT,
    SPLIT,
)
from glassnet.engine.llvm_vectors import LANES, Builder
from glassnet.engine.reductions import ADD, ADD_PRODUCT, PRODUCT, QUOTIENT
from glassnet.engine.simd import COPY, ZERO, vector_loop


def select(spec: KernelSpec) -> Any:
    """result[i, j·copies + c] = x[i, columns[j]]; columns that follow each other are copied together."""
    real = getattr(types, spec.dtype)
    copy = vector_loop(COPY, real)

    def select(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        width, copies, count = row[SELECT.width], row[SELECT.copies], row[SELECT.count]
        x, result = as_pointer(row[SELECT.x], real), as_pointer(row[SELECT.result], real)
        if copies > 1:
            for i in range(start, stop):
                for j in range(count):
                    number, target = x[i * width + row[SELECT.columns + j]], advance(result, (i * count + j) * copies)
                    for c in range(copies):
                        target[c] = number
            return
        j = 0
        while j < count:
            first, run = row[SELECT.columns + j], 1
            while j + run < count and row[SELECT.columns + j + run] == first + run:
                run += 1
            for i in range(start, stop):
                if run < LANES:  # a masked block takes longer
                    for c in range(run):
                        result[i * count + j + c] = x[i * width + first + c]
                else:
                    copy((advance(x, i * width + first),), (), (advance(result, i * count + j),), run)
            j += run

    return select


def add_selected(spec: KernelSpec) -> Any:
    """result[i, columns[j]] = Σ_c error[i, j·copies + c], in order; all other columns are 0."""
    real = getattr(types, spec.dtype)
    fill_zeros = vector_loop(ZERO, real)

    def add_selected(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        width, copies, count = row[SELECT.width], row[SELECT.copies], row[SELECT.count]
        # The number of columns of the error: what was selected, or anything where nothing was.
        error, result = as_pointer(row[SELECT.x], real), as_pointer(row[SELECT.result], real)
        fill_zeros((), (), (advance(result, start * width),), (stop - start) * width)
        for i in range(start, stop):
            for j in range(count):
                source, total = advance(error, (i * count + j) * copies), real(0)
                for c in range(copies):
                    total += source[c]
                result[i * width + row[SELECT.columns + j]] += total

    return add_selected


def concatenate(spec: KernelSpec) -> Any:
    """result[i] = left[i], right[i]."""
    real = getattr(types, spec.dtype)
    copy = vector_loop(COPY, real)

    def concatenate(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        p, q = row[CONCATENATE.left_width], row[CONCATENATE.right_width]
        left, right = as_pointer(row[CONCATENATE.left], real), as_pointer(row[CONCATENATE.right], real)
        result = as_pointer(row[CONCATENATE.result], real)
        for i in range(start, stop):
            copy((advance(left, i * p),), (), (advance(result, i * (p + q)),), p)
            copy((advance(right, i * q),), (), (advance(result, i * (p + q) + p),), q)

    return concatenate


def split(spec: KernelSpec) -> Any:
    """left[i], right[i] = x[i]."""
    real = getattr(types, spec.dtype)
    copy = vector_loop(COPY, real)

    def split(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        p, q, x = row[SPLIT.left_width], row[SPLIT.right_width], as_pointer(row[SPLIT.x], real)
        left, right = as_pointer(row[SPLIT.left], real), as_pointer(row[SPLIT.right], real)
        for i in range(start, stop):
            copy((advance(x, i * (p + q)),), (), (advance(left, i * p),), p)
            copy((advance(x, i * (p + q) + p),), (), (advance(right, i * q),), q)

    return split


def grouped_affine(spec: KernelSpec) -> Any:
    """z[i, u] = Σ_k x[i, g·terms + k]·w[u, k] + b[u], g the group of u; the sum in float64."""
    real = getattr(types, spec.dtype)
    total = vector_loop(PRODUCT, real, "sum")

    def grouped_affine(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        units, outputs, terms = row[ROW.width], row[GROUPED_AFFINE.outputs], row[GROUPED_AFFINE.terms]
        x, w = as_pointer(row[GROUPED_AFFINE.x], real), as_pointer(row[GROUPED_AFFINE.w], real)
        b, z = as_pointer(row[GROUPED_AFFINE.b], real), as_pointer(row[GROUPED_AFFINE.z], real)
        groups = units // outputs
        for i in range(start, stop):
            for g in range(groups):
                source = advance(x, (i * groups + g) * terms)
                for u in range(g * outputs, (g + 1) * outputs):
                    z[i * units + u] = real(total((source, advance(w, u * terms)), (), (), terms) + b[u])

    return grouped_affine


def grouped_propagate(spec: KernelSpec) -> Any:
    """dx[i, g·terms + k] = Σ_u delta[i, u]·w[u, k] over the units u of group g, in order."""
    real = getattr(types, spec.dtype)
    add, fill_zeros = vector_loop(ADD_PRODUCT, real), vector_loop(ZERO, real)

    def grouped_propagate(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        width, outputs, terms = row[ROW.width], row[GROUPED_PROPAGATE.outputs], row[GROUPED_PROPAGATE.terms]
        delta, w = as_pointer(row[GROUPED_PROPAGATE.delta], real), as_pointer(row[GROUPED_PROPAGATE.w], real)
        dx, groups = as_pointer(row[GROUPED_PROPAGATE.dx], real), width // terms
        fill_zeros((), (), (advance(dx, start * width),), (stop - start) * width)
        for i in range(start, stop):
            for g in range(groups):
                target = advance(dx, (i * groups + g) * terms)
                for u in range(g * outputs, (g + 1) * outputs):
                    add((target, advance(w, u * terms)), (delta[i * groups * outputs + u],), (target,), terms)

    return grouped_propagate


def grouped_bp4(spec: KernelSpec) -> Any:
    """dw[u, k] = (Σ_i delta[i, u]·x[i, g·terms + k]) / m, in order of i."""
    real = getattr(types, spec.dtype)
    add, fill_zeros, divide = vector_loop(ADD_PRODUCT, real), vector_loop(ZERO, real), vector_loop(QUOTIENT, real)

    def grouped_bp4(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        units, outputs, terms = row[ROW.units], row[GROUPED_BP4.outputs], row[GROUPED_BP4.terms]
        delta, x = as_pointer(row[GROUPED_BP4.delta], real), as_pointer(row[GROUPED_BP4.x], real)
        dw, m, groups = as_pointer(row[GROUPED_BP4.dw], real), context[CONTEXT.samples], units // outputs
        for u in range(start, stop):
            target, source = advance(dw, u * terms), advance(x, (u // outputs) * terms)
            fill_zeros((), (), (target,), terms)
            for i in range(m):
                add((target, advance(source, i * groups * terms)), (delta[i * units + u],), (target,), terms)
            divide((target,), (real(m),), (target,), terms)

    return grouped_bp4


@inlined(types.int64)
def known_code(builder: Builder, x: Value, levels: Value) -> Value:
    """The whole number nearest to x where it is 1 to levels, else 0."""
    raised = builder.fadd(x, x.type(0.5))
    low, high = (builder.sitofp(bound, x.type) for bound in (levels.type(1), builder.add(levels, levels.type(1))))
    known = builder.and_(builder.fcmp_ordered(">=", raised, low), builder.fcmp_ordered("<", raised, high))
    return builder.fptosi(builder.select(known, raised, x.type(0.0)), levels.type)


def look_up(spec: KernelSpec) -> Any:
    """result[i, j] = vectors[first[j] + code of x[i, columns[j]]], `outputs` numbers for each column j."""
    real = getattr(types, spec.dtype)
    copy = vector_loop(COPY, real)

    def look_up(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        width, outputs, count = row[LOOK_UP.width], row[LOOK_UP.outputs], row[LOOK_UP.count]
        x, vectors = as_pointer(row[LOOK_UP.x], real), as_pointer(row[LOOK_UP.vectors], real)
        result = as_pointer(row[LOOK_UP.result], real)
        for i in range(start, stop):
            first = 0
            for j in range(count):
                column, levels = row[LOOK_UP.columns + 2 * j], row[LOOK_UP.columns + 2 * j + 1]
                number = first + known_code(x[i * width + column], levels)
                copy((advance(vectors, number * outputs),), (), (advance(result, (i * count + j) * outputs),), outputs)
                first += levels + 1

    return look_up


def look_up_gradient(spec: KernelSpec) -> Any:
    """dvectors[v] = (Σ delta[i, j] of the samples i and columns j whose vector is v) / m, in order of i, then j.

    Every thread goes through all codes and adds those of its own vectors.
    """
    real = getattr(types, spec.dtype)
    add, fill_zeros, divide = vector_loop(ADD, real), vector_loop(ZERO, real), vector_loop(QUOTIENT, real)

    def look_up_gradient(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        width, outputs = row[LOOK_UP_GRADIENT.width], row[LOOK_UP_GRADIENT.outputs]
        count, m = row[LOOK_UP_GRADIENT.count], context[CONTEXT.samples]
        delta, x = as_pointer(row[LOOK_UP_GRADIENT.delta], real), as_pointer(row[LOOK_UP_GRADIENT.x], real)
        dvectors = as_pointer(row[LOOK_UP_GRADIENT.dvectors], real)
        own = advance(dvectors, start * outputs)
        fill_zeros((), (), (own,), (stop - start) * outputs)
        for i in range(m):
            first = 0
            for j in range(count):
                column, levels = row[LOOK_UP_GRADIENT.columns + 2 * j], row[LOOK_UP_GRADIENT.columns + 2 * j + 1]
                number = first + known_code(x[i * width + column], levels)
                if number >= start and number < stop:
                    target = advance(dvectors, number * outputs)
                    add((target, advance(delta, (i * count + j) * outputs)), (), (target,), outputs)
                first += levels + 1
        divide((own,), (real(m),), (own,), (stop - start) * outputs)

    return look_up_gradient
