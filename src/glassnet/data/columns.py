"""A column of a table with its reading (what its cells are) and its encoding (what a network gets from them)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Self

import numpy as np
import pyarrow.compute as pc

from glassnet.data.arrow_types import as_text
from glassnet.data.encodings import Encoding
from glassnet.data.reading import Array
from glassnet.data.readings import MAX_SHOWN, UNSEEN, BooleanReading, CategoryReading, NumberReading, Reading
from glassnet.data.summary import ColumnSummary
from glassnet.data.table import Table
from glassnet.errors import DataError, suggestion

MAX_COMPARED = 500  # levels that are compared with an unseen one
MIN_SIMILARITY = 0.7  # from which on a level may be meant: 1 for the same text, 0 for nothing in common


class CellNote(str):
    """A note on some cells of a column; `share` is the part of the column's cells that it is on."""

    share: float

    def __new__(cls, text: str, share: float) -> Self:
        """The text with the share."""
        note = super().__new__(cls, text)
        note.share = share
        return note


@dataclass(frozen=True)
class Column:
    """A column that becomes inputs."""

    name: str
    reading: Reading
    encoding: Encoding

    @classmethod
    def fit(cls, table: Table, name: str, reading: Reading, rows: Array, encodings: Mapping[str, Any]) -> Self:
        """Fit the encoding to the given rows, but check all cells. Raises DataError for a cell that does not fit."""
        values = reading.values(table, name)
        training = values[rows]
        statistics = reading.statistics(training if _has_known(training) else values)
        return cls(name, reading, encodings[reading.kind].fit(statistics, reading))

    @classmethod
    def of_summary(cls, summary: ColumnSummary, reading: Reading, encodings: Mapping[str, Any]) -> Self:
        """Fit the encoding to what was summarised of the column."""
        return cls(summary.name, reading, encodings[reading.kind].fit(reading.summary_statistics(summary), reading))

    @property
    def features(self) -> list[str]:
        """The names of the network's inputs that come from this column."""
        return self.encoding.features(self.name)

    @property
    def note(self) -> str:
        """That only some of the levels are told apart; otherwise empty."""
        levels, used = getattr(self.reading, "levels", []), getattr(self.encoding, "levels", [])
        complete = getattr(self.reading, "complete", True)
        if len(used) != getattr(self.encoding, "max_levels", None) or (complete and len(levels) == len(used)):
            return ""
        more = "" if complete else "more than "
        what = "are embedded" if self.encoding.input_kinds == ["code"] else "become inputs"
        return f"{self.name}: {more}{len(levels):,} levels, the {len(used):,} most frequent {what}"

    def encode_into(self, values: Array, out: Array, table: Table) -> None:
        """Write the inputs of the values of all rows of a table into `out` (n, features), float32."""
        self.encoding.encode_into(values, out, lambda row: table.location(row, self.name))

    def value_note(self, table: Table, values: Array) -> str:
        """A note on levels, missing cells or percent signs in which the training data differ; otherwise empty."""
        if isinstance(self.reading, CategoryReading):
            return self._unseen_note(table, values) if self.reading.complete else ""
        if note := self._percent_note(table, values):
            return note
        if isinstance(self.reading, BooleanReading) or "indicator" in self.encoding.input_kinds:
            return ""
        return self._missing_note(int(np.isnan(values).sum()), len(values))

    def _percent_note(self, table: Table, values: Array) -> str:
        """That no cell has a percent sign, as those of the training data have: 0.5 may mean 50 %."""
        if not isinstance(self.reading, NumberReading) or not self.reading.spelling.percent:
            return ""
        present = np.flatnonzero(np.nan_to_num(values))
        if not present.size or pc.any(pc.match_substring_regex(as_text(table.column(self.name)), "[%％]")).as_py():
            return ""
        value = f"{values[present[0]]:g}"
        text = f"{self.name}: no cell has a percent sign, unlike in training; {value} is read as {value} %"
        return CellNote(text, present.size / len(values))

    def _missing_note(self, missing: int, rows: int) -> str:
        """That cells are missing where no cell of the training rows was."""
        if not missing:
            return ""
        median = getattr(self.encoding, "median", None)
        what = "dates of no influence" if median is None else f"the median of the training data, {median:.6g}"
        text = f"{self.name}: {missing:,} of {rows:,} cells are missing, none was in training; they count as {what}"
        return CellNote(text, missing / rows)

    def _unseen_note(self, table: Table, codes: Array) -> str:
        assert isinstance(self.reading, CategoryReading)
        unseen = codes == UNSEEN
        if not unseen.any():
            return ""
        cells = self.reading.cells(table.column(self.name)).filter(unseen)
        texts = cells.unique().to_pylist()
        hint = self._nearest(texts[:MAX_COMPARED])
        some = ", ".join(repr(text[:MAX_SHOWN]) for text in texts[:3]) + (" ..." if len(texts) > 3 else "")
        count, present = int(unseen.sum()), int((codes != -1).sum())
        cells = "all" if unseen.all() and count > 1 else f"{count:,} of"
        verbs = ("is", "counts") if count == 1 else ("are", "count")
        what = f"{verbs[0]} not in the training data ({some}) and {verbs[1]} as unknown"
        return CellNote(f"{self.name}: {cells} {present:,} cells {what}{hint}", count / present)

    def _nearest(self, texts: list[str]) -> str:
        """Which level may be another spelling of an unseen text, at best in letter case or blanks only; else empty."""
        assert isinstance(self.reading, CategoryReading)
        levels = self.reading.levels
        folded = {_folded(level): level for level in levels}
        text = next((text for text in texts if _folded(text) in folded), texts[0])
        level = folded.get(_folded(text))
        if level is None:
            level = max(levels[:MAX_COMPARED], key=lambda known: _similarity(known, text))
            if _similarity(level, text) < MIN_SIMILARITY:
                return ""
        return f"; {text[:MAX_SHOWN]!r} may be the known level {level[:MAX_SHOWN]!r}"


def _similarity(level: str, text: str) -> float:
    return SequenceMatcher(None, level.lower(), text.lower()).ratio()


def _has_known(values: Array) -> bool:
    """Whether any value is not missing."""
    return bool((values >= 0).any() if values.dtype.kind == "i" else (~np.isnan(values)).any())


def _folded(text: str) -> str:
    """The text without what people vary: letter case, blanks, how accents are stored, a point after a whole number."""
    bare = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    try:
        return f"{float(bare):g}"
    except ValueError:
        return bare


def check_present(table: Table, columns: list[Column]) -> None:
    """Raise DataError that names the columns which the table lacks."""
    missing = [column.name for column in columns if column.name not in table]
    if missing:
        listed = ", ".join(map(repr, missing[:10])) + (" ..." if len(missing) > 10 else "")
        problem = f"column {listed}" if len(missing) == 1 else f"{len(missing)} columns ({listed})"
        hint = suggestion(missing[0], table.names).strip()
        raise DataError(f"{table.path} lacks {problem}, which the model was trained on. {hint}".strip())
