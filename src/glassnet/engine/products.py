"""Kernels of the matrix products: the product itself, and the rows that call it: affine, BP2's first half, BP4.

The product is compiled once a dtype, as a kernel of its own that finds its operands in words; affine, arrive and outer
call it by name. Strips of w that serve many samples are first copied side by side into a panel; where w is read the
other way round, the panel is turned.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.dots import dotting
from glassnet.engine.identity import Identity
from glassnet.engine.panels import turning
from glassnet.engine.simd import (
    I64,
    LANES,
    LLVM,
    Stream,
    compute,
    line,
    local,
    pointer,
    share,
    shift,
    size_of,
    smaller,
    word_at,
)
from glassnet.engine.target import target
from glassnet.engine.tiles import WIDE, stripping
from glassnet.formula import trace

COPY, ZERO = trace(lambda x: x, 1), trace(lambda: 0.0, 0)
DEEP = 256  # lines of a panel: at most 48 KB, on the stack; a longer sum goes on from what c holds
PLAIN, TURNED, DOTS = 0, 1, 2  # how b is read: as b[k, j], as b[j, k], or as one line for one output
BROAD, MANY = 256, 32  # columns and rows from which a panel pays
NEAR = 96  # columns that a formula follows at once, so that they are still near


@intrinsic
def aligned(typing: Any, start: Any) -> Any:
    """The first address from `start` on that a vector may lie at (a multiple of 64)."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        word = builder.add(builder.ptrtoint(arguments[0], I64), ir.Constant(I64, 63))
        return builder.inttoptr(builder.and_(word, ir.Constant(I64, -64)), arguments[0].type)

    return start(start), generate


def product(identity: Identity) -> Any:
    """c = start + a·b, one accumulator an output, in order of k; then divided.

    The words: [0] a, [1] numbers from row to row of a, [2] from k to k; [3] b, [4] from line to line of b, [5] how b
    is read; [6] c, [7] numbers from row to row of c; [8] the line that every row starts at, or 0; [9] rows,
    [10] columns, [11] terms; [12] the divisor.
    """
    real, found = getattr(types, identity.dtype), target()
    lanes, top, masks = found.lanes(LLVM[real]), found.vectors, found.masks
    strip, turn, dots, copy = stripping(found), turning(real, found), dotting(real, found), line(COPY, real)
    width = top * lanes
    zero, zeros, memory = line(ZERO, real), local(real, WIDE * lanes), local(real, DEEP * width + LANES)

    def product(words: Any, context: Any) -> None:
        a, a_row, a_step = pointer(words[0], real), words[1], words[2]
        b, b_row, form = pointer(words[3], real), words[4], words[5]
        c, c_row, rows, columns, inner = pointer(words[6], real), words[7], words[9], words[10], words[11]
        if form == DOTS:
            dots(a, a_row, b, pointer(words[8], real), c, rows, inner)
            return
        panel, nothing = aligned(memory()), zeros()
        zero((), (), (nothing,), WIDE * lanes)
        wide = form == TURNED or (columns >= BROAD and rows >= MANY)
        left = 0
        while left < columns:
            rest = columns - left
            vectors = smaller((rest + lanes - 1) // lanes, top)
            if rest > top * lanes and rest <= (top + 1) * lanes and top > 2:
                vectors = top - 1
            if rows == 1 and rest >= WIDE * lanes and form == PLAIN:
                vectors = WIDE
            count = smaller(rest, vectors * lanes)
            packed = wide or (not masks and count < vectors * lanes)
            deep = DEEP if packed else inner
            near = 0
            while near < inner:
                depth, last = smaller(deep, inner - near), near + deep >= inner
                lines, apart = shift(b, near * b_row + left), b_row
                if form == TURNED:
                    for j in range(0, count, lanes):
                        for k in range(0, depth, lanes):
                            square = shift(b, (left + j) * b_row + near + k)
                            turn(square, b_row, count - j, depth - k, shift(panel, k * width + j), width)
                elif packed:
                    for k in range(depth):
                        copy((shift(lines, k * b_row),), (), (shift(panel, k * width),), count)
                if packed:
                    lines, apart = panel, width
                start, start_row = nothing, 0
                if near > 0:
                    start, start_row = shift(c, left), c_row
                elif words[8] != 0:
                    start = shift(pointer(words[8], real), left)
                divisor = words[12] if last else 1
                factors = (shift(a, near * a_step), a_row, a_step)
                sizes = (rows, count, depth, divisor, vectors)
                strip(factors, (lines, apart), (shift(c, left), c_row), (start, start_row), sizes)
                near += deep
            left += count

    return product


def multiplying(dtype: str) -> Any:
    """An intrinsic multiply(context, words): the product's kernel on a tuple of words."""
    symbol = Identity("product", dtype).symbol

    @intrinsic
    def multiply(typing: Any, context: Any, words: Any) -> Any:
        def generate(target: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            memory = cgutils.alloca_once(builder, I64, size=ir.Constant(I64, len(words)))
            for index, kind in enumerate(words):
                word = builder.extract_value(arguments[1], index)
                if isinstance(kind, types.CPointer):
                    word = builder.ptrtoint(word, I64)
                builder.store(word, builder.gep(memory, [ir.Constant(I64, index)]))
            kind = ir.FunctionType(ir.VoidType(), [memory.type, arguments[0].type])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, symbol), [memory, arguments[0]])
            return target.get_dummy_value()

        return types.void(context, words), generate

    return multiply


