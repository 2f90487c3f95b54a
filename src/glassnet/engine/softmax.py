"""Kernels of softmax, of its Jacobian product, and of its cross-entropy, one sample a line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.core import types

from glassnet.engine.identity import Identity
from glassnet.engine.simd import line, pointer, share, shift
from glassnet.formula import trace

COPY = trace(lambda x: x, 1)
SHIFTED = trace(lambda z, top: np.exp(z - top), 2)
QUOTIENT = trace(lambda x, divisor: x / divisor, 2)
PRODUCT = trace(lambda da, a: a * da, 2)
ERROR = trace(lambda da, a, total: a * (da - total), 3)
SURPRISE = trace(lambda z, y, top, log_total: y * (log_total - (z - top)), 4)


def softmax(identity: Identity) -> Any:
    """a = exp(z − max z) / Σ exp(z − max z)."""
    real = getattr(types, identity.dtype)
    largest, exponential, divide = line(COPY, real, "largest"), line(SHIFTED, real, "sum"), line(QUOTIENT, real)

    def softmax(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, z, a = row[3], pointer(row[4], real), pointer(row[5], real)
        for i in range(start, stop):
            x, into = shift(z, i * n), shift(a, i * n)
            total = exponential((x,), (largest((x,), (), (), n),), (into,), n)
            divide((into,), (total,), (into,), n)

    return softmax


def softmax_error(identity: Identity) -> Any:
    """delta = a ⊙ (da − Σ a·da), the products in the dtype, their sum in float64."""
    real = getattr(types, identity.dtype)
    total, error = line(PRODUCT, real, "sum"), line(ERROR, real)

    def softmax_error(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, da, a, delta = row[3], pointer(row[4], real), pointer(row[5], real), pointer(row[6], real)
        for i in range(start, stop):
            lines = (shift(da, i * n), shift(a, i * n))
            error(lines, (total(lines, (), (), n),), (shift(delta, i * n),), n)

    return softmax_error


def softmax_cost(identity: Identity) -> Any:
    """c[i] = Σ_j y_j·(log Σ exp(z) − z_j), elements in the dtype, sums in float64."""
    real = getattr(types, identity.dtype)
    largest, exponential = line(COPY, real, "largest"), line(SHIFTED, real, "sum")
    surprise = line(SURPRISE, real, "sum")

    def softmax_cost(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        n, z, y, costs = row[3], pointer(row[4], real), pointer(row[5], real), pointer(row[6], types.float64)
        for i in range(start, stop):
            x = shift(z, i * n)
            top = largest((x,), (), (), n)
            log_total = math.log(exponential((x,), (top,), (), n))
            costs[i] = surprise((x, shift(y, i * n)), (top, log_total), (), n)

    return softmax_cost
