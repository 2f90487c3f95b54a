"""Kernels of means and moments, over samples (a column each, in order) or over features (a line each)."""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.identity import Identity
from glassnet.engine.simd import (
    I64,
    LANES,
    LLVM,
    Builder,
    Stream,
    line,
    load,
    local,
    pointer,
    share,
    shift,
    smaller,
    store,
)
from glassnet.engine.turning import below
from glassnet.engine.vectors import broadcast
from glassnet.engine.words import evaluate
from glassnet.tables.formula import Formula, trace

COPY = trace(lambda x: x, 1)
ZEROS = trace(lambda: (0.0, 0.0), 0)
ADD = trace(lambda total, p: total + p, 2)
ADD_PRODUCT = trace(lambda total, p, q: total + p * q, 3)
PRODUCT = trace(lambda p, q: p * q, 2)
QUOTIENT = trace(lambda x, divisor: x / divisor, 2)
ADD_DEVIATION = trace(lambda total, x, mean: total + (x - mean) * (x - mean), 3)
DEVIATION = trace(lambda x, mean: (x - mean) * (x - mean), 2)
COLUMNS = 64  # columns whose float64 sums moments keeps at a time
STRIP = 4  # vectors of totals kept in registers


def mean(identity: Identity) -> Any:
    """BP3: (Σ_i p[i, u]) / m, in order of i."""
    real = getattr(types, identity.dtype)
    average = averaging(real, ADD)

    def mean(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        p, into = shift(pointer(row[4], real), start), shift(pointer(row[5], real), start)
        average((p,), row[2], context[2], into, stop - start)

    return mean


def mean_product(identity: Identity) -> Any:
    """(Σ_i p[i, u]·q[i, u]) / m, in order of i."""
    real = getattr(types, identity.dtype)
    average = averaging(real, ADD_PRODUCT)

    def mean_product(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        p, q = shift(pointer(row[4], real), start), shift(pointer(row[5], real), start)
        average((p, q), row[2], context[2], shift(pointer(row[6], real), start), stop - start)

    return mean_product


def averaging(dtype: types.Type, formula: Formula, numbers: int = 0) -> Any:
    """An intrinsic average(reads, units, m, into, count): totals = formula(totals, *reads), line by line, then / m.

    The lines lie `units` numbers apart; of the first `numbers` reads, a line is one number.
    """

    @intrinsic
    def average(typing: Any, reads: Any, units: Any, m: Any, into: Any, count: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            given, units, m, into, count = arguments
            streams = [Stream(builder.extract_value(given, index), dtype) for index in range(len(reads))]
            totals = Totals(builder, formula, streams, numbers, Stream(into, dtype), (units, m))
            wide = ir.Constant(I64, STRIP * LANES)
            whole = builder.and_(count, ir.Constant(I64, -STRIP * LANES))
            with cgutils.for_range_slice(builder, ir.Constant(I64, 0), whole, wide, I64) as (first, _):
                totals.strip(first, STRIP, None)
            rest = builder.sub(count, whole)
            vectors = builder.lshr(builder.add(rest, ir.Constant(I64, LANES - 1)), ir.Constant(I64, 4))
            for number in range(1, STRIP + 1):
                with builder.if_then(builder.icmp_signed("==", vectors, ir.Constant(I64, number))):
                    last = builder.sub(rest, ir.Constant(I64, LANES * (number - 1)))
                    totals.strip(whole, number, below(builder, last))
            return context.get_dummy_value()

        return types.void(reads, types.int64, types.int64, into, types.int64), generate

    return average


class Totals(NamedTuple):
    """Totals of columns, a few vectors in registers; `sizes` are how far lines lie apart, and how many there are."""

    builder: Builder
    formula: Formula
    reads: list[Stream]
    numbers: int
    into: Stream
    sizes: tuple[ir.Value, ir.Value]

    def strip(self, first: ir.Value, vectors: int, mask: ir.Value | None) -> None:
        """The averages of some vectors of columns; of the last one, those in the mask."""
        builder, m, real = self.builder, self.sizes[1], LLVM[self.into.dtype]
        kind = ir.VectorType(real, LANES)
        places = [builder.add(first, ir.Constant(I64, LANES * number)) for number in range(vectors)]
        masks = [None] * (vectors - 1) + [mask]
        totals = [cgutils.alloca_once(builder, kind) for _ in places]
        for total in totals:
            builder.store(ir.Constant(kind, None), total)
        with cgutils.for_range(builder, m) as loop:
            lines = self.lines(loop.index, places, masks)
            for total, numbers in zip(totals, lines, strict=True):
                builder.store(evaluate(builder, self.formula, [builder.load(total), *numbers], kind)[0], total)
        divisor = broadcast(builder, builder.sitofp(m, real), LANES)
        for place, total, mask in zip(places, totals, masks, strict=True):
            (quotient,) = evaluate(builder, QUOTIENT, [builder.load(total), divisor], kind)
            store(builder, self.into, place, mask, quotient)

    def lines(self, index: ir.Value, places: list[ir.Value], masks: list[ir.Value | None]) -> list[list[ir.Value]]:
        """What the formula reads of a line, for each vector."""
        builder, real = self.builder, LLVM[self.into.dtype]
        start = builder.mul(index, self.sizes[0])
        factors = [builder.load(builder.gep(read.pointer, [index])) for read in self.reads[: self.numbers]]
        alike = [broadcast(builder, factor, LANES) for factor in factors]
        walking = self.reads[self.numbers :]
        return [
            alike + [load(builder, read, builder.add(start, place), mask, real) for read in walking]
            for place, mask in zip(places, masks, strict=True)
        ]


def moments(identity: Identity) -> Any:
    """Mean and biased variance of each column, in two passes, summed in float64."""
    real, wide = getattr(types, identity.dtype), types.float64
    zeros, add, deviate = line(ZEROS, wide), line(ADD, wide), line(ADD_DEVIATION, wide)
    divide, means, squares = line(QUOTIENT, wide), local(wide, COLUMNS), local(wide, COLUMNS)

    def moments(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        units, m, mean, square = row[2], context[2], means(), squares()
        for left in range(start, stop, COLUMNS):
            count, z = smaller(COLUMNS, stop - left), shift(pointer(row[4], real), left)
            zeros((), (), (mean, square), count)
            for i in range(m):
                add((mean, shift(z, i * units)), (), (mean,), count)
            divide((mean,), (wide(m),), (mean,), count)
            for i in range(m):
                deviate((square, shift(z, i * units), mean), (), (square,), count)
            divide((mean,), (wide(1),), (shift(pointer(row[5], real), left),), count)
            divide((square,), (wide(m),), (shift(pointer(row[6], real), left),), count)

    return moments


def feature_mean(identity: Identity) -> Any:
    """(Σ_j p[i, j]) / n of each sample, summed in float64."""
    real = getattr(types, identity.dtype)
    total = line(COPY, real, "sum")

    def feature_mean(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, p, results = row[3], pointer(row[4], real), pointer(row[5], real)
        for i in range(start, stop):
            results[i] = real(total((shift(p, i * n),), (), (), n) / n)

    return feature_mean


def feature_mean_product(identity: Identity) -> Any:
    """(Σ_j p[i, j]·q[i, j]) / n of each sample, summed in float64."""
    real = getattr(types, identity.dtype)
    total = line(PRODUCT, real, "sum")

    def feature_mean_product(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, p, q, results = row[3], pointer(row[4], real), pointer(row[5], real), pointer(row[6], real)
        for i in range(start, stop):
            results[i] = real(total((shift(p, i * n), shift(q, i * n)), (), (), n) / n)

    return feature_mean_product


def feature_moments(identity: Identity) -> Any:
    """Mean and biased variance of each sample's features, in two passes, in float64."""
    real, wide = getattr(types, identity.dtype), types.float64
    total, deviation = line(COPY, wide, "sum"), line(DEVIATION, wide, "sum")

    def feature_moments(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, z, means, variances = row[3], pointer(row[4], real), pointer(row[5], real), pointer(row[6], real)
        for i in range(start, stop):
            x = shift(z, i * n)
            mean = total((x,), (), (), n) / n
            means[i] = real(mean)
            variances[i] = real(deviation((x,), (mean,), (), n) / n)

    return feature_moments
