"""Which rows each member leaves out: parts of the rows that together cover all of them, alike in their classes.

Where there are fewer members than parts, some rows are left out by none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.copies import units

Array = np.ndarray[Any, Any]


def holdouts(
    y: Array, parts: int, members: int, seed: int, *, classes: bool, copies: Array | None = None
) -> list[Array]:
    """The row numbers that each member leaves out, in order: parts 1, 2, ... of a division, then of a new one.

    `y` are the encoded targets (n, ...); with `classes` the parts are stratified. A member that is alone
    leaves out no class that occurs once, unless all do. `copies` (n,) are the first rows with the same cells, where
    there are any: copies are left out together, because a network that learnt one of them has seen the others.
    """
    rng = np.random.default_rng(seed)
    unit_of_row = np.arange(len(y)) if copies is None else units(copies, parts)
    y = y[np.unique(unit_of_row, return_index=True)[1]]  # of the first row of each unit
    parts = min(parts, len(y))
    result: list[Array] = []
    while len(result) < members:
        part_of_unit = _division(y, parts, rng, classes)
        is_single = np.bincount(y)[y] == 1 if members == 1 and classes else np.zeros(len(y), bool)
        if not is_single.all():
            part_of_unit[is_single] = parts  # beyond those that are left out
        first, part_of_row = int(part_of_unit.min()), part_of_unit[unit_of_row]
        result += [np.flatnonzero(part_of_row == first + part) for part in range(min(parts, members - len(result)))]
    return result


def _division(y: Array, parts: int, rng: np.random.Generator, classes: bool) -> Array:
    """The number of the part of each unit: random units, dealt in turn, class after class."""
    order = rng.permutation(len(y))
    if classes:
        order = order[np.argsort(y[order], kind="stable")]
    part_of_unit = np.empty(len(y), np.int64)
    part_of_unit[order] = np.arange(len(y)) % parts
    return part_of_unit
