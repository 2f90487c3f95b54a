"""Validates the user's X and gives it to the engine: in place where possible, a large sparse X slice by slice."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Number
from typing import Any

import narwhals as nw
import numpy as np
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import _check_sample_weight, validate_data

from glassnet.array_likes import read_tensor
from glassnet.batches.samples import as_rows, numeric, weight_vector
from glassnet.batches.sparse import SLICE_BYTES, dense_rows, is_sparse
from glassnet.errors import DataError

Array = np.ndarray[Any, Any]
MAX_DENSE_BYTES = 1 << 28  # a sparse X up to this size is made dense as a whole
BLOCK_SAMPLES = 1024  # samples whose hidden activations are computed together
SPARSE_FORMATS = ("csr", "csc")
MAYBE_NUMERIC = (nw.Boolean, nw.Object, nw.Unknown, nw.Categorical)  # only the conversion to an array can tell
ORDERED = (nw.Enum,)  # narwhals' type of pandas' ordered categories, which may hold numbers


def validated(estimator: Any, X: Any, *y: Any, reset: bool, **options: Any) -> Any:
    """X, or X and y, checked as scikit-learn does; narwhals reads DataFrames, so that float32 columns stay float32."""
    X, y = read_tensor("X", X), tuple(read_tensor("y", each) for each in y)
    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise DataError("X is a lazy DataFrame, which has no data in memory: pass X.collect().")
    if isinstance(frame, nw.DataFrame):
        _check_columns(frame)
    if not isinstance(frame, nw.DataFrame) or frame.implementation.is_pandas_like():  # scikit-learn reads pandas well
        return validate_data(estimator, X, *y, reset=reset, accept_sparse=SPARSE_FORMATS, **options)
    validate_data(estimator, X, *y, reset=reset, skip_check_array=True)  # column names and their number
    return (check_X_y if y else check_array)(frame.to_numpy(), *y, estimator=estimator, **options)


def weight_input(sample_weight: Any) -> Any:
    """Sample weights as numbers, for scikit-learn's checks; None, or one number for all, as it is."""
    if sample_weight is None or isinstance(sample_weight, Number):
        return sample_weight
    return numeric("sample_weight", sample_weight)


def checked_weights(sample_weight: Any, X: Any) -> Array | None:
    """Sample weights (n,) as float64 for the n samples of X, or None."""
    weights = weight_input(sample_weight)
    return None if weights is None else weight_vector(_check_sample_weight(weights, X), X.shape[0])


def _check_columns(frame: nw.DataFrame[Any]) -> None:
    """Raise DataError with the name of the first column that is not numeric."""
    accepted = (*MAYBE_NUMERIC, *ORDERED) if frame.implementation.is_pandas_like() else MAYBE_NUMERIC
    for column in frame.iter_columns():  # by position: a name may be a number or a tuple
        dtype = column.dtype
        if not (dtype.is_numeric() or dtype in accepted):
            raise DataError(
                f"column {column.name!r} of X holds {dtype}, not numbers (it begins with {column.head(1).to_list()}): "
                "encode it (OneHotEncoder, OrdinalEncoder) or leave it out."
            )


def engine_rows(X: Any, dtype: Any) -> Array:
    """X (n, features) as rows that the engine reads in place where possible; a large sparse X stays sparse."""
    if is_sparse(X):
        large = 8 * X.shape[0] * X.shape[1] > MAX_DENSE_BYTES
        return X.tocsr() if large else dense_rows(X.tocsr(), slice(None))
    return as_rows(X.T, dtype)


def dense_blocks(X: Any, dtype: Any) -> Iterator[Array]:
    """X as dense blocks of rows."""
    X = X.tocsr() if is_sparse(X) else X
    size = min(BLOCK_SAMPLES, max(1, SLICE_BYTES // (8 * X.shape[1])))
    for first in range(0, X.shape[0], size):
        block = X[first : first + size]
        yield dense_rows(block, slice(None)) if is_sparse(block) else as_rows(block.T, dtype)
