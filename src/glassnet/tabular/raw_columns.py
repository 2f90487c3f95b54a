"""A person's X as a table of raw columns: a DataFrame, an array of numbers, text or objects, or a table itself.

The columns of an array are called x0, x1, ..., as scikit-learn calls them. They were chosen by a person, so that none
is taken for a row counter or an identifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.utils import check_array

from glassnet.array_likes import read_tensor
from glassnet.batches.sparse import is_sparse
from glassnet.data.table import Table
from glassnet.errors import DataError

Array = np.ndarray[Any, Any]
PATH = "X"


def raw_table(X: Any, estimator: Any) -> tuple[Table, bool]:
    """X (n, features) as a table, and whether its columns have names. Raises DataError or ValueError."""
    if isinstance(X, Table):
        return X, True
    if isinstance(X, str | PathLike):
        read = "pandas.read_csv or pandas.read_parquet"
        raise DataError(f"X is the name {fspath(X)!r}; read the file first, such as by {read}, and pass the columns.")
    if is_sparse(X):
        raise DataError("X is sparse; tabular estimators read dense columns: pass X.toarray() or a DataFrame.")
    if hasattr(X, "collect_schema") and hasattr(X, "collect"):  # asking a lazy frame for its columns is slow
        X = X.collect()
    if isinstance(X, pa.RecordBatch):
        X = pa.Table.from_batches([X])
    if isinstance(X, list | tuple) and len(X) and all(isinstance(row, dict) for row in X):
        X = _table_of_rows(X)
    if isinstance(X, pa.Table) or hasattr(X, "columns"):
        return Table.from_frame(X, PATH), True
    array = check_array(read_tensor("X", X), dtype=None, ensure_all_finite=False, estimator=estimator)
    if array.dtype.kind not in "buifOUSmM":
        raise DataError(f"X has dtype {array.dtype}; columns are numbers, text, true/false or dates.")
    return array_table(array, [f"x{index}" for index in range(array.shape[1])]), False


def _table_of_rows(rows: Sequence[dict[Any, Any]]) -> pa.Table:
    """Rows that are dicts of cells by column; a cell that a row lacks is missing."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not all(isinstance(name, str) for name in names):
        raise DataError("X is a list of dicts whose keys are no text; pass dicts of cells by the names of columns.")
    cells = np.array([[row.get(name) for name in names] for row in rows] or [[]], object).reshape(len(rows), len(names))
    return pa.table([_arrow_column(column) for column in cells.T], names=names)


def array_table(array: Array, names: Iterable[str]) -> Table:
    """The columns of an array (n, features) under these names."""
    columns = [_arrow_column(column) for column in array.T]
    return Table(PATH, pa.table(columns, names=list(names)))


def _arrow_column(column: Array) -> pa.Array:
    if column.dtype.kind == "S":
        column = np.char.decode(column, "utf-8", "replace")
    if column.dtype == np.float16:
        column = column.astype(np.float32)
    if column.dtype.kind == "f" and column.dtype.itemsize > 8:
        column = column.astype(np.float64)
    if column.dtype.kind != "O":
        return pa.array(np.ascontiguousarray(column))
    cells = [None if is_missing(cell) else cell for cell in column]
    try:
        return pa.array(cells)
    except (pa.ArrowException, TypeError, OverflowError, ValueError):
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.large_string())


def is_missing(cell: Any) -> bool:
    """Whether a Python value is missing: None, NaN, or the NA and NaT of pandas."""
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or bool(np.isscalar(cell) and cell != cell)


def informative_columns(table: Table) -> list[str]:
    """The columns of an array that are neither empty nor constant."""
    return [name for name in table.names if pc.count_distinct(table.column(name), mode="all").as_py() > 1]
