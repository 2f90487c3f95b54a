"""Kernels of means and moments, over samples (one per column, in order) or over features (one per sample)."""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.formula_ir import evaluate
from glassnet.engine.kernel_functions import advance, as_pointer, inlined, minimum, stack_array, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import CONTEXT, MEAN, MEAN_PRODUCT, MOMENTS, ROW, SQUARE_MEANS
from glassnet.engine.llvm_vectors import I64, LANES, LLVM, Builder, broadcast, int64
from glassnet.engine.simd import COPY, lane_mask, load_block, store_block, vector_loop
from glassnet.tables.formula import Formula, trace

ZEROS = trace(lambda: (0.0, 0.0), 0)
ADD = trace(lambda total, p: total + p, 2)
ADD_SQUARED = trace(lambda total, p: total + p * p, 2)
ADD_PRODUCT = trace(lambda total, p, q: total + p * q, 3)
PRODUCT = trace(lambda p, q: p * q, 2)
QUOTIENT = trace(lambda x, divisor: x / divisor, 2)
ADD_SQUARE = trace(lambda total, x, mean: total + (x - mean) * (x - mean), 3)
SQUARE = trace(lambda x, mean: (x - mean) * (x - mean), 2)
MOMENT_COLUMNS = 64  # columns whose float64 sums `moments` keeps at a time
STRIP_VECTORS = 4  # vectors of totals kept in registers


