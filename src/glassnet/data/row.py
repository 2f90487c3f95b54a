"""One row of a table, given as a dict, as inputs of a network: the way of a service that answers single requests.

An Arrow table takes longer to build than a small network to run. Cells of the expected types are therefore read
directly; any other cell goes the way of a table, so that both ways give the same values and the same errors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from glassnet.data.civil_calendar import fraction_of_day
from glassnet.data.columns import Column, check_present
from glassnet.data.date_spelling import PARTS
from glassnet.data.number_spelling import PLAIN
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.reading import Array
from glassnet.data.readings import (
    FALSE_WORDS,
    MISSING,
    TRUE_WORDS,
    UNSEEN,
    BooleanReading,
    CategoryReading,
    DateReading,
    NumberReading,
)
from glassnet.data.table import Table

DECIMAL_COMMA = re.compile(r"[+-]?\d{1,15}(,\d{1,15})?", re.ASCII)
PLAIN_NUMBER = re.compile(PLAIN.rstrip("$"), re.ASCII)
BOOLEAN_CODES = {word: code for code, words in enumerate((FALSE_WORDS, TRUE_WORDS)) for word in words}
TIME = r"(?:[T ](?P<H>\d\d):(?P<M>\d\d)(?::(?P<S>\d\d))?)?"
YEAR = r"(?!00)\d{4}"  # 0020 would be a year of two digits
ISO_DATE = re.compile(rf"(?P<a>{YEAR})-(?P<b>\d\d)-(?P<c>\d\d){TIME}", re.ASCII)
YEAR_LAST = re.compile(rf"(?P<a>\d\d?)[-/. ](?P<b>\d\d?)[-/. ](?P<c>{YEAR}){TIME}", re.ASCII)
FIRST_DAY = date(1970, 1, 1).toordinal()
Read = Callable[[Any], float | None]


class RowPreparation:
    """Prepares single rows as `TablePreparation.transform` prepares tables; make it once, use it for each row."""

    def __init__(self, preparation: TablePreparation) -> None:
        self.columns = preparation.columns
        self.readers = [_reader(column) for column in self.columns]
        ends = list(accumulate(len(column.features) for column in self.columns))
        self.slices = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        self.width = preparation.width
        self.block = preparation.number_block
        self.positions = {column: position for position, column in enumerate(self.block.columns)}

    def transform(self, row: Mapping[str, Any], path: str = "the row", notes: list[str] | None = None) -> Array:
        """The inputs for one row, (1, features) float32. Raises DataError as `TablePreparation.transform` does.

        Notes on an unseen level or a missing cell, as those of `TablePreparation.prepare`, are added to `notes`.
        """
        if any(column.name not in row for column in self.columns):
            check_present(Table(path, pa.table({name: [None] for name in row})), self.columns)
        out = np.empty((1, self.width), np.float32)
        numbers = np.empty((1, len(self.positions)))
        for index, (column, read) in enumerate(zip(self.columns, self.readers, strict=True)):
            value = read(row[column.name])
            values = _through_table(column, row[column.name], path) if value is None else np.array([value])
            if notes is not None and (values[0] == UNSEEN or values[0] != values[0]):
                notes.append(column.value_note(_table_of(column, row[column.name], path), values))
            if (position := self.positions.get(index)) is not None:
                numbers[0, position] = values[0]
                continue
            location = f"{path}, column {column.name!r}"
            column.encoding.encode_into(values, out[:, self.slices[index]], partial(_located, location))
        self.block.encode_into(numbers, out)
        return out


def _located(location: str, row: int) -> str:
    return location


def _through_table(column: Column, cell: Any, path: str) -> Array:
    """The value of a cell as a column of a table has it."""
    return column.reading.values(_table_of(column, cell, path), column.name)


def _table_of(column: Column, cell: Any, path: str) -> Table:
    cells = pa.array([cell]) if not isinstance(cell, str) else pa.array([cell], pa.large_string())
    return Table(path, pa.table({column.name: cells}))


def _reader(column: Column) -> Read:
    """A function that reads a cell of the expected type; None for any other cell."""
    reading = column.reading
    if isinstance(reading, NumberReading):
        return _number if reading.spelling.plain and not reading.missing else _typed_number(reading)
    if isinstance(reading, DateReading):
        return _date_reader(reading)
    if isinstance(reading, BooleanReading):
        return _boolean if not reading.missing else _nothing
    if isinstance(reading, CategoryReading) and not reading.missing:
        codes = {level: code for code, level in enumerate(reading.levels)}
        return lambda cell: _code(codes, cell, reading.trim)
    return _nothing


def _number(cell: Any) -> float | None:
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        return float(cell) if PLAIN_NUMBER.fullmatch(cell) and math.isfinite(float(cell)) else None
    return float(cell) if isinstance(cell, int | float) and math.isfinite(cell) else None


def _typed_number(reading: NumberReading) -> Read:
    """The reader of a column with its own spelling or words, which only text with more than digits needs."""
    if reading.spelling.duration or any(PLAIN_NUMBER.fullmatch(word) for word in reading.missing):
        return _nothing
    return _decimal_comma if reading.spelling.decimal == "," else _number


def _decimal_comma(cell: Any) -> float | None:
    if not isinstance(cell, str):
        return _number(cell)
    return float(cell.replace(",", ".")) if DECIMAL_COMMA.fullmatch(cell) else None


def _date_reader(reading: DateReading) -> Read:
    """The reader of ISO dates and of datetimes; a column of times, or with words of its own, goes through a table."""
    if reading.missing or reading.spelling.order == "time":
        return _nothing
    return partial(_days, order=reading.spelling.order)


def _days(cell: Any, order: str = "ymd") -> float | None:
    """Days since 1970-01-01, computed in the steps of `typed_days` and `DateSpelling.parse`."""
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        return _days_of_text(cell, order)
    if not isinstance(cell, date) or cell != cell:  # pandas' NaT is unequal to itself
        return None
    days = cell.toordinal() - FIRST_DAY
    if not isinstance(cell, datetime):
        return float(days)
    seconds = 86400 * days + 3600 * cell.hour + 60 * cell.minute + cell.second
    return None if cell.tzinfo else (1_000_000 * seconds + cell.microsecond) / 1e6 / 86400


def _days_of_text(cell: str, order: str) -> float | None:
    match = ISO_DATE.fullmatch(cell) or (YEAR_LAST.fullmatch(cell) if order in PARTS else None)
    if match is None:
        return None
    parts = match.groupdict("0")
    a, b, c, hour, minute, second = (int(parts[name]) for name in "abcHMS")
    year, month, day = (a, b, c) if match.re is ISO_DATE else (c, b, a) if order == "dmy" else (c, a, b)
    try:
        days = date(year, month, day).toordinal() - FIRST_DAY
    except ValueError:
        return None
    return days + fraction_of_day(hour, minute, second) if max(hour - 23, minute - 59, second - 59) <= 0 else None


def _code(codes: Mapping[str, int], cell: Any, trim: bool) -> int | None:
    if cell is None:
        return MISSING
    return codes.get(cell.strip() if trim else cell) if isinstance(cell, str) else None


def _boolean(cell: Any) -> int | None:
    if cell is None:
        return MISSING
    if isinstance(cell, bool):
        return int(cell)
    return BOOLEAN_CODES.get(cell.strip().lower()) if isinstance(cell, str) else None


def _nothing(cell: Any) -> None:
    return None
