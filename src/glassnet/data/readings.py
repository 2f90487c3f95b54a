"""What a column is and how its cells are spelt: decided once from the training data, then applied to every file.

A reading turns the cells of a table into values: numbers (NaN where missing), days, or the codes of levels. It does not
know what a network is fed: that is the encoding's part. A cell that does not fit is an error with its line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.arrow_types import as_float, as_text, distinct_cells, kind_of, spread
from glassnet.data.date_spelling import DateSpelling, typed_days
from glassnet.data.missing_words import MISSING_WORDS, NULL_WORDS, without_words
from glassnet.data.number_spelling import NumberSpelling
from glassnet.data.reading import Array
from glassnet.data.statistics import Levels, NumberStatistics
from glassnet.data.summary import ColumnSummary
from glassnet.data.table import Table
from glassnet.errors import DataError

TRUE_WORDS, FALSE_WORDS = ("true", "t", "yes", "y", "on", "1", "1.0"), ("false", "f", "no", "n", "off", "0", "0.0")
PLAIN_NUMBERS, ISO_DATES = NumberSpelling(), DateSpelling()
MISSING, UNSEEN = -1, -2  # codes of categories
MAX_SHOWN = 40  # characters of a cell in a message


@dataclass(frozen=True)
class NumberReading:
    """Numbers in one spelling; `missing` are words of this column that mean a missing cell, beside the usual ones.

    `binary` is true where all numbers were 0 and 1: then true and false are read as 1 and 0.
    """

    kind: ClassVar[str] = "number"
    spelling: NumberSpelling = PLAIN_NUMBERS
    missing: list[str] = field(default_factory=list)
    binary: bool = False

    def values(self, table: Table, name: str) -> Array:
        """The numbers (n,) float64, NaN where missing. Raises DataError for a cell that is no finite number."""
        column = table.column(name)
        kind = kind_of(column.type)
        if kind == "empty":
            return np.full(table.rows, np.nan)
        if kind not in ("text", "number", "boolean", "duration"):
            raise DataError(f"{table.path}: column {name!r} holds {column.type}, but the model was trained on numbers.")
        values = self._of_text(table, name) if kind == "text" else as_float(column)
        sentinels = [float(word) for word in self.missing if _is_float(word)]
        if sentinels:
            values = np.where(np.isin(values, sentinels), np.nan, values)
        if (infinite := np.isinf(values)).any():
            location = table.location(int(infinite.argmax()), name)
            raise DataError(f"{location} is infinite or too large; correct or empty the cell.")
        return values

    def _of_text(self, table: Table, name: str) -> Array:
        if self.spelling.plain and (plain := table.plain_numbers(name)) is not None:
            return plain
        if self.spelling.plain:  # then telling distinct texts apart takes longer than reading them
            texts, indices = as_text(table.column(name)), np.arange(table.rows)
        else:
            texts, indices = distinct_cells(table.cells(name))
        texts = without_words(pc.utf8_trim_whitespace(texts), MISSING_WORDS.union(self.missing))
        values, fits = self.spelling.parse(texts)
        if self.binary:
            codes = boolean_codes(texts)
            values, fits = np.where(codes >= 0, codes, values), fits | (codes >= 0)
        refuse_misfit(table, name, (texts, indices), fits, f"not a number{self._written()}")
        return spread(values, indices, np.nan)

    def _written(self) -> str:
        description = self.spelling.description()
        return f" as the training data write them ({description})" if description else ""

    def statistics(self, values: Array) -> NumberStatistics:
        """The statistics of values."""
        return NumberStatistics.of(values)

    def summary_statistics(self, summary: ColumnSummary) -> NumberStatistics:
        """The statistics of the column that was summarised."""
        if summary.kind != "text" or not summary.levels.counts or summary.levels.other:
            return summary.numbers
        texts, counts = _texts_and_counts(summary.levels)
        cells = without_words(texts, MISSING_WORDS.union(self.missing))
        return NumberStatistics.of_counts(self.spelling.parse(cells)[0], counts, summary.missing)


@dataclass(frozen=True)
class DateReading:
    """Dates and times in one spelling, as days since 1970-01-01."""

    kind: ClassVar[str] = "date"
    spelling: DateSpelling = ISO_DATES
    missing: list[str] = field(default_factory=list)

    def values(self, table: Table, name: str) -> Array:
        """Days (n,) float64, NaN where missing. Raises DataError for a cell that is no date."""
        decoded = table.decoded_type(name)
        kind = kind_of(decoded)
        if kind == "empty":
            return np.full(table.rows, np.nan)
        if kind in ("date", "time") and (kind == "time") == (self.spelling.order == "time"):
            return typed_days(table.column(name).combine_chunks())
        if kind not in ("text", "number"):
            raise DataError(f"{table.path}: column {name!r} holds {decoded}, but the model was trained on dates.")
        texts, indices = distinct_cells(table.cells(name))
        texts = without_words(pc.utf8_trim_whitespace(texts), MISSING_WORDS.union(self.missing))
        days = self.spelling.parse(texts)[0]
        what = "time" if self.spelling.order == "time" else "date"
        orders = {"dmy": " with the day first, as in training", "mdy": " with the month first, as in training"}
        hint = orders.get(self.spelling.order, "; write it as 2020-12-31") if what == "date" else ""
        refuse_misfit(table, name, (texts, indices), ~np.isnan(days), f"not a {what}{hint}")
        return spread(days, indices, np.nan)

    def statistics(self, values: Array) -> NumberStatistics:
        """The statistics of values."""
        return NumberStatistics.of(values)

    def summary_statistics(self, summary: ColumnSummary) -> NumberStatistics:
        """The statistics of the column that was summarised."""
        if summary.kind != "text":
            return summary.numbers
        texts, counts = _texts_and_counts(summary.levels)
        cells = without_words(texts, MISSING_WORDS.union(self.missing))
        return NumberStatistics.of_counts(self.spelling.parse(cells)[0], counts, summary.missing)


@dataclass(frozen=True)
class BooleanReading:
    """True and false in any spelling; `levels` are the words for false and for true of the training data."""

    kind: ClassVar[str] = "boolean"
    levels: list[str] = field(default_factory=lambda: ["false", "true"])
    missing: list[str] = field(default_factory=list)

    def values(self, table: Table, name: str) -> Array:
        """Codes (n,) int64: 0 false, 1 true, −1 missing. Raises DataError for any other cell."""
        if pa.types.is_boolean(table.decoded_type(name)):
            return pc.fill_null(table.column(name).cast(pa.int64()), MISSING).to_numpy()
        texts, indices = distinct_cells(table.cells(name))
        texts = without_words(pc.utf8_trim_whitespace(texts), NULL_WORDS.union(self.missing))
        codes = boolean_codes(texts)
        what = f"neither {self.levels[1]} nor {self.levels[0]}"
        refuse_misfit(table, name, (texts, indices), codes >= 0, what)
        return spread(codes, indices, MISSING)

    def statistics(self, values: Array) -> Array:
        """How often each level occurs."""
        return np.bincount(values[values >= 0], minlength=2)

    def summary_statistics(self, summary: ColumnSummary) -> Array:
        """How often each level occurs in the column that was summarised."""
        texts, counts = _texts_and_counts(summary.levels)
        codes = boolean_codes(without_words(texts, NULL_WORDS.union(self.missing)))
        return np.bincount(codes[codes >= 0], counts[codes >= 0], minlength=2).astype(np.int64)


@dataclass(frozen=True)
class CategoryReading:
    """Levels in the order of their codes; blanks around a cell are trimmed, unless an old model kept them."""

    kind: ClassVar[str] = "category"
    levels: list[str]
    missing: list[str] = field(default_factory=list)
    complete: bool = True
    trim: bool = True

    def values(self, table: Table, name: str) -> Array:
        """Codes (n,) int64 of the levels; −1 where missing, −2 where unseen (or too rare to be listed)."""
        if kind_of(decoded := table.decoded_type(name)) == "other":
            raise DataError(f"{table.path}: column {name!r} has type {decoded}; convert it to text or numbers.")
        texts, indices = distinct_cells(table.cells(name))
        return spread(self.codes(self.cells(texts)), indices, MISSING)

    def cells(self, column: pa.ChunkedArray | pa.Array) -> pa.Array:
        """The texts of a column, null where missing."""
        cells = as_text(column)
        return without_words(pc.utf8_trim_whitespace(cells) if self.trim else cells, self.missing)

    def codes(self, cells: pa.Array) -> Array:
        """The codes of texts."""
        codes = pc.index_in(cells, value_set=pa.array(self.levels, pa.large_string()))
        codes = pc.if_else(cells.is_null(), MISSING, pc.fill_null(codes, UNSEEN))
        return codes.to_numpy(zero_copy_only=False).astype(np.int64)

    def statistics(self, values: Array) -> Array:
        """How often each level occurs."""
        return np.bincount(values[values >= 0], minlength=len(self.levels))

    def summary_statistics(self, summary: ColumnSummary) -> Array:
        """How often each level occurs in the column that was summarised."""
        return np.array([summary.levels.counts.get(level, 0) for level in self.levels])


Reading = NumberReading | DateReading | BooleanReading | CategoryReading


def boolean_codes(cells: pa.Array) -> Array:
    """1 for a word that means true, 0 for false, −1 for any other text and for null."""
    words = pa.array([*FALSE_WORDS, *TRUE_WORDS], pa.large_string())
    index = pc.fill_null(pc.index_in(pc.utf8_lower(cells), value_set=words), -1).to_numpy(zero_copy_only=False)
    return np.where(index < 0, -1, index >= len(FALSE_WORDS)).astype(np.int64)


def boolean_levels(texts: pa.Array, counts: Array) -> list[str] | None:
    """The words for false and for true, if all texts are such words and some pair is complete; otherwise None."""
    if not 0 < len(texts) <= 4 * len(TRUE_WORDS):
        return None
    words, codes = {text.lower() for text in texts.to_pylist()}, boolean_codes(texts)
    if (codes < 0).any() or not any(
        {true, false} <= words for true, false in zip(TRUE_WORDS, FALSE_WORDS, strict=True)
    ):
        return None
    order = np.argsort(-counts, kind="stable").tolist()
    return [next(texts[row].as_py() for row in order if codes[row] == code) for code in (0, 1)]


def refuse_misfit(table: Table, name: str, cells: tuple[pa.Array, Array], fits: Array, what: str) -> None:
    """Raise DataError with the line of the first cell that is neither null nor fits.

    `cells` are texts and, for each row, the index of its text (−1 where empty); `fits` belongs to the texts.
    """
    texts, indices = cells
    misfits = spread(texts.is_valid().to_numpy(zero_copy_only=False) & ~fits, indices, False)
    if misfits.any():
        row, count = int(misfits.argmax()), int(misfits.sum())
        more = f" ({count:,} such cells)" if count > 1 else ""
        text = texts[int(indices[row])].as_py()[:MAX_SHOWN]
        raise DataError(f"{table.location(row, name)}: {text!r} is {what}{more}.")


def _texts_and_counts(levels: Levels) -> tuple[pa.Array, Array]:
    counts = np.fromiter(levels.counts.values(), np.int64, len(levels.counts))
    return pa.array(list(levels.counts), pa.large_string()), counts


def _is_float(word: Any) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False


def lower_case_texts(words: Sequence[str]) -> list[str]:
    """The words that a person named as missing, in lower case."""
    return sorted({str(word).strip().lower() for word in words})
