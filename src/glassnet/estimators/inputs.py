"""X as a person passes it, validated, and as the engine reads it: in place where it can, sparse X in slices of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import narwhals as nw
import numpy as np
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import validate_data

from glassnet.batches.samples import as_rows
from glassnet.batches.sparse import SLICE, dense_rows, is_sparse
from glassnet.errors import DataError

Array = np.ndarray[Any, Any]
DENSE = 1 << 28  # bytes up to which a sparse X is made dense as a whole
BLOCK = 1024  # samples whose hidden activations are computed together
SPARSE = ("csr", "csc")
OF_NUMBERS = (nw.Boolean, nw.Object, nw.Unknown, nw.Categorical)  # perhaps: the conversion tells
ORDERED = (nw.Enum,)  # as pandas' ordered categories are called, which may be numbers too


def validated(model: Any, X: Any, *y: Any, reset: bool, **words: Any) -> Any:
    """X, or X and y, checked as scikit-learn does it; a DataFrame by narwhals, so that float32 columns stay float32."""
    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise DataError("X is a lazy DataFrame, which holds no rows yet: pass X.collect().")
    if isinstance(frame, nw.DataFrame):
        _check_columns(frame)
    if not isinstance(frame, nw.DataFrame) or frame.implementation.is_pandas_like():  # scikit-learn knows pandas well
        return validate_data(model, X, *y, reset=reset, accept_sparse=SPARSE, **words)
    validate_data(model, X, *y, reset=reset, skip_check_array=True)  # the names and the number of columns
    return (check_X_y if y else check_array)(frame.to_numpy(), *y, estimator=model, **words)


def _check_columns(frame: nw.DataFrame[Any]) -> None:
    """Name the first column that holds no numbers."""
    perhaps = (*OF_NUMBERS, *ORDERED) if frame.implementation.is_pandas_like() else OF_NUMBERS
    for name, kind in frame.schema.items():
        if not (kind.is_numeric() or kind in perhaps):
            raise DataError(
                f"column {name!r} of X holds {kind}, not numbers (it begins with {frame[name].head(1).to_list()}): "
                "encode it (OneHotEncoder, OrdinalEncoder) or leave it out."
            )


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
