"""The words that mean a missing cell, where the other cells of the column are numbers, dates or booleans.

In a column of categories a word such as `none` or `unknown` may be a level like any other, so there only an empty cell
and the words a person names are missing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NULL_WORDS = _words(
    "na n/a n.a. n.a #n/a #na nan -nan null (null) none nil nul <na> <null> <none> \\n nat missing [missing] (missing) "
    "undefined"
) | {"#n/a n/a", "not available", "not applicable"}
SPREADSHEET_ERRORS = _words(
    "#div/0! #value! #ref! #name? #num! #null! #error! #getting_data #spill! #calc! #wert! #bezug! #zahl! #nv"
)
SIGNS = _words("? ?? ??? - -- --- – — . .. ... … * ** _ : /")
UNKNOWN_WORDS = _words(
    "unknown unk unspecified unavailable empty blank tbd tba nd n.d. nr k.a. k.a keine inconnu nodata"
) | {"not known", "not recorded", "not reported", "no data", "no value", "no answer", "keine angabe", "sin datos"}
MISSING_WORDS = NULL_WORDS | SPREADSHEET_ERRORS | SIGNS | UNKNOWN_WORDS


def is_word(cells: pa.Array, words: Collection[str]) -> pa.Array:
    """Which text cells are one of the words, in any letter case; null cells are not."""
    return pc.is_in(pc.utf8_lower(cells), value_set=pa.array(sorted(words), cells.type))


def without_words(cells: pa.Array, words: Collection[str]) -> pa.Array:
    """The text cells with null in place of the words and of empty cells."""
    null: Any = pa.scalar(None, cells.type)
    cells = pc.if_else(pc.equal(cells, ""), null, cells)
    return pc.if_else(is_word(cells, words), null, cells) if words else cells
