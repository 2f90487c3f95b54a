"""Digits and decimal marks of other scripts, such as those of Arabic or of full-width text, as ASCII writes them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

ZEROS = "٠۰०০０"  # of Arabic, Persian, Devanagari, Bengali and full-width text; each script has ten in a row
MARKS = {"٫": ".", "٬": ",", "．": ".", "，": ",", "＋": "+", "／": "/", "：": ":"}
ASCII = str.maketrans({chr(ord(zero) + digit): str(digit) for zero in ZEROS for digit in range(10)} | MARKS)
OTHER_DIGITS = "[" + "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in ZEROS) + "٫．]"


def with_ascii_digits(cells: pa.Array) -> pa.Array:
    """The cells with the digits 0 to 9, and the marks between them, in place of those of other scripts."""
    if not pc.any(pc.match_substring_regex(cells, OTHER_DIGITS)).as_py():
        return cells
    return pa.array([cell and cell.translate(ASCII) for cell in cells.to_pylist()], cells.type)
