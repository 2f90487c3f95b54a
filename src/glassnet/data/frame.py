"""DataFrames of pandas, polars, pyarrow and others as Arrow tables with text as column names.

narwhals converts them; columns of pandas that mix types, which Arrow has no type for, become text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from glassnet.data.reading import check_unique
from glassnet.errors import DataError


def frame_to_arrow(frame: Any, path: str) -> pa.Table:
    """The columns of a DataFrame. Raises DataError for no DataFrame, no rows, or two columns of the same name."""
    if isinstance(frame, pa.Table):
        names, columns = frame.column_names, frame.columns
    else:
        names, columns = _columns(frame, path)
    names = [column_name(name) for name in names]
    check_unique(path, names)
    table = pa.table([_chunked(column) for column in columns], names=names)
    if not table.num_rows:
        raise DataError(f"{path} has no rows.")
    return table


def column_name(name: Any) -> str:
    """A column's name as text: 3 is "3", ("a", 1) is "a, 1"."""
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _columns(frame: Any, path: str) -> tuple[Sequence[Any], list[Any]]:
    names = list(getattr(frame, "columns", []))
    check_unique(path, names)
    try:
        native = nw.from_native(frame)
    except TypeError:
        raise DataError(f"{path} is a {type(frame).__name__}, not a DataFrame of pandas, polars or pyarrow.") from None
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    return native.columns, [_column(series) for series in native.iter_columns()]


def _column(series: nw.Series[Any]) -> Any:
    native = series.to_native()
    if isinstance(getattr(native, "dtype", None), np.dtype) and native.dtype.kind in "fiu":
        return pa.array(native.to_numpy(), from_pandas=True)  # the same as below, ten times as fast
    try:
        if type(native).__module__.startswith("pandas."):
            column = pa.Array.from_pandas(native)  # as narwhals does, which copies the column before
        else:
            column = series.alias("column").to_arrow()  # any name may be a number or a tuple
    except (pa.ArrowException, TypeError, OverflowError):
        return _as_text(series)
    return _as_text(series) if _is_extended(column.type) else column


def _as_text(series: nw.Series[Any]) -> pa.Array:
    """What Arrow has no type for: cells that mix types, intervals, periods."""
    texts = [None if cell is None or cell != cell else str(cell) for cell in series.to_list()]
    return pa.array(texts, pa.large_string())


def _is_extended(kind: Any) -> bool:
    """Whether a type is not one of Arrow's own, or a category of such values."""
    return isinstance(kind.value_type if pa.types.is_dictionary(kind) else kind, pa.BaseExtensionType)


def _chunked(column: Any) -> pa.ChunkedArray:
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
