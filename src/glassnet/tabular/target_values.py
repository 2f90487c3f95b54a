"""A person's y as classes or as numbers: from lists, arrays, series and columns; nothing missing, nothing infinite."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y

from glassnet.array_likes import to_array
from glassnet.data.choice import ColumnChooser
from glassnet.data.options import ReadingOptions
from glassnet.data.readings import NumberReading
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.errors import DataError
from glassnet.tabular.python_notes import python_note
from glassnet.tabular.raw_columns import is_missing

Array = np.ndarray[Any, Any]


RANGES = ("Interval", "Period")  # of pandas, which are classes by their text


def class_values(y: Any) -> tuple[Array, list[str]]:
    """The classes of the rows (n,) as text, booleans or numbers, and notes.

    Raises DataError (a ValueError) for missing ones, for several columns, and for numbers that are no classes.
    """
    values = column_or_1d(_as_array(y), warn=True)
    _check_present(values)
    notes: list[str] = []
    if values.dtype.kind in "OUS":
        values, notes = _text_or_same(values)
    check_classification_targets(values)
    return values, notes


def _text_or_same(values: Array) -> tuple[Array, list[str]]:
    """Labels of text without the blanks around them; objects that are all numbers or booleans as such."""
    cells = [str(cell) if type(cell).__name__ in RANGES else cell for cell in values.tolist()]
    values = np.array(cells, object)
    kinds = {type(cell) for cell in cells}
    if not all(isinstance(cell, (str, bytes)) for cell in cells):
        if any(isinstance(cell, (str, bytes)) for cell in cells):
            names = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise DataError(f"y mixes text and other values ({names}); make all of them text or all numbers.")
        return (np.array(cells) if values.dtype.kind == "O" else values), []
    texts = [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell for cell in cells]
    trimmed = [text.strip() for text in texts]
    changed = sum(text != bare for text, bare in zip(texts, trimmed, strict=True))
    notes = [f"y: blanks around {changed:,} of the classes are ignored"] if changed else []
    return np.array(trimmed, object), notes


def number_values(y: Any) -> tuple[Array, list[str]]:
    """The numbers of the rows, (n,) or (n, outputs) float64, and notes on how text was read.

    Raises DataError (a ValueError) for anything else.
    """
    values, notes = _as_array(y), list[str]()
    if values.dtype.kind == "O":
        _check_present(values)
    if _are_dates(values):
        raise DataError("y holds dates or times; convert them to numbers, such as days since a date.")
    if values.dtype.kind == "c":
        raise DataError("Complex data not supported: y holds complex numbers.")
    try:
        numbers = values.astype(np.float64)
    except OverflowError:
        raise DataError("y holds a whole number that is too large for float64; scale it first.") from None
    except (TypeError, ValueError):
        numbers, notes = _numbers_of_text(values)
    _check_present(numbers)
    if (infinite := np.isinf(numbers)).any():
        raise DataError(f"y is infinite at row {_first_row(infinite)}, counted from 0; drop such rows.")
    return np.asarray(_check_y(numbers, multi_output=True)), notes


def _are_dates(values: Array) -> bool:
    """Whether a cell is a date, a time or a duration, which have no unit of their own."""
    kinds = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
    cells = values.reshape(-1).tolist() if values.dtype.kind == "O" else []
    return values.dtype.kind in "mM" or any(isinstance(cell, kinds) for cell in cells)


def _numbers_of_text(values: Array) -> tuple[Array, list[str]]:
    """Numbers in the spellings that a column may have, such as 1.234,50 €. Raises DataError for any other cell."""
    fault = f"{_first_text(values)}; regression needs numbers."
    if values.ndim != 1 or not all(isinstance(cell, str) for cell in values.tolist()):
        raise DataError(fault)
    table = Table.from_frame(pa.table({"y": pa.array(values.tolist(), pa.large_string())}), "y")
    plan = ColumnChooser(Summary.of(table), ReadingOptions(keep=("y",)), table).choose("y", keep=True)
    if not isinstance(plan.reading, NumberReading):
        raise DataError(fault)
    if plan.odd:
        row = [cell.strip() for cell in values.tolist()].index(plan.odd[0])
        raise DataError(f"y holds {plan.odd[0]!r} at row {row}, counted from 0; regression needs numbers.")
    return plan.reading.values(table, "y"), [python_note(plan.note)] if plan.note else []


def _as_array(y: Any) -> Array:
    if y is None:
        raise DataError("y is None; this estimator requires y to be passed, but the target y is None.")
    if isinstance(y, pa.Array | pa.ChunkedArray | list | tuple):
        cells = y if isinstance(y, list | tuple) else y.to_pylist()
        array = np.asarray(cells)
        return np.array(cells, object) if array.dtype.kind in "US" else array  # NumPy would make 1 beside "a" text
    return y.to_numpy() if hasattr(y, "to_numpy") else to_array("y", y)


def _check_present(values: Array) -> None:
    """Raise DataError where a target is missing."""
    if values.dtype.kind == "O":
        missing = np.array([is_missing(cell) for cell in values.reshape(-1)], bool).reshape(values.shape)
    elif values.dtype.kind in "fmM":
        missing = np.isnan(values)
    else:
        return
    if missing.any():
        count = f"{int(missing.sum()):,} in total"
        raise DataError(f"y is missing (NaN) at row {_first_row(missing)}, counted from 0 ({count}); drop these rows.")


def _first_row(where: Array) -> int:
    return int(np.argwhere(where)[0][0])


def _first_text(values: Array) -> str:
    for row, cell in enumerate(values.reshape(-1).tolist()):
        try:
            float(cell)
        except (TypeError, ValueError):
            return f"y holds {cell!r} at row {row}, counted from 0"
    return "y holds no numbers"
