"""Columns of text that are plain numbers, many at once: their values, and whether a cell is rather a code."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from glassnet.data.reading import Array

MIN_CODE_LENGTH = 16  # digits: beyond these a float64 does not tell neighbouring codes apart
ZERO, NINE = ord("0"), ord("9")


def plain_values(cells: pa.Array, columns: int) -> Array | None:
    """The cells of so many columns of text, one after the other, as float64 (columns, n), NaN where empty.

    None where a cell is no plain number.
    """
    try:
        values = cells.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException:
        return None
    return np.asarray(values, np.float64).reshape(columns, -1)


def has_codes(cells: pa.Array, values: Array) -> Array:
    """Which columns (k,) of the values (k, n) may have a code: a leading zero, or more digits than float64 holds."""
    offsets, text = _buffers(cells)
    starts, lengths = offsets[:-1], np.diff(offsets)
    zeros = np.flatnonzero((lengths > 1) & (text[starts] == ZERO))
    seconds = text[starts[zeros] + 1]
    zeros = zeros[(seconds >= ZERO) & (seconds <= NINE)]
    long = np.flatnonzero(lengths >= MIN_CODE_LENGTH)
    long = long[np.abs(values.reshape(-1)[long]) >= 10.0 ** (MIN_CODE_LENGTH - 1)]
    result = np.zeros(len(values), bool)
    result[np.append(zeros, long) // values.shape[1]] = True
    return result


def _buffers(cells: pa.Array) -> tuple[Array, Array]:
    """The offsets (n + 1,) int64 and the bytes of an array of large text; a byte more where the last cell is empty."""
    _, offsets, data = cells.buffers()
    numbers = np.frombuffer(offsets, np.int64, len(cells) + 1, 8 * cells.offset)
    text = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    if len(numbers) > 1 and numbers[-2] >= len(text):
        text = np.append(text, np.uint8(0))
    return numbers, text
