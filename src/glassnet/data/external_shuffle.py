"""Shuffle the rows of a file that is larger than memory, in two passes over a temporary copy on the disk.

Each row gets a random key, a hash of the seed and its number. The first pass deals the rows to parts by the first bits
of their keys; the second sorts each part by the whole keys and writes it. The order is that of the keys alone, so files
of as many rows are shuffled alike: x.npy and y.npy with the same seed stay together.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np

from glassnet.data.reading import Array
from glassnet.data.row_kinds import RowKind
from glassnet.errors import DataError

PART_BYTES = 64 << 20
MAX_PARTS = 512


def shuffle_into(
    source: RowKind,
    out: IO[bytes],
    folder: str,
    seed: int,
    progress: Callable[[int], Any] = bool,
    name: str = "the file",
) -> int:
    """Write the rows of a file in random order; return their number.

    `folder` is for the temporary copy, `name` for an error. Raises DataError for a file without
    rows, and where the source changes while it is read.
    """
    count = min(MAX_PARTS, source.size // PART_BYTES + 1)
    with contextlib.ExitStack() as stack:
        parts = [stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(count)]
        rows = _deal(source, parts, seed, progress)
        if not rows:
            raise DataError(f"{name} has no rows.")
        source.begin(out)
        for part in parts:
            _write_sorted(source, part, seed)
            part.close()
        source.end()
    return rows


def _deal(source: RowKind, parts: list[Any], seed: int, progress: Callable[[int], Any]) -> int:
    """Append each row to the part of its key; return the number of rows."""
    first = 0
    for piece in source.pieces():
        numbers = np.arange(first, first + len(piece))
        first += len(piece)
        parts_of_rows = (row_keys(numbers, seed) >> np.uint64(32)) * np.uint64(len(parts)) >> np.uint64(32)
        order = np.argsort(parts_of_rows, kind="stable")
        bounds = np.searchsorted(parts_of_rows[order], np.arange(len(parts) + 1))
        for number, part in enumerate(parts):
            rows = order[bounds[number] : bounds[number + 1]]
            if len(rows):
                content = source.packed(source.take(piece, rows))
                part.write(np.array([len(rows), len(content)], np.int64).tobytes())
                part.write(numbers[rows].tobytes())
                part.write(content)
        progress(first)
    return first


def _write_sorted(source: RowKind, part: IO[bytes], seed: int) -> None:
    """Write the rows of a part in the order of their keys."""
    stored = list(_stored(part))
    if not stored:
        return
    numbers = np.concatenate([numbers for numbers, _ in stored])
    piece = source.unpacked([content for _, content in stored])
    del stored
    source.write(source.take(piece, np.lexsort((numbers, row_keys(numbers, seed)))))


def _stored(part: IO[bytes]) -> Iterator[tuple[Array, bytes]]:
    """What was appended to a part: numbers of rows and their packed contents."""
    part.seek(0)
    while head := part.read(16):
        count, size = np.frombuffer(head, np.int64).tolist()
        yield np.frombuffer(part.read(8 * count), np.int64), part.read(size)


def row_keys(numbers: Array, seed: int) -> Array:
    """A random key of each row, (n,) uint64: the finaliser of SplitMix64 on its number, then on it and the seed."""
    keys = numbers.astype(np.uint64)
    with np.errstate(over="ignore"):
        for offset in (1, seed):
            keys = (keys + np.uint64(offset % 2**64)) * np.uint64(0x9E3779B97F4A7C15)
            keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            keys ^= keys >> np.uint64(31)
    return keys