def affine(identity: Identity) -> Any:
    """z = a·w + b: starts at b, adds a[i, k]·w[k, :] in order of k; one output is a dot product and then b."""
    return by_samples(identity, True) if identity.formula is None else by_blocks(identity, True)


def arrive(identity: Identity) -> Any:
    """da = delta·wᵀ: adds delta[i, k]·w[:, k] in order of k."""
    return by_samples(identity, False) if identity.formula is None else by_blocks(identity, False)


def by_samples(identity: Identity, biased: bool) -> Any:
    """A product with a row for every sample: of w with a bias, or of w turned round."""
    real, multiply, result = getattr(types, identity.dtype), multiplying(identity.dtype), 7 if biased else 6

    def by_samples(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, inner, rows, bias = row[3], row[result + 1], stop - start, row[6] if biased else 0
        form = (DOTS if n == 1 else PLAIN) if biased else (PLAIN if inner == 1 else TURNED)
        a, z = shift(pointer(row[4], real), start * inner), shift(pointer(row[result], real), start * n)
        if rows > 0:
            multiply(context, (a, inner, 1, row[5], n if biased else inner, form, z, n, bias, rows, n, inner, 1))

    return by_samples


def by_blocks(identity: Identity, biased: bool) -> Any:
    """The same with a formula, which takes the place of each block of the result while that is near.

    Behind what the product reads, the words are the formula's further operands, the result, the number of terms.
    """
    real, multiply = getattr(types, identity.dtype), multiplying(identity.dtype)
    size = size_of(LLVM[real])
    first, formula = 7 if biased else 6, identity.formula
    assert formula is not None
    finish, result = finishing(identity, first), first + formula.inputs - 1

    def by_blocks(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, inner, height, width = row[3], row[result + 1], stop - start, row[3]
        form = (DOTS if n == 1 else PLAIN) if biased else (PLAIN if inner == 1 else TURNED)
        b_row, b_step = (n, 1) if biased else (inner, inner)
        if form == TURNED or n >= BROAD:
            parts = (n + NEAR - 1) // NEAR
            width = ((n + parts - 1) // parts + LANES - 1) & -LANES
        else:
            height = smaller(height, (NEAR * NEAR // n + 8) & -8)
        a, w, z = pointer(row[4], real), pointer(row[5], real), pointer(row[result], real)
        top, left = start, 0
        while top < stop:
            lines, count, into = smaller(height, stop - top), smaller(width, n - left), top * n + left
            bias = row[6] + left * size if biased else 0
            factors = (shift(a, top * inner), inner, 1, shift(w, left * b_step), b_row, form)
            multiply(context, (*factors, shift(z, into), n, bias, lines, count, inner, 1))
            runs, long = (1, lines * n) if count == n else (lines, count)
            for run in range(runs):
                finish(row, into + run * n, long)
            left += count
            if left == n:
                top, left = top + lines, 0

    return by_blocks


def finishing(identity: Identity, first: int) -> Any:
    """An intrinsic finish(row, offset, count): the row's formula along part of its result, which it replaces."""
    dtype, formula = getattr(types, identity.dtype), identity.formula

    @intrinsic
    def finish(typing: Any, row: Any, offset: Any, count: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            words, offset, count = arguments
            if formula is not None:
                starts = [word_at(builder, words, first + index) for index in range(formula.inputs)]
                starts = [builder.inttoptr(start, LLVM[dtype].as_pointer()) for start in starts]
                *further, result = (Stream(builder.gep(start, [offset]), dtype) for start in starts)
                compute(builder, formula, LLVM[dtype], [result, *further], [result], count)
            return context.get_dummy_value()

        return types.void(row, types.int64, types.int64), generate

    return finish


def outer(identity: Identity) -> Any:
    """BP4: dw = aᵀ·delta / m: adds a[i, u]·delta[i, :] in order of i; with one output, w's rows are its columns."""
    real, multiply = getattr(types, identity.dtype), multiplying(identity.dtype)

    def outer(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        units, n, m, count = row[2], row[3], context[2], stop - start
        a, dw = shift(pointer(row[5], real), start), shift(pointer(row[6], real), start * n)
        if count > 0 and n == 1:
            multiply(context, (row[4], 0, 1, a, units, PLAIN, dw, 1, 0, 1, count, m, m))
        elif count > 0:
            multiply(context, (a, 1, units, row[4], n, PLAIN, dw, n, 0, count, n, m, m))

    return outer
