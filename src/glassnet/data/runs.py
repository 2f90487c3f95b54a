"""Whether the rows of a file are sorted by a column: how long it stays the same, or goes on rising or falling.

A file that is read in shuffled blocks is learnt as well as one that is shuffled throughout only if each block is like
the whole. One that is sorted by its target is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from glassnet.data.reading import Array

MAX_CHANGES = 0.25  # of the changes that rows in random order would have
MIN_RUNS = 100  # runs in a block that make it like the whole


@dataclass(frozen=True)
class Runs:
    """How often a column changes from row to row, and how often its numbers turn from rising to falling or back."""

    rows: int = 0
    changes: int = 0
    turns: int = 0
    last: Any = None  # the last cell, and whether the numbers were rising at last (0 unknown, 1 or −1)
    rising: int = 0

    def of_texts(self, cells: Any) -> Self:
        """The runs with some more texts, an array of pyarrow (n,)."""
        codes = cells.dictionary_encode()
        indices = codes.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        changes = int((indices[1:] != indices[:-1]).sum())
        if len(cells):
            changes += self.rows > 0 and cells[0].as_py() != self.last
        last = cells[-1].as_py() if len(cells) else self.last
        return replace(self, rows=self.rows + len(cells), changes=self.changes + int(changes), last=last)

    def of_numbers(self, values: Array) -> Self:
        """The runs with some more numbers (n,), NaN where missing."""
        known = values[~np.isnan(values)]
        if self.last is not None and isinstance(self.last, float):
            known = np.append(self.last, known)
        steps = np.sign(np.diff(known))
        steps = steps[steps != 0]
        directions = np.append(self.rising, steps) if self.rising else steps
        return replace(
            self,
            rows=self.rows + len(values),
            changes=self.changes + len(steps),
            turns=self.turns + int((directions[1:] != directions[:-1]).sum()),
            last=float(known[-1]) if len(known) else self.last,
            rising=int(directions[-1]) if len(directions) else self.rising,
        )

    def sorted_note(self, name: str, target: str, counts: Array | None, block: int) -> str:
        """That the rows of a file are sorted, so that shuffling blocks of so many rows does not suffice; or nothing.

        `counts` are the rows of each class; None where the target is a quantity.
        """
        if counts is None:
            changes, expected = self.turns, 2 * self.rows / 3
        else:
            changes, expected = self.changes, self.rows * (1 - float(((counts / max(counts.sum(), 1)) ** 2).sum()))
        run = self.rows / (changes + 1)
        if changes > MAX_CHANGES * expected or block >= self.rows or run * MIN_RUNS < block:
            return ""
        how = "it rises or falls for" if counts is None else "a class comes in runs of"
        return (
            f"{name} is sorted by {target!r}, or nearly so ({how} {run:,.0f} rows), and only blocks of {block:,} rows "
            f"are shuffled, so that the network learns worse; shuffle the file once: glassnet shuffle {name} OUT"
        )
