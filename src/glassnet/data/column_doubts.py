"""What a person would ask about a column that is used: does it name a thing, and does a far number mean missing?

These are questions, which change nothing: each names the option for the answer yes.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from glassnet.data.evidence import quoted
from glassnet.data.omission import IDENTIFIER_ENDING, IDENTIFIER_NAME
from glassnet.data.readings import CategoryReading, NumberReading, Reading
from glassnet.data.summary import ColumnSummary

MIN_CELLS, MIN_IDENTIFIERS = 50, 20
MANY_LEVELS, MIN_LEVEL_SHARE = 2_000, 0.1
MIN_DIGIT_SHARE = 0.9  # of texts, such as K00012
MIN_TIMES, MAX_SHARE = 3, 0.5  # of a far number
MIN_OTHERS = 10  # different numbers beside it; 3 where it is 99, -999 and so on


def column_doubt(column: ColumnSummary, reading: Reading, missing: Collection[str], *, keep: bool) -> str:
    """A phrase that asks about a column, or nothing; `missing` are a person's words for missing cells."""
    doubts = ["" if keep else _repeated_identifier(column, reading)]
    doubts.append(_far_number(column, missing) if isinstance(reading, NumberReading) else "")
    return "; ".join(filter(None, doubts))


def _repeated_identifier(column: ColumnSummary, reading: Reading) -> str:
    """Whether very many different values, which rows share, look like names of things."""
    named = bool(re.search(IDENTIFIER_NAME, column.name) or re.search(IDENTIFIER_ENDING, column.name))
    if isinstance(reading, CategoryReading):
        levels = column.levels.counts
        count = len(levels) + column.levels.other
        named = named or sum(any(map(str.isdigit, text)) for text in levels) >= MIN_DIGIT_SHARE * len(levels)
    elif isinstance(reading, NumberReading) and column.numbers.whole:
        count = round(column.numbers.distinct_share * column.present)
    else:
        return ""
    many = count > MANY_LEVELS or count > MIN_LEVEL_SHARE * column.present
    if not (named and many and MIN_IDENTIFIERS <= count < column.present and column.present >= MIN_CELLS):
        return ""
    each = column.present / count
    return f"looks like an identifier that repeats, {each:.1f} rows each; --drop {quoted(column.name)} if it is one"


@np.errstate(under="ignore")  # halves of the least numbers are 0
def _far_number(column: ColumnSummary, missing: Collection[str]) -> str:
    """Whether the least or the greatest number occurs several times, farther from the others than these lie apart."""
    values, times = np.unique(column.numbers.sample, return_counts=True)
    for far, others in ((0, values[1:]), (-1, values[:-1])):
        if len(others) < 3 or times[far] < MIN_TIMES or times[far] > MAX_SHARE * times.sum():
            continue
        text = f"{values[far]:.15g}"
        gap = abs(values[far] / 2 - (others[0] if far == 0 else others[-1]) / 2)  # halved, so that nothing overflows
        coded = bool(re.fullmatch("-?99+", text))
        if gap <= others[-1] / 2 - others[0] / 2 or values[far] % 1 or (len(others) < MIN_OTHERS and not coded):
            continue
        if text not in (*missing, "0"):  # which often is a quantity
            sampled = "about " if column.numbers.count > times.sum() else ""
            count = round(times[far] * column.numbers.count / times.sum())
            return (
                f"holds {text} {sampled}{count:,} times, far from all other numbers; --missing '{text}' if it means "
                "missing"
            )
    return ""
