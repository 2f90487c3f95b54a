"""Kernels of the matrix products: the product itself, and the rows that call it: affine, BP2's first half, BP4.

The product is compiled once a dtype, as a kernel of its own that finds its operands in words, and called by name; so is
what cuts it into blocks that a formula follows. Strips of w that serve many samples are first copied side by side into
a panel; where w is read the other way round, the panel is turned.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.dots import dotting, streaming
from glassnet.engine.identity import Identity
from glassnet.engine.narrow import HALF_ROWS, halved, narrowing, narrowness
from glassnet.engine.panels import turning
from glassnet.engine.reductions import ADD_PRODUCT, averaging
from glassnet.engine.simd import (
    I64,
    LANES,
    LLVM,
    call,
    line,
    local,
    pointer,
    share,
    shift,
    smaller,
)
from glassnet.engine.target import target
from glassnet.engine.tiles import WIDE, stripping
from glassnet.engine.vectors import size_of
from glassnet.tables.formula import trace

COPY, ZERO = trace(lambda x: x, 1), trace(lambda: 0.0, 0)
DEEP = 512  # lines of a panel, 96 KB at most, on the stack; a longer sum goes on from what c holds, in like parts
PLAIN, TURNED = 0, 1  # how b is read: as b[k, j], or as b[j, k]
BROAD, MANY = 256, 32  # columns and rows from which a panel pays
NEAR = 96  # columns that a formula follows at once, so that they are still near
NEAR_TURNED = 4 * NEAR  # where a panel is turned anew for each block of rows
ACROSS = 192  # columns of a result that is turned round at once
OPERANDS_MOST = 12  # a formula that follows a product has fewer


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
    shapes = dict.fromkeys(range(1, top + 1), found.rows) | {WIDE: (1,)}
    strip, turn, copy = stripping(found, shapes), turning(real, found), line(COPY, real)
    width = top * lanes
    stream = streaming(real, found)
    zero, zeros, memory = line(ZERO, real), local(real, WIDE * lanes), local(real, DEEP * width + LANES)

    def product(words: Any, context: Any) -> None:
        a, a_row, a_step = pointer(words[0], real), words[1], words[2]
        b, b_row, form = pointer(words[3], real), words[4], words[5]
        c, c_row, rows, columns, inner = pointer(words[6], real), words[7], words[9], words[10], words[11]
        if rows == 1 and form == PLAIN and columns >= BROAD and words[12] == 1:
            zero((), (), (c,), columns)
            if words[8] != 0:
                copy((pointer(words[8], real),), (), (c,), columns)
            stream(a, a_step, b, b_row, c, columns, inner)
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
            parts = (inner + DEEP - 1) // DEEP if packed else 1
            deep = (inner + parts - 1) // parts
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


def calling(identity: Identity) -> Any:
    """An intrinsic pass_on(context, words): another kernel, by its name, on a tuple of words."""
    symbol = identity.symbol

    @intrinsic
    def pass_on(typing: Any, context: Any, words: Any) -> Any:
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

    return pass_on


def affine(identity: Identity) -> Any:
    """z = a·w + b: starts at b, adds a[i, k]·w[k, :] in order of k; one output is a dot product and then b.

    The words: [4] a, [5] w, [6] b, [7] z, [8] terms, [9] address of the kernel of the formula that follows or 0,
    [10] number of its operands, and their addresses.
    """
    real, found, pass_on = getattr(types, identity.dtype), target(), calling(called(identity))
    dots, narrow, most = dotting(real, found), narrowing(found), narrowness(real, found)
    half = narrowing(halved(found), HALF_ROWS)
    size, further, own = size_of(LLVM[real]), local(types.int64, OPERANDS_MOST + 4), local(types.int64, 3)

    def affine(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, inner, rows, kernel, operands = row[3], row[8], stop - start, row[9], row[10]
        a, w, bias = shift(pointer(row[4], real), start * inner), pointer(row[5], real), pointer(row[6], real)
        z, follow, alone = shift(pointer(row[7], real), start * n), further(), own()
        if rows <= 0:
            return
        if n == 1:
            dots(a, inner, w, bias, z, rows, inner)
        elif 2 * n <= most:
            half((a, inner, 1), (w, n), (z, n), (bias, 0), (rows, n, inner, 1))
        elif n <= most:
            narrow((a, inner, 1), (w, n), (z, n), (bias, 0), (rows, n, inner, 1))
        else:
            words = (a, inner, 1, w, n, PLAIN, z, n, bias, rows, n, inner, 1)
            pass_on(context, (*words, kernel, operands, shift(row, 11), start * n))
            return
        if kernel != 0:
            follow[2], follow[3], alone[0], alone[1], alone[2] = 1, rows * n, 0, 1, 1
            for operand in range(operands):
                follow[4 + operand] = row[11 + operand] + start * n * size
            call(kernel, follow, alone)

    return affine


def arrive(identity: Identity) -> Any:
    """da = delta·wᵀ: adds delta[i, k]·w[:, k] in order of k. The words are affine's, without b."""
    real, pass_on = getattr(types, identity.dtype), calling(called(identity))

    def arrive(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, inner, rows = row[3], row[7], stop - start
        delta, da = shift(pointer(row[4], real), start * inner), shift(pointer(row[6], real), start * n)
        if rows > 0:
            words = (delta, inner, 1, row[5], inner, TURNED, da, n, 0, rows, n, inner, 1)
            pass_on(context, (*words, row[8], row[9], shift(row, 10), start * n))

    return arrive


def followed(identity: Identity) -> Any:
    """A product and the formula that takes the place of each block of the result while that is near.

    The words: [0] to [12] as the product's, [13] address of the formula's kernel or 0, [14] number of its operands,
    [15] where their addresses are, [16] place of the product's first number in them.
    """
    real, multiply = getattr(types, identity.dtype), calling(called(identity))
    size, further, own = size_of(LLVM[real]), local(types.int64, OPERANDS_MOST + 4), local(types.int64, 3)
    whole_lines = called(identity).kind == "skipping"  # else it would make its lists anew for each part of them

    def followed(words: Any, context: Any) -> None:
        kernel, operands, places, first = words[13], words[14], pointer(words[15], types.int64), words[16]
        rows, n, inner, form, b_row = words[9], words[10], words[11], words[5], words[4]
        height, width, row, alone, top, left = rows, n, further(), own(), 0, 0
        row[2], alone[0], alone[1], alone[2] = 1, 0, 1, 1
        if kernel != 0 and n >= BROAD and rows > 1 and not whole_lines:
            parts = (n + NEAR - 1) // NEAR
            width = ((n + parts - 1) // parts + LANES - 1) & -LANES
        elif kernel != 0:
            height = smaller(rows, ((NEAR_TURNED if form == TURNED else NEAR) * NEAR // n + 8) & -8)
        a, w, z = pointer(words[0], real), pointer(words[3], real), pointer(words[6], real)
        while top < rows:
            lines, count, into = smaller(height, rows - top), smaller(width, n - left), top * n + left
            bias = words[8] + left * size if words[8] != 0 else 0
            second = shift(w, left * b_row if form == TURNED else left)
            factors = (shift(a, top * inner), inner, 1, second, b_row, form)
            multiply(context, (*factors, shift(z, into), n, bias, lines, count, inner, 1))
            if kernel != 0:
                runs, row[3] = (1, lines * n) if count == n else (lines, count)
                for run in range(runs):
                    for operand in range(operands):
                        row[4 + operand] = places[operand] + (first + into + run * n) * size
                    call(kernel, row, alone)
            left += count
            if left == n:
                top, left = top + lines, 0

    return followed


def called(identity: Identity) -> Identity:
    """The kernel that this one calls by its name."""
    assert identity.called is not None
    return identity.called


def outer(identity: Identity) -> Any:
    """BP4: dw = aᵀ·delta / m: adds a[i, u]·delta[i, :] in order of i; of one line, dw is a mean of lines.

    Where delta's lines are short, most lanes of their vectors are empty; then deltaᵀ·a is made and turned round.
    """
    real, found = getattr(types, identity.dtype), target()
    multiply, narrow, average = calling(called(identity)), narrowing(found), averaging(real, ADD_PRODUCT, 1)
    most, zero, zeros = narrowness(real, found), line(ZERO, real), local(real, LANES)
    lanes, across = found.lanes(LLVM[real]), local(real, LANES * ACROSS)

    def outer(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        units, n, m, count, nothing, part = row[2], row[3], context[2], stop - start, zeros(), across()
        delta, a, dw = pointer(row[4], real), pointer(row[5], real), pointer(row[6], real)
        a, dw = shift(a, start), shift(dw, start * n)
        if count <= 0:
            return
        vectors = count * ((n + lanes - 1) // lanes) - ((n + 3) & -4) * ((count + lanes - 1) // lanes)  # saved
        if n == 1 or units == 1:
            numbers, lines = (delta, a) if n == 1 else (a, delta)
            average((numbers, lines), units * n, m, dw, count * n)
        elif n <= LANES and 2 * vectors * m > 3 * count * n:  # turning a number takes as long as 1.5 vectors
            left = 0
            while left < count:
                width = smaller(ACROSS, count - left)
                multiply(context, (delta, 1, n, shift(a, left), units, PLAIN, part, ACROSS, 0, n, width, m, m))
                for unit in range(width):
                    for j in range(n):
                        dw[(left + unit) * n + j] = part[j * ACROSS + unit]
                left += width
        elif n <= most:
            zero((), (), (nothing,), LANES)
            narrow((a, 1, units), (delta, n), (dw, n), (nothing, 0), (count, n, m, m))
        else:
            multiply(context, (a, 1, units, delta, n, PLAIN, dw, n, 0, count, n, m, m))

    return outer
