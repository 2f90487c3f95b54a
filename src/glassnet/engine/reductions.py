"""Kernels of means and moments, over samples (a column each, in order) or over features (a line each)."""

from __future__ import annotations

from typing import Any

from numba.core import types

from glassnet.engine.identity import Identity
from glassnet.engine.simd import line, local, pointer, share, shift, smaller
from glassnet.formula import trace

COPY = trace(lambda x: x, 1)
ZERO, ZEROS = trace(lambda: 0.0, 0), trace(lambda: (0.0, 0.0), 0)
ADD = trace(lambda total, p: total + p, 2)
ADD_PRODUCT = trace(lambda total, p, q: total + p * q, 3)
PRODUCT = trace(lambda p, q: p * q, 2)
QUOTIENT = trace(lambda x, divisor: x / divisor, 2)
ADD_DEVIATION = trace(lambda total, x, mean: total + (x - mean) * (x - mean), 3)
DEVIATION = trace(lambda x, mean: (x - mean) * (x - mean), 2)
COLUMNS = 64  # columns whose float64 sums moments keeps at a time


def mean(identity: Identity) -> Any:
    """BP3: (Σ_i p[i, u]) / m, in order of i."""
    real = getattr(types, identity.dtype)
    zero, add, divide = line(ZERO, real), line(ADD, real), line(QUOTIENT, real)

    def mean(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        units, m, count = row[2], context[2], stop - start
        p, into = shift(pointer(row[4], real), start), shift(pointer(row[5], real), start)
        zero((), (), (into,), count)
        for i in range(m):
            add((into, shift(p, i * units)), (), (into,), count)
        divide((into,), (real(m),), (into,), count)

    return mean


def mean_product(identity: Identity) -> Any:
    """(Σ_i p[i, u]·q[i, u]) / m, in order of i."""
    real = getattr(types, identity.dtype)
    zero, add, divide = line(ZERO, real), line(ADD_PRODUCT, real), line(QUOTIENT, real)

    def mean_product(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        units, m, count = row[2], context[2], stop - start
        p, q = shift(pointer(row[4], real), start), shift(pointer(row[5], real), start)
        into = shift(pointer(row[6], real), start)
        zero((), (), (into,), count)
        for i in range(m):
            add((into, shift(p, i * units), shift(q, i * units)), (), (into,), count)
        divide((into,), (real(m),), (into,), count)

    return mean_product


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
