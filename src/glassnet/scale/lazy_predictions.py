"""Predictions and scores of collections of Dask, computed block by block when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import DataError
from glassnet.scale.averaging import tree_mean
from glassnet.scale.blocks import RawBlock, partitions, raw_blocks
from glassnet.scale.table_encoding import prepared_columns

Array = np.ndarray[Any, Any]


def prepared_rows(preparation: Any, X: Any) -> Any:
    """X as the network reads it: prepared where there is a preparation, else as it is."""
    return X if preparation is None else prepared_columns(preparation, X)


def lazy_outputs(estimator: Any, X: Any, method: str, columns: Sequence[Any]) -> Any:
    """`method` of the plain estimator for every block of X; `columns` name those of several outputs."""
    local = estimator.to_local()
    classes = getattr(estimator, "classes_", None) if method == "predict" else None
    several = method == "predict_proba" or (classes is None and len(columns) > 1)
    dtype = np.dtype(estimator.coefs_[0].dtype) if classes is None else np.asarray(classes).dtype
    if hasattr(X, "to_delayed") and hasattr(X, "map_partitions"):
        return _of_frame(X, local, method, (list(columns) if several else None, dtype))
    return _of_array(X, local, method, (len(columns) if several else None, dtype))


def _of_array(X: Any, local: Any, method: str, shape: tuple[int | None, Any]) -> Any:
    """The outputs of a dask.array, divided into the same blocks of rows."""
    width, dtype = shape
    X = X.rechunk({1: -1}) if X.numblocks[1] > 1 else X
    options = {"drop_axis": 1} if width is None else {"chunks": (X.chunks[0], (width,))}
    meta = np.empty((0,) if width is None else (0, 0), dtype)
    return X.map_blocks(block_outputs, local=local, method=method, shape=shape, dtype=dtype, meta=meta, **options)


def _of_frame(X: Any, local: Any, method: str, shape: tuple[list[Any] | None, Any]) -> Any:
    """The outputs of a dask.dataframe: a Series or DataFrame with the same index."""
    import pandas as pd

    columns, dtype = shape
    if columns is None and hasattr(local, "classes_"):
        dtype = pd.Series(list(local.classes_)).dtype  # text as pandas has it, which can be written to a file
        shape = columns, dtype
    empty = pd.Series([], dtype=dtype) if columns is None else pd.DataFrame({name: [] for name in columns}, dtype=dtype)
    return X.map_partitions(frame_outputs, local=local, method=method, shape=shape, meta=empty)


def block_outputs(X: Array, local: Any, method: str, shape: tuple[int | None, Any]) -> Array:
    """The outputs of one block, which may have no rows."""
    width, dtype = shape
    if not len(X):
        return np.empty((0,) if width is None else (0, width), dtype)
    return np.asarray(getattr(local, method)(X))


def frame_outputs(X: Any, local: Any, method: str, shape: tuple[list[Any] | None, Any]) -> Any:
    """The outputs of one partition."""
    import pandas as pd

    columns, dtype = shape
    outputs = block_outputs(X, local, method, (None if columns is None else len(columns), dtype))
    if columns is None:
        return pd.Series(outputs, index=X.index, dtype=dtype)
    return pd.DataFrame(outputs, index=X.index, columns=columns)


# Scores -------------------------------------------------------------------------------------------------------------


class Sums(NamedTuple):
    """Weighted sums of a block: of weights; of right predictions or, per output, of (y − a)² and (y − ȳ)²; and ȳ."""

    weight: float
    right: Any
    mean: Any
    spread: Any


def lazy_score(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
    """The accuracy or R² of collections of Dask, as a Delayed that gives a float."""
    from dask.delayed import delayed

    local = delayed(estimator.to_local(), pure=False)
    blocks = raw_blocks(X, y, sample_weight).blocks if estimator.preparation_ is None else _frame_parts(X, y)
    is_class = hasattr(estimator, "classes_")
    leaves = [delayed(block_sums)(local, is_class, block.load, *block.arguments) for block in blocks]
    return delayed(score_of)(tree_mean(len(leaves), leaves.__getitem__, delayed(joined_sums)), is_class)


def _frame_parts(X: Any, y: Any) -> Any:
    """X and y, partition by partition, without a look at the columns of X."""
    parts, targets = partitions(X), partitions(y)
    if len(parts) != len(targets):
        raise DataError(f"x has {len(parts)} blocks, but y has {len(targets)}; divide both in the same way.")
    return [RawBlock(pair_of_frames, pair) for pair in zip(parts, targets, strict=True)]


def pair_of_frames(frame: Any, y: Any) -> tuple[Any, Array, None]:
    """A partition and its targets."""
    return frame, np.asarray(y), None


def block_sums(local: Any, is_class: bool, load: Any, *arguments: Any) -> Sums:
    """The sums of one block."""
    X, y, weights = load(*arguments)
    weights = np.ones(len(y)) if weights is None else weights
    if not len(y) or not weights.sum():
        return Sums(0.0, 0.0, 0.0, 0.0)
    outputs, weight = local.predict(X), float(weights.sum())
    if is_class:
        right = outputs == y if y.ndim == 1 else (np.asarray(outputs) == y).all(axis=1)
        return Sums(weight, float(weights @ right), 0.0, 0.0)
    y = np.asarray(y, np.float64)
    mean = weights @ y / weight
    return Sums(weight, weights @ (y - outputs) ** 2, mean, weights @ (y - mean) ** 2)


def joined_sums(a: Sums, b: Sums) -> Sums:
    """The sums of two blocks."""
    weight = a.weight + b.weight
    if not weight:
        return a
    difference = np.subtract(b.mean, a.mean)
    spread = a.spread + b.spread + difference**2 * (a.weight * b.weight / weight)
    return Sums(weight, a.right + b.right, a.mean + difference * (b.weight / weight), spread)


def score_of(sums: Sums, is_class: bool) -> float:
    """The score; R² is the mean of those of the outputs, as in scikit-learn."""
    if not sums.weight:
        raise DataError("there is no row to score.")
    if is_class:
        return float(sums.right / sums.weight)
    return float(np.mean(1.0 - np.asarray(sums.right) / sums.spread))
