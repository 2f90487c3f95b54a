"""The cells of the column to predict, read by the same rules as every other column, but never guessed.

Rows without a target are left out with a note. A cell that does not fit the others is refused with its line: it would
turn a quantity into a class per row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.arrow_types import as_text, is_number
from glassnet.data.choice import ColumnChooser
from glassnet.data.evidence import quoted
from glassnet.data.plans import ColumnPlan
from glassnet.data.reading import Array
from glassnet.data.readings import BooleanReading, CategoryReading, DateReading, NumberReading, Reading
from glassnet.data.table import Table
from glassnet.errors import DataError

MAX_CLASSES_OF_MIXED = 20  # distinct numbers of a target with other texts that may still be classes


class TargetCells(NamedTuple):
    """The target of the rows that have one, as text (object), bool, integers or float64; these rows; and notes."""

    values: Array
    rows: Array
    reading: Reading
    notes: list[str]


def read_target(table: Table, name: str, chooser: ColumnChooser) -> TargetCells:
    """Choose how a target is read, and read it.

    Raises DataError (a ValueError) for dates, for a cell that does not fit, and for missing cells that are refused.
    """
    table.column(name)
    plan = chooser.choose(name, keep=True)
    if plan.reading is None:
        raise DataError(
            f"{table.path}: the target {name!r} cannot be used: {plan.left_out.removeprefix('left out: ')}."
        )
    _refuse_odd(table, plan, chooser)
    cells = read_target_as(table, name, plan.reading)
    if len(cells.rows) < table.rows and not chooser.options.drop_missing_target:
        row = _first_missing(cells.rows, table.rows)
        count = f"{table.rows - len(cells.rows):,} in total"
        raise DataError(f"{table.location(row, name)} is missing ({count}); drop these rows.")
    notes = [plan.note] if plan.how and "missing" not in plan.how else []
    notes += [f"{note}; --drop-missing-target no refuses them" for note in cells.notes]
    return cells._replace(notes=notes)


def read_target_as(table: Table, name: str, reading: Reading) -> TargetCells:
    """Read a target as the training data were read. Raises DataError for a cell that does not fit."""
    if isinstance(reading, DateReading):
        what, unit = ("times", "minutes") if reading.spelling.order == "time" else ("dates", "days")
        raise DataError(f"{table.path}: the target {name!r} holds {what}; convert it to numbers, such as {unit}.")
    values, present = _values(table, name, reading)
    rows = np.flatnonzero(present)
    if not rows.size:
        raise DataError(f"{table.path}: the target {name!r} has no values.")
    missing = table.rows - rows.size
    notes = []
    if missing:
        row = _first_missing(rows, table.rows)
        cell = as_text(table.column(name))[row].as_py() if missing else None
        what = f"holds {cell.strip()!r}" if cell and cell.strip() else "is empty"
        count = "1 row without a target is" if missing == 1 else f"{missing:,} rows without a target are"
        first = "" if missing == 1 else "the first: "
        notes = [f"{name}: {count} left out ({first}{table.row_name(row)} {what})"]
    return TargetCells(values[rows], rows, reading, notes)


def _values(table: Table, name: str, reading: Reading) -> tuple[Array, Array]:
    """The values of all rows, and which are present."""
    column = table.column(name)
    if isinstance(reading, BooleanReading):
        codes = reading.values(table, name)
        plain = [level.lower() for level in reading.levels] == ["false", "true"]
        return (codes == 1 if plain else np.array(reading.levels, object)[codes]), codes >= 0
    if isinstance(reading, CategoryReading):
        cells = reading.cells(column)
        return np.array(cells.to_pylist(), object), cells.is_valid().to_numpy(zero_copy_only=False)
    assert isinstance(reading, NumberReading)
    numbers = reading.values(table, name)
    present = ~np.isnan(numbers)
    integers = _integers(column, reading) if present.any() else None
    return (numbers if integers is None else integers), present


def _integers(column: pa.ChunkedArray, reading: NumberReading) -> Array | None:
    """The numbers as int64 or uint64 if they are written so; None otherwise."""
    if is_number(column.type):
        if not pa.types.is_integer(column.type):
            return None
        return np.asarray(pc.fill_null(column, 0).to_numpy())
    if not reading.spelling.plain or column.type != pa.large_string():
        return None
    cells = pc.utf8_trim_whitespace(as_text(column))
    whole = pc.fill_null(pc.match_substring_regex(cells, r"^[+-]?\d{1,15}$"), False)
    numbers = pc.fill_null(pc.match_substring_regex(cells, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"), False)
    if not pc.all(pc.equal(whole, numbers)).as_py():
        return None
    cells = pc.replace_substring_regex(pc.if_else(whole, cells, "0"), r"^\+", "")
    return np.asarray(cells.cast(pa.int64()).to_numpy(zero_copy_only=False))


def _refuse_odd(table: Table, plan: ColumnPlan, chooser: ColumnChooser) -> None:
    """Raise DataError for the first cell that is no number in a column of numbers."""
    name = plan.name
    odd: Any = plan.odd if chooser.options.requested(name) != "number" else ()
    if isinstance(plan.reading, CategoryReading) and chooser.options.requested(name) != "category":
        odd = chooser.odd_among_numbers(name, MAX_CLASSES_OF_MIXED)
    if not odd:
        return
    cells = pc.utf8_trim_whitespace(as_text(table.column(name)))
    row = int(pc.index(cells, odd[0]).as_py())
    more = f" ({len(odd):,} different texts)" if len(odd) > 1 else ""
    advice = f"correct it, or give --missing {quoted(odd[0])} or --category {quoted(name)}"
    raise DataError(f"{table.location(row, name)} holds {odd[0][:40]!r}, but most cells are numbers{more}; {advice}.")


def _first_missing(rows: Array, count: int) -> int:
    """The first row that is not among the given ones."""
    present = np.zeros(count, bool)
    present[rows] = True
    return int(present.argmin())
