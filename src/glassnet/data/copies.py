"""Rows that repeat an earlier one, cell by cell: a network that learnt one of them knows the others.

The cells are compared as they were read, because float32 inputs of different cells may be equal.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.reading import Array
from glassnet.data.table import Table

SMALL_SHARE = 4  # of a part: more equal rows are levels of few categories, not copies of one row


def first_equal_rows(table: Table, names: Iterable[str]) -> Array | None:
    """For each row the first one with the same cells in these columns, (n,) int64; None where all rows differ."""
    groups, count = np.zeros(table.rows, np.int64), 1
    for name in names:
        codes, levels = _codes(table.column(name))
        groups, count = _codes(pa.chunked_array([pa.array(groups * (levels + 1) + codes)]))
        if count == table.rows:
            return None
    return np.unique(groups, return_index=True)[1][groups]


def units(copies: Array, parts: int) -> Array:
    """The number (n,) of the unit of each row, in the order of the rows: rows of a unit belong in the same part.

    Copies of a row are a unit, unless they are many beside the rows of each of so many parts.
    """
    counts = np.bincount(copies, minlength=len(copies))[copies]
    together = counts <= max(min(2, len(copies) // parts), len(copies) // (SMALL_SHARE * parts))
    first = np.where(together, copies, np.arange(len(copies)))
    return np.unique(first, return_inverse=True)[1]


def random_parts(count: int, parts: int, rng: np.random.Generator, copies: Array | None) -> Array:
    """The number (count,) of the part of each row: parts of equally many units, drawn at random."""
    unit_of_row = np.arange(count) if copies is None else units(copies, parts)
    part_of_unit = rng.permutation(unit_of_row.max(initial=-1) + 1) % parts
    return part_of_unit[unit_of_row]


def copies_among(rows: Array, copies: Array | None) -> Array | None:
    """For each of some rows the place among them of the first with the same cells; None where all rows differ."""
    if copies is None:
        return None
    _, first, groups = np.unique(copies[rows], return_index=True, return_inverse=True)
    return first[groups]


def _codes(column: pa.ChunkedArray) -> tuple[Array, int]:
    """A number for each cell, equal where the cells are, and how many there are; missing cells are equal."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks)
    levels = len(encoded.dictionary)
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), levels).to_numpy(zero_copy_only=False)
    return codes, levels
