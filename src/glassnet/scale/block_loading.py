"""Reads one block, where it is trained on: arrays with samples as rows, or a Table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from glassnet.array_likes import to_array
from glassnet.data.frame import column_name, frame_to_arrow
from glassnet.data.reading import Array
from glassnet.data.table import Table
from glassnet.errors import DataError, GlassnetError
from glassnet.scale.parquet_groups import ParquetGroup, read_group


class Rows(NamedTuple):
    """A block of arrays as it was passed, samples as rows: x (n, features), y (n, ...) and weights (n,) or None."""

    x: Array
    y: Array
    weights: Array | None = None

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.x)


def array_block(x: Any, y: Any = None, weights: Any = None) -> Rows:
    """A block of arrays. A single argument is what a Delayed gave: a pair (x, y), or (x, y, weights)."""
    if y is None:
        if not isinstance(x, (tuple, list)) or len(x) not in (2, 3):
            raise DataError(f"it is of type {type(x).__name__}; it must be a pair (x, y) with samples as rows.")
        x, y, weights = (*x, None)[:3]
    if hasattr(x, "columns"):
        return frame_block(x, y, weights)
    return _checked(to_array("x", x), to_array("y", y), None if weights is None else to_array("sample_weight", weights))


def frame_block(frame: Any, y: Any, weights: Any = None, names: Sequence[str] = ()) -> Rows:
    """A block of a DataFrame of numbers, with its columns in the order of `names`, where they are given."""
    y, weights = to_array("y", y), None if weights is None else to_array("sample_weight", weights)
    return _checked(to_array("x", in_order(frame, names)), y, weights)


def label_block(y: Any) -> Array:
    """The y of a block, without its x."""
    return to_array("y", y)


def in_order(frame: Any, names: Sequence[str]) -> Any:
    """A DataFrame with these columns, in this order. Raises DataError where it has others."""
    own = [column_name(name) for name in frame.columns]
    if not names or own == list(names):
        return frame
    if set(own) != set(names):
        different = ", ".join(sorted(set(own) ^ set(names))[:5])
        raise DataError(f"it has other columns than the first block ({different}); give all blocks the same.")
    return frame[[frame.columns[own.index(name)] for name in names]]


def _checked(x: Array, y: Array, weights: Array | None) -> Rows:
    """The arrays, y (n, 1) as (n,). Raises DataError where their numbers of rows differ."""
    if x.ndim != 2:
        raise DataError(f"x has shape {x.shape}; it needs two dimensions, samples as rows: (samples, features).")
    for name, array in (("y", y), ("sample_weight", weights)):
        if array is not None and (array.ndim < 1 or len(array) != len(x)):
            raise DataError(f"it has {len(x):,} rows of x, but {name} has shape {array.shape}; divide both alike.")
    check_finite("x", x)
    check_finite("y", y)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    return Rows(x, y, weights)


def check_finite(name: str, rows: Array) -> None:
    """Raise DataError with the first entry that is NaN or infinite."""
    if rows.dtype.kind != "f" or not rows.size or np.isfinite(np.add(*_extremes(rows))):
        return
    bad = np.argwhere(~np.isfinite(rows))
    place = ", column ".join(map(str, bad[0]))
    what = "NaN" if np.isnan(rows[tuple(bad[0])]) else "infinite"
    raise DataError(f"{name} is {what} in row {place} ({len(bad):,} such entries in all); fill in or drop these first.")


def _extremes(rows: Array) -> tuple[float, float]:
    """The least and the largest number halved, both NaN where one number is."""
    return float(rows.min()) / 2, float(rows.max()) / 2


def table_block(frame: Any, y: Any, target: str, number: int, names: Sequence[str] = ()) -> Table:
    """A block of a DataFrame as a table, with the target as a column; y is None where it is one already."""
    path = f"block {number}"
    if y is not None and len(y) != len(frame):
        raise DataError(f"it has {len(frame):,} rows of x, but {len(y):,} of y; divide both alike.")
    if not len(frame):
        return Table(path, pa.table({}))
    table = frame_to_arrow(in_order(frame, names), path)
    if y is not None:
        table = table.append_column(target, frame_to_arrow(_as_frame(y, target), path).column(0))
    if target not in table.column_names:
        raise DataError(f"it has no column {target!r}.")
    return Table(path, table)


def _as_frame(y: Any, target: str) -> Any:
    """A single column as a DataFrame of its own kind, or as an Arrow table."""
    if hasattr(y, "to_frame"):
        return y.to_frame(target)
    return pa.table({target: to_array("y", y)})


def parquet_block(group: ParquetGroup, number: int) -> Table:
    """Some row groups of a Parquet file as a table."""
    return Table(f"{group.path} (block {number})", read_group(group))


def loaded_block(number: int, load: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """The block with this number; an error names it."""
    try:
        return load(*arguments)
    except GlassnetError as error:
        raise named(error, number) from None


def named(error: Exception, number: int) -> DataError:
    """The error with the number of the block in front of it, in one line."""
    text = " ".join(str(error).split())
    if not isinstance(error, GlassnetError):  # scikit-learn goes on with advice for people who have other tools
        text = text.partition(". ")[0].rstrip(".") + "."
    return DataError(text if text.startswith(f"block {number}") else f"block {number}: {text}")


def rows_of(raw: Rows | Table) -> int:
    """The number of rows of a block that was read."""
    return raw.rows
