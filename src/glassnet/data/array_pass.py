"""The first pass through a .npy file that is larger than memory: whether all of its numbers are finite.

The result is stored beside the file, as that of a table is (stored_pass.py), so that the pass is made once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.array_rows import ArrayFile, ArrayReader
from glassnet.data.reading import Array
from glassnet.data.side_file import pass_path, write_beside
from glassnet.errors import DataError

PIECE_BYTES = 8 << 20
VERSION = 1


class ArrayPass(NamedTuple):
    """The least and the greatest number of a file, and a hash of the sums of its columns."""

    low: float
    high: float
    digest: str


def array_pass(source: ArrayFile, progress: Callable[[int], Any] = bool) -> ArrayPass:
    """Read the stored pass of a file, or make it and store it. Raises DataError for a number that is not finite."""
    if (stored := _stored(source)) is not None:
        return stored
    result = _made(source, progress)
    write_beside(source.identity.path, json.dumps({"key": _key(source), **result._asdict()}).encode())
    return result


def _made(source: ArrayFile, progress: Callable[[int], Any]) -> ArrayPass:
    rows = max(1, PIECE_BYTES // source.row_bytes)
    buffer, sums = np.empty((min(rows, source.rows), source.width), source.dtype), np.zeros(source.width)
    low, high, reader = np.inf, -np.inf, ArrayReader(source)
    try:
        for first in range(0, source.rows, rows):
            part = buffer[: min(rows, source.rows - first)]
            reader.read_into(first, part)
            with np.errstate(invalid="ignore", over="ignore"):
                sums += part.sum(axis=0, dtype=np.float64)
                least, greatest = float(part.min()), float(part.max())
            if not (np.isfinite(least) and np.isfinite(greatest)):
                raise _not_finite(source.identity.path, part, first)
            low, high = min(low, least), max(high, greatest)
            progress(first + len(part))
    finally:
        reader.close()
    return ArrayPass(low, high, hashlib.sha256(sums.tobytes()).hexdigest())


def _not_finite(path: str, part: Array, first: int) -> DataError:
    row, column = np.argwhere(~np.isfinite(part))[0].tolist()
    value = part[row, column]
    what = "NaN" if np.isnan(value) else "infinite"
    return DataError(
        f"{path} is {what} at row {first + row:,}, column {column:,}, counted from 0; fill it in or drop the row."
    )


def _key(source: ArrayFile) -> list[Any]:
    identity = source.identity
    return [VERSION, identity.size, identity.changed, identity.ends]


def _stored(source: ArrayFile) -> ArrayPass | None:
    try:
        with open(pass_path(source.identity.path), "rb") as file:
            document = json.loads(file.read(1 << 16))
        if document["key"] != _key(source):
            return None
        return ArrayPass(float(document["low"]), float(document["high"]), str(document["digest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
