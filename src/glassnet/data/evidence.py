"""What speaks for a reading of a column: the distinct texts that fit it, those that do not, and words for missing."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.missing_words import MISSING_WORDS, is_word
from glassnet.data.number_spelling import NumberSpelling
from glassnet.data.reading import Array
from glassnet.data.statistics import Levels


class Fit(NamedTuple):
    """How well texts fit a reading: the share of cells that do, the texts that do not, and how many texts do."""

    share: float
    odd: list[str]
    fitting: int


class TextEvidence:
    """The distinct texts of a column with their counts; `given` are a person's words for missing cells."""

    def __init__(self, levels: Levels, given: Collection[str]) -> None:
        self.texts = pa.array(list(levels.counts), pa.large_string())
        self.counts = np.fromiter(levels.counts.values(), np.int64, len(levels.counts))
        self.given = frozenset(given)

    def known(self, words: Collection[str] = MISSING_WORDS) -> tuple[pa.Array, Array]:
        """The texts that are not one of the words, and their counts."""
        mask = pc.invert(is_word(self.texts, self.given.union(words)))
        return self.texts.filter(mask), self.counts[mask.to_numpy(zero_copy_only=False)]

    @cached_property
    def spelling(self) -> tuple[NumberSpelling, bool]:
        """The spelling of numbers, and whether its decimal mark is ambiguous."""
        return NumberSpelling.discover(self.known()[0])

    def fit(self, spelling: NumberSpelling) -> Fit:
        """How well the texts fit a spelling of numbers."""
        return self.fit_of(spelling.parse(self.known()[0])[1])

    def fit_of(self, fits: Array) -> Fit:
        """How well the texts fit, where `fits` says which of the known texts do."""
        known, counts = self.known()
        share = float(counts[fits].sum() / max(counts.sum(), 1))
        return Fit(share, known.filter(pa.array(~fits)).to_pylist(), int(fits.sum()))

    def missing_words(self, words: Collection[str] = MISSING_WORDS) -> str:
        """A phrase that lists the texts that mean a missing cell: `7 cells with '-' are missing`; empty without any."""
        mask = is_word(self.texts, self.given.union(words))
        counts = self.counts[mask.to_numpy(zero_copy_only=False)].tolist()
        if not counts:
            return ""
        listed = [f"{n:,} × {text!r}" for text, n in zip(self.texts.filter(mask).to_pylist(), counts, strict=True)]
        more = " ..." if len(listed) > 3 else ""
        return f"{', '.join(listed[:3])}{more} {'is' if sum(counts) == 1 else 'are'} missing"

    def unmarked(self, spelling: NumberSpelling) -> str:
        """A phrase that counts the numbers without the percent sign, unit or currency that others have; else empty."""
        if not (spelling.percent or spelling.unit or spelling.currency):
            return ""
        known, counts = self.known()
        values, fits = spelling.parse(known)
        bare = fits & (values != 0) & replace(spelling, percent=False, unit="", currency="").parse(known)[1]
        if not bare.any():
            return ""
        count, first = int(counts[bare].sum()), int(bare.argmax())
        cells = "1 cell has none" if count == 1 else f"{count:,} cells have none"
        return f"{cells} ({known[first].as_py()} is {values[first]:.15g})"

    def example(self, spelling: NumberSpelling) -> str:
        """`9,47 is 9.47`: a cell that shows what is unusual about a spelling."""
        known, _ = self.known()
        values, fits = spelling.parse(known)
        rows = np.flatnonzero(fits & ~(NumberSpelling().parse(known)[0] == values))
        row = int(rows[0]) if rows.size else int(fits.argmax())
        return f"{known[row].as_py()} is {values[row]:.15g}"


def quoted(name: str) -> str:
    """A column's name or a word as a command line takes it."""
    return name if re.fullmatch(r"[\w.:-]+", name) and not name.startswith("-") else f"'{name}'"
