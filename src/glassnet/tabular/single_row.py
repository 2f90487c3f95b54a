"""One row of raw columns, as a dict, a DataFrame or an array: the way of a service that answers single requests.

Converting to a table takes longer than the networks need, so the cells of a single row are read as Python values
(data/row.py), which gives the same inputs and the same warnings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassnet.data.frame import column_name
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.row import RowPreparation
from glassnet.tabular.column_warnings import warn_of_columns
from glassnet.tabular.raw_columns import is_missing

Array = np.ndarray[Any, Any]
PLAIN = (str, int, bool, type(None))


class SingleRow:
    """Prepares single rows for the networks of a model; make it once, use it for each row."""

    def __init__(self, preparation: TablePreparation) -> None:
        self.preparation = RowPreparation(preparation)
        self.names = [column.name for column in preparation.columns]

    def inputs(self, row: Mapping[Any, Any], path: str = "the row", stacklevel: int = 2) -> Array:
        """The inputs (1, features) float32 of a row by the names of the columns. Raises DataError (a ValueError)."""
        try:
            cells = {name: _cell(row[name]) for name in self.names}
        except KeyError:  # a name that is no text, or a column that is missing
            cells = {column_name(name): _cell(cell) for name, cell in row.items()}
        notes: list[str] = []
        x = self.preparation.transform(cells, path, notes)
        if notes:
            warn_of_columns(notes, stacklevel + 1)
        return x


def row_of_array(X: Any, names: Sequence[str]) -> dict[str, Any] | None:
    """The cells of an array of plain values with one row, under the names of the columns, else None."""
    if type(X) is not np.ndarray or X.shape != (1, len(names)):
        return None
    cells = X[0].tolist()
    plain = all(type(cell) is float or type(cell) in PLAIN for cell in cells)
    return dict(zip(names, cells, strict=True)) if plain else None


def named_row(X: Any) -> dict[str, Any] | None:
    """The cells by name of a single row, a DataFrame of pandas, polars or pyarrow or a list of one dict; else None."""
    if isinstance(X, list | tuple):
        is_row = len(X) == 1 and isinstance(X[0], dict) and all(isinstance(name, str) for name in X[0])
        return X[0] if is_row else None
    library = type(X).__module__.split(".")[0]
    if library == "pandas" and hasattr(X, "iloc") and len(X) == 1:
        names, cells = list(X.columns), X.iloc[0].tolist()
    elif library == "polars" and hasattr(X, "row") and len(X) == 1:
        names, cells = X.columns, X.row(0)
    elif library == "pyarrow" and hasattr(X, "column_names") and X.num_rows == 1:
        names, cells = X.column_names, [column[0].as_py() for column in X.columns]
    else:
        return None
    row = dict(zip(map(column_name, names), cells, strict=True))
    return row if len(row) == len(names) else None  # a table says which names occur twice


def _cell(cell: Any) -> Any:
    """A cell as a Python value; None where it is missing."""
    if type(cell) in PLAIN or (type(cell) is float and cell == cell):
        return cell
    if is_missing(cell):
        return None
    return cell.item() if isinstance(cell, np.generic) and cell.dtype.kind not in "mM" else cell
