"""X as the engine reads it: rows in place where it can, one copy where it cannot, slices of rows where X is sparse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassnet.samples import as_rows
from glassnet.sparse_rows import SLICE, dense_rows, is_sparse

Array = np.ndarray[Any, Any]
DENSE = 1 << 28  # bytes up to which a sparse X is made dense as a whole
BLOCK = 1024  # samples whose hidden activations are computed together


def rows_of(X: Any, dtype: Any) -> Array:
    """X (n, features) as rows that the engine reads in place where it can; a large sparse X stays sparse."""
    if is_sparse(X):
        large = 8 * X.shape[0] * X.shape[1] > DENSE
        return X.tocsr() if large else dense_rows(X.tocsr(), slice(None))
    return as_rows(X.T, dtype)


def blocks_of(X: Any, dtype: Any) -> Iterator[Array]:
    """X in blocks of rows, dense ones."""
    X = X.tocsr() if is_sparse(X) else X
    size = min(BLOCK, max(1, SLICE // (8 * X.shape[1])))
    for first in range(0, X.shape[0], size):
        block = X[first : first + size]
        yield dense_rows(block, slice(None)) if is_sparse(block) else as_rows(block.T, dtype)