def bp3(spec: KernelSpec) -> Any:
    """BP3: (Σ_i p[i, u]) / m, in order of i."""
    real = getattr(types, spec.dtype)
    means = column_means(real, ADD)

    def bp3(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        p, result = advance(as_pointer(row[MEAN.p], real), start), advance(as_pointer(row[MEAN.mean], real), start)
        means((p,), row[ROW.units], context[CONTEXT.samples], result, stop - start)

    return bp3


def mean_product(spec: KernelSpec) -> Any:
    """(Σ_i p[i, u]·q[i, u]) / m, in order of i."""
    real = getattr(types, spec.dtype)
    means = column_means(real, ADD_PRODUCT)

    def mean_product(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        p = advance(as_pointer(row[MEAN_PRODUCT.p], real), start)
        q = advance(as_pointer(row[MEAN_PRODUCT.q], real), start)
        result = advance(as_pointer(row[MEAN_PRODUCT.mean], real), start)
        means((p, q), row[ROW.units], context[CONTEXT.samples], result, stop - start)

    return mean_product


def square_means(spec: KernelSpec) -> Any:
    """The mean of the squares of each column of w, in order of its rows."""
    real = getattr(types, spec.dtype)
    means = column_means(real, ADD_SQUARED)

    def square_means(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        w = advance(as_pointer(row[SQUARE_MEANS.w], real), start)
        result = advance(as_pointer(row[SQUARE_MEANS.mean], real), start)
        means((w,), row[ROW.units], row[SQUARE_MEANS.fan_in], result, stop - start)

    return square_means


def column_means(dtype: types.Type, formula: Formula, vectors: int = 0) -> Any:
    """An inlined means(reads, units, m, result, count): totals = formula(totals, *reads), row by row, then / m.

    The reads are matrices of m rows of `units` numbers; the first `vectors` of them have one number per row instead.
    """

    @inlined()
    def means(builder: Builder, reads: Value, units: Value, m: Value, result: Value, count: Value) -> None:
        arrays = cgutils.unpack_tuple(builder, reads)
        totals = ColumnTotals(builder, formula, LLVM[dtype], arrays, vectors, result, units, m)
        width = int64(STRIP_VECTORS * LANES)
        whole = builder.and_(count, int64(-STRIP_VECTORS * LANES))
        with cgutils.for_range_slice(builder, int64(0), whole, width, I64) as (first, _):
            totals.strip(first, STRIP_VECTORS, None)
        rest = builder.sub(count, whole)
        strips = builder.lshr(builder.add(rest, int64(LANES - 1)), int64(4))
        for number in range(1, STRIP_VECTORS + 1):
            with builder.if_then(builder.icmp_signed("==", strips, int64(number))):
                last = builder.sub(rest, int64(LANES * (number - 1)))
                totals.strip(whole, number, lane_mask(builder, last))

    return means


class ColumnTotals(NamedTuple):
    """Totals of some columns of matrices of m rows, a few vectors at a time in registers."""

    builder: Builder
    formula: Formula
    real: ir.Type
    reads: list[Value]
    vectors: int
    result: Value
    row_stride: Value
    m: Value

    def strip(self, first: Value, count: int, mask: Value | None) -> None:
        """The means of `count` vectors of columns; of the last one, those in the mask."""
        builder, m, real = self.builder, self.m, self.real
        kind = ir.VectorType(real, LANES)
        offsets = [builder.add(first, int64(LANES * number)) for number in range(count)]
        masks = [None] * (count - 1) + [mask]
        totals = [cgutils.alloca_once(builder, kind) for _ in offsets]
        for total in totals:
            builder.store(ir.Constant(kind, None), total)
        with cgutils.for_range(builder, m) as loop:
            inputs = self.inputs(loop.index, offsets, masks)
            for total, numbers in zip(totals, inputs, strict=True):
                builder.store(evaluate(builder, self.formula, [builder.load(total), *numbers], kind)[0], total)
        divisor = broadcast(builder, builder.sitofp(m, real), LANES)
        for offset, total, mask in zip(offsets, totals, masks, strict=True):
            (quotient,) = evaluate(builder, QUOTIENT, [builder.load(total), divisor], kind)
            store_block(builder, self.result, offset, mask, quotient)

    def inputs(self, row: Value, offsets: list[Value], masks: list[Value | None]) -> list[list[Value]]:
        """What the formula reads of a row, for each vector of columns."""
        builder, start = self.builder, self.builder.mul(row, self.row_stride)
        numbers = [builder.load(builder.gep(read, [row])) for read in self.reads[: self.vectors]]
        factors = [broadcast(builder, number, LANES) for number in numbers]
        matrices = self.reads[self.vectors :]
        return [
            factors + [load_block(builder, read, builder.add(start, offset), mask, self.real) for read in matrices]
            for offset, mask in zip(offsets, masks, strict=True)
        ]


def moments(spec: KernelSpec) -> Any:
    """Mean and biased variance of each column, in two passes, summed in float64."""
    real, wide = getattr(types, spec.dtype), types.float64
    fill_zeros, add, add_square = vector_loop(ZEROS, wide), vector_loop(ADD, wide), vector_loop(ADD_SQUARE, wide)
    divide = vector_loop(QUOTIENT, wide)
    mean_memory, square_memory = stack_array(wide, MOMENT_COLUMNS), stack_array(wide, MOMENT_COLUMNS)

    def moments(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        units, m, mean, squares = row[ROW.units], context[CONTEXT.samples], mean_memory(), square_memory()
        for left in range(start, stop, MOMENT_COLUMNS):
            count, x = minimum(MOMENT_COLUMNS, stop - left), advance(as_pointer(row[MOMENTS.x], real), left)
            fill_zeros((), (), (mean, squares), count)
            for i in range(m):
                add((mean, advance(x, i * units)), (), (mean,), count)
            divide((mean,), (wide(m),), (mean,), count)
            for i in range(m):
                add_square((squares, advance(x, i * units), mean), (), (squares,), count)
            divide((mean,), (wide(1),), (advance(as_pointer(row[MOMENTS.mean], real), left),), count)
            divide((squares,), (wide(m),), (advance(as_pointer(row[MOMENTS.variance], real), left),), count)

    return moments


def feature_mean(spec: KernelSpec) -> Any:
    """(Σ_j p[i, j]) / n of each sample, summed in float64."""
    real = getattr(types, spec.dtype)
    total = vector_loop(COPY, real, "sum")

    def feature_mean(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, p, means = row[ROW.width], as_pointer(row[MEAN.p], real), as_pointer(row[MEAN.mean], real)
        for i in range(start, stop):
            means[i] = real(total((advance(p, i * n),), (), (), n) / n)

    return feature_mean


def feature_mean_product(spec: KernelSpec) -> Any:
    """(Σ_j p[i, j]·q[i, j]) / n of each sample, summed in float64."""
    real = getattr(types, spec.dtype)
    total = vector_loop(PRODUCT, real, "sum")

    def feature_mean_product(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, means = row[ROW.width], as_pointer(row[MEAN_PRODUCT.mean], real)
        p, q = as_pointer(row[MEAN_PRODUCT.p], real), as_pointer(row[MEAN_PRODUCT.q], real)
        for i in range(start, stop):
            means[i] = real(total((advance(p, i * n), advance(q, i * n)), (), (), n) / n)

    return feature_mean_product


def feature_moments(spec: KernelSpec) -> Any:
    """Mean and biased variance of each sample's features, in two passes, in float64."""
    real, wide = getattr(types, spec.dtype), types.float64
    total, square_total = vector_loop(COPY, wide, "sum"), vector_loop(SQUARE, wide, "sum")

    def feature_moments(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        n, x = row[ROW.width], as_pointer(row[MOMENTS.x], real)
        means, variances = as_pointer(row[MOMENTS.mean], real), as_pointer(row[MOMENTS.variance], real)
        for i in range(start, stop):
            features = advance(x, i * n)
            mean = total((features,), (), (), n) / n
            means[i] = real(mean)
            variances[i] = real(square_total((features,), (mean,), (), n) / n)

    return feature_moments
