"""Kernels of the matrix products: affine, BP2's first half (arrive) and BP4 (outer).

A product is a sum of lines: every line of the result gathers `number · line` in order of the inner index, four at a
time, so that an element's bits depend on its own row and column alone. 64 lines of w at a time serve all samples while
they are near the processor.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.identity import Identity
from glassnet.engine.simd import I64, LLVM, Stream, compute, line, local, pointer, share, shift, smaller
from glassnet.formula import Formula, trace

NEAR = 64  # lines of w that serve all samples before the next ones are fetched
PANEL, DEEP = 32, 8  # columns and lines of the part of w that arrive turns round
COPY, ZERO = trace(lambda x: x, 1), trace(lambda: 0.0, 0)
QUOTIENT = trace(lambda x, divisor: x / divisor, 2)


def gathering(terms: int) -> Formula:
    """total + number1·line1 + number2·line2 ..., added from the left."""

    def formula(total: Any, *factors: Any) -> Any:
        for start, number in zip(factors[:terms], factors[terms:], strict=True):
            total = total + number * start
        return total

    return trace(formula, 1 + 2 * terms)


def accumulating(dtype: types.Type) -> Any:
    """An intrinsic accumulate(into, lines, apart, numbers, step, terms, count).

    Adds to the line `into`, `count` long, `terms` products of a number and a line, in their order; the lines begin
    `apart` numbers apart, the numbers lie `step` apart.
    """
    formulas, real = {terms: gathering(terms) for terms in (4, 1)}, LLVM[dtype]

    @intrinsic
    def accumulate(typing: Any, into: Any, lines: Any, apart: Any, numbers: Any, step: Any, terms: Any, n: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            into, lines, apart, numbers, step, terms, n = arguments

            def add(first: ir.Value, group: int) -> None:
                places = [builder.add(first, ir.Constant(I64, index)) for index in range(group)]
                streams = [Stream(builder.gep(lines, [builder.mul(place, apart)]), dtype) for place in places]
                values = [builder.load(builder.gep(numbers, [builder.mul(place, step)])) for place in places]
                total = Stream(into, dtype)
                compute(builder, formulas[group], real, [total, *streams, *values], [total], n)

            fours = builder.and_(terms, ir.Constant(I64, -4))
            for start, stop, group in ((ir.Constant(I64, 0), fours, 4), (fours, terms, 1)):
                with cgutils.for_range_slice(builder, start, stop, ir.Constant(I64, group), I64) as (first, _):
                    add(first, group)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(into, lines, whole, numbers, whole, whole, whole), generate

    return accumulate


def affine(identity: Identity) -> Any:
    """z = a·w + b: starts at b, adds a[i, k]·w[k, :] in order of k."""
    real = getattr(types, identity.dtype)
    copy, accumulate = line(COPY, real), accumulating(real)

    def affine(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, inner = row[3], row[8]
        a, w, b, z = pointer(row[4], real), pointer(row[5], real), pointer(row[6], real), pointer(row[7], real)
        for i in range(start, stop):
            copy((b,), (), (shift(z, i * n),), n)
        for near in range(0, inner, NEAR):
            terms = smaller(NEAR, inner - near)
            for i in range(start, stop):
                accumulate(shift(z, i * n), shift(w, near * n), n, shift(a, i * inner + near), 1, terms, n)

    return affine


def arrive(identity: Identity) -> Any:
    """da = delta·wᵀ: adds delta[i, k]·w[:, k] in order of k; panels of w are turned, so that lines lie flat."""
    real = getattr(types, identity.dtype)
    zero, accumulate, memory = line(ZERO, real), accumulating(real), local(real, PANEL * DEEP)

    def arrive(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, inner, panel = row[3], row[7], memory()
        delta, w, da = pointer(row[4], real), pointer(row[5], real), pointer(row[6], real)
        zero((), (), (shift(da, start * n),), (stop - start) * n)
        for left in range(0, n, PANEL):
            width = smaller(PANEL, n - left)
            for near in range(0, inner, DEEP):
                terms = smaller(DEEP, inner - near)
                for j in range(width):
                    turned, v = shift(panel, j), shift(w, (left + j) * inner + near)
                    for k in range(terms):
                        turned[k * PANEL] = v[k]
                for i in range(start, stop):
                    into, x = shift(da, i * n + left), shift(delta, i * inner + near)
                    accumulate(into, panel, PANEL, x, 1, terms, width)

    return arrive


def outer(identity: Identity) -> Any:
    """BP4: dw = aᵀ·delta / m: adds a[i, u]·delta[i, :] in order of i, then divides."""
    real = getattr(types, identity.dtype)
    zero, accumulate, divide = line(ZERO, real), accumulating(real), line(QUOTIENT, real)

    def outer(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        units, n, m = row[2], row[3], context[2]
        delta, a, dw = pointer(row[4], real), pointer(row[5], real), pointer(row[6], real)
        zero((), (), (shift(dw, start * n),), (stop - start) * n)
        for u in range(start, stop):
            accumulate(shift(dw, u * n), delta, n, shift(a, u), units, m, n)
        divide((shift(dw, start * n),), (real(m),), (shift(dw, start * n),), (stop - start) * n)

    return outer
