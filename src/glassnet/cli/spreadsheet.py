"""Text that a spreadsheet would run as a formula when it opens a CSV file, made safe with a ' in front of it.

A spreadsheet with another delimiter takes the lines inside a cell for rows of their own, so each of them is looked at.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# A lone + or - is no formula, and a number (-5, +1.2e3, -.5, -4,5 %, -inf) is none either.
FORMULA_START = r"(?s)^([=@\t\r\n＝＠]|[+\-＋－].)"
SIGNED_NUMBER = r"^[+\-]((\d[\d.,]*|[.,]\d+)([eE][+\-]?\d+)? ?%?|inf|nan)$"
LATER_LINE = r"([\r\n]+)([=@\t＝＠]|[+\-＋－][^\r\n])"


def escape_formulas(table: pa.Table) -> pa.Table:
    """Put a ' before each text cell, each line in it, and each name that would be run; numbers are left as they are."""
    columns = [_escaped(column) if is_text(column.type) else column for column in table.columns]
    names = pa.array(table.column_names, pa.large_string())
    return pa.table(columns, names=_escaped(names).to_pylist())


def is_text(kind: Any) -> bool:
    """Whether cells of an Arrow type are written to CSV as text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _escaped(cells: Any) -> Any:
    starts = pc.match_substring_regex(cells, FORMULA_START)
    is_formula = pc.and_not(starts, pc.match_substring_regex(cells, SIGNED_NUMBER))
    quoted = pc.binary_join_element_wise(pa.scalar("'", cells.type), cells, pa.scalar("", cells.type))
    first_line = pc.if_else(is_formula, quoted, cells)
    return pc.replace_substring_regex(first_line, LATER_LINE, r"\1'\2")
