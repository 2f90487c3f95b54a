"""Columns that no model should learn from: empty ones, constants, row counters, identifiers and free text.

Each is left out with its reason, and `keep` overrules. A column is judged by its cells; its name only helps where
whole numbers that are all different may be either a quantity or an identifier.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.summary import ColumnSummary

MIN_COUNTER_ROWS = 10
MIN_IDENTIFIER_ROWS = 20
MIN_DISTINCT_SHARE = 0.95
MIN_WORDS, MIN_TEXT_SHARE = 4.0, 0.5  # free text: words per cell, and the share of different cells
MAX_TEXTS = 1_000  # that are looked at for words
IDENTIFIER_NAME = r"(?i)^(unnamed: \d+|index|idx|id|uuid|guid|key|row|nr|no|number|rowid|row.?(id|nr|no|num|number)|#)$"
IDENTIFIER_ENDING = r"(?i)[_\W](id|uuid|guid|key|idx|index|nr|no)$|[a-z](Id|ID|Key)$|^(id|idx)[_\W]"


def omission_reason(column: ColumnSummary, is_index: bool) -> str:
    """Why a column is left out, before it is known how it is read; empty if it is not."""
    if is_index:
        return "left out: the row labels that pandas stored"
    if column.kind == "other":
        return f"left out: it has type {column.type_name}, which cannot be read"
    if not column.present:
        nameless = " and no name" if column.name.startswith("Unnamed: ") else ""
        return f"left out: it has no values{nameless}"
    if value := _constant(column):
        return f"left out: every cell is {value}"
    return _counter_reason(column)


def identifier_reason(column: ColumnSummary) -> str:
    """Why a column of text is left out as an identifier or free text; empty if it is a category."""
    levels, count = column.levels, column.present
    distinct = len(levels.counts) + levels.other
    share = distinct / max(count, 1)
    if count < MIN_IDENTIFIER_ROWS or share < MIN_TEXT_SHARE:
        return ""
    words = _words_per_cell(list(levels.counts)[:MAX_TEXTS])
    if words >= MIN_WORDS:
        return f"left out: free text, {words:.0f} words per cell"
    if share >= MIN_DISTINCT_SHARE:
        return f"left out: an identifier, {distinct:,} different values in {count:,} cells"
    return ""


def _constant(column: ColumnSummary) -> str:
    """The only value of a column without missing cells."""
    if column.missing or column.rows < 2:
        return ""
    if column.kind in ("number", "date", "time", "duration") or column.numbers.count == column.rows:
        low, high = column.numbers.low, column.numbers.high
        return f"{low:g}" if low == high and column.numbers.count == column.rows else ""
    counts = column.levels.counts
    return repr(next(iter(counts))[:40]) if len(counts) == 1 and not column.levels.other else ""


def _counter_reason(column: ColumnSummary) -> str:
    """Whether whole numbers only number the rows."""
    numbers = column.numbers
    if column.kind not in ("number", "text") or numbers.count != column.rows or not numbers.whole:
        return ""
    named = bool(re.search(IDENTIFIER_NAME, column.name) or re.search(IDENTIFIER_ENDING, column.name))
    if column.rows >= MIN_COUNTER_ROWS and numbers.consecutive and (numbers.low in (0, 1) or named):
        return f"left out: it counts the rows from {numbers.low:g}"
    if column.rows < MIN_IDENTIFIER_ROWS or numbers.distinct_share < 1:
        return ""
    if numbers.high - numbers.low + 1 == numbers.count and (numbers.low in (0, 1) or named):
        return f"left out: an identifier, each number from {numbers.low:g} to {numbers.high:g} once"
    return f"left out: an identifier, {numbers.count:,} different whole numbers" if named else ""


def _words_per_cell(texts: list[str]) -> float:
    counts = pc.count_substring_regex(pa.array(texts, pa.large_string()), r"\S+").to_numpy(zero_copy_only=False)
    return float(np.mean(counts)) if len(counts) else 0.0
