"""Whether the first line of a CSV file is its header: a file may have none, or title lines above it.

Nothing is changed by what is found here: it is said, because only a person knows. A header that is repeated among the
rows, as where files were appended to each other, is found as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.reading import Array

MIN_DATA_SHARE = 1 / 3  # of numbers and dates in a first row that looks like data
YEARS = range(1900, 2101)
NUMBER = re.compile(r"[-+(]?\s?[€$£]?\s?\d[\d.,' ]*([eE][-+]?\d+)?\s?[%€$£)]?")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
NAMELESS = "Unnamed: "  # how the name of a column without one begins
Record = tuple[int, list[str]]  # a line, from 1, and its cells


def header_note(records: Sequence[Record], requested: bool | None = None) -> str:
    """What is odd about the first of the first records of a file, as a header; empty if nothing is.

    `requested` is what a person says: that it is the header, or that the file has none, so that it was put there.
    """
    if requested is False:
        return f"the first row is data, as requested: the columns are called column_1 to column_{len(records[0][1])}"
    if hint := title_hint(records):
        return hint
    if requested or not looks_like_data(records):
        return ""
    cells = ", ".join(cell.strip()[:20] for cell in records[0][1][:3])
    more = ", ..." if len(records[0][1]) > 3 else ""
    return f"the first row looks like data, not names ({cells}{more}); if so, give --no-header"


def looks_like_data(records: Sequence[Record]) -> bool:
    """Whether each cell of the first row is of the kind of those below it, and many are numbers or dates."""
    if len(records) < 2:
        return False
    first, *below = ([_kind(cell) for cell in cells] for _, cells in records)
    values = [cell.strip() for cell, kind in zip(records[0][1], first, strict=True) if kind in ("number", "date")]
    if len(values) < MIN_DATA_SHARE * len(first) or not values or _are_labels(values):
        return False
    return all(kind in {row[column] for row in below if column < len(row)} for column, kind in enumerate(first))


def _kind(cell: str) -> str:
    text = cell.strip()
    if not text:
        return "empty"
    if DATE.fullmatch(text):
        return "date"
    return "number" if NUMBER.fullmatch(text) else "text"


def _are_labels(values: Sequence[str]) -> bool:
    """Whether numbers may well be names: years, or 0, 1, 2 as of the pixels of an image."""
    if not all(value.isdecimal() for value in values):
        return False
    numbers = list(map(int, values))
    counted = len(numbers) > 1 and all(after - before == 1 for before, after in pairwise(numbers))
    return counted or all(number in YEARS or number in (0, 1) for number in numbers)


def title_hint(records: Sequence[Record]) -> str:
    """Which line looks like the header, where the first has fewer cells than most, or mostly empty ones."""
    if len(records) < 2:
        return ""
    width, _ = Counter(len(cells) for _, cells in records).most_common(1)[0]
    cells = records[0][1]
    if len(cells) >= width and 2 * sum(bool(cell.strip()) for cell in cells) >= width:
        return ""
    for line, names in records[1:]:
        if len(names) == width > 1 and _are_names(names):
            return f"line {records[0][0]} looks like a title and line {line} like the header; delete the lines above it"
    return ""


def _are_names(cells: Sequence[str]) -> bool:
    """Whether cells are texts, among which years may be."""
    kinds = [_kind(cell) for cell in cells]
    numbers = [cell.strip() for cell, kind in zip(cells, kinds, strict=True) if kind == "number"]
    return set(kinds) <= {"text", "number"} and "text" in kinds and all(_is_year(number) for number in numbers)


def _is_year(text: str) -> bool:
    return text.isdecimal() and int(text) in YEARS


def missing_name_hint(records: Sequence[Record]) -> str:
    """What the header lacks, where all rows below it have one cell more; otherwise empty."""
    (_, names), *below = records or [(0, [])]
    if len(names) < 2 or not below or any(len(cells) != len(names) + 1 for _, cells in below):
        return ""
    if not any(cells[-1].strip() for _, cells in below):
        return "the rows end with a delimiter: add one to the header, or delete theirs"
    return "the rows have one cell more: add the missing name, perhaps that of row names, to the header"


def repeated_headers(table: pa.Table, names: Sequence[str]) -> Array:
    """The rows (k,) of a table of text that hold the names of the columns, two or more."""
    rows = np.arange(table.num_rows)
    named = [index for index, name in enumerate(names) if not name.startswith(NAMELESS)]
    for index in named:
        cells = table.column(index).take(pa.array(rows))
        rows = rows[pc.fill_null(pc.equal(pc.utf8_trim_whitespace(cells), names[index]), False).to_numpy()]
        if not rows.size:
            break
    return rows if len(named) > 1 else rows[:0]
