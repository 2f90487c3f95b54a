"""The standardised numbers of a table as one matrix: columns of whole or floating numbers are encoded at once.

With hundreds of columns, a call per column would take longer than the arithmetic. A column's own encoding gives the
same bits; it is used wherever a cell is missing, infinite, text, or far outside the range of the training data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from glassnet.data.columns import Column
from glassnet.data.encodings import FLOAT32_MAX, StandardizedNumber
from glassnet.data.reading import Array
from glassnet.data.readings import NumberReading
from glassnet.data.table import Table

PIECE_NUMBERS = 1 << 18  # that are encoded at once, so that they stay in cache


class StandardBlock:
    """The columns among some that hold standardised numbers; `starts` are the numbers of all columns' first inputs."""

    def __init__(self, columns: Sequence[Column], starts: Sequence[int]) -> None:
        self.columns = [(index, column) for index, column in enumerate(columns) if is_standard(column)]
        encodings = [column.encoding for _, column in self.columns]
        self.mean, self.scale = (
            np.array([getattr(encoding, name) for encoding in encodings])[:, np.newaxis] for name in ("mean", "scale")
        )
        self.inputs = np.array([starts[index] for index, _ in self.columns], np.int64)
        self.indicators = np.array([starts[index] + 1 for index, column in self.columns if has_indicator(column)], int)

    def encode_into(self, table: Table, out: Array) -> set[int]:
        """Write the inputs of the columns that can be encoded at once; return the numbers of these columns."""
        arrays = [plain_array(table.cells(column.name)) for _, column in self.columns]
        chosen = np.array([number for number, array in enumerate(arrays) if array is not None], np.int64)
        if not len(chosen):
            return set()
        fits = np.ones(len(chosen), bool)
        step = max(1, PIECE_NUMBERS // len(chosen))
        for first in range(0, table.rows, step):
            rows = slice(first, min(first + step, table.rows))
            values = np.stack([arrays[number][rows] for number in chosen], dtype=np.float64, casting="unsafe")
            with np.errstate(over="ignore", invalid="ignore"):
                values -= self.mean[chosen]
                values *= self.scale[chosen]
                fits &= np.abs(values).max(axis=1) <= FLOAT32_MAX  # False for NaN
                out[rows, self.inputs[chosen]] = values.T
        out[:, self.indicators] = 0
        return {self.columns[number][0] for number in chosen[fits].tolist()}


def is_standard(column: Column) -> bool:
    """Whether a column holds numbers that are standardised, none of which mean a missing cell."""
    reading = column.reading
    if not isinstance(column.encoding, StandardizedNumber) or not isinstance(reading, NumberReading):
        return False
    return reading.spelling.plain and not reading.missing


def has_indicator(column: Column) -> bool:
    """Whether a column has an input that says where cells are missing."""
    return "indicator" in column.encoding.input_kinds


def plain_array(column: pa.ChunkedArray) -> Array | None:
    """A column of whole or floating numbers without missing cells as an array (n,); None for any other."""
    if column.null_count or not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return None
    return column.to_numpy()
