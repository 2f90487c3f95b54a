"""The ways in which people write numbers, found in the cells of a column and then applied to every file.

A plain number needs no rules. The others are decimal commas, thousands separators, currency and percent signs, one unit
behind the numbers, parentheses for minus, a minus behind the number, typographic minus signs, Fortran's exponents, and
durations (duration_spelling.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.arrow_types import plain_numbers
from glassnet.data.digits import with_ascii_digits
from glassnet.data.duration_spelling import duration_form, durations
from glassnet.data.reading import Array

PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
CURRENCIES = "$€£¥₹₽₩₺₴₫฿₦₱₪¢"
CURRENCY_CODES = (
    "USD|EUR|GBP|JPY|CHF|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|BRL|MXN|ZAR|KRW|TRY|SGD|HKD|Rs|Fr|kr"
)
CURRENCY = rf"(?:US|CA?|AU?|R|NZ|HK|S)\$|[{CURRENCIES}]|(?:{CURRENCY_CODES})\b\.?|zł|Kč"
SPACES = "\u00a0\u2009\u202f "
UNIT = rf"^[+-]?[\d.,'’{SPACES}]*\d[.,]?[{SPACES}]*(?P<mark>[\pL°\"″′][\pL°²³/.^*·23]*)$"
FORTRAN = r"^([+-]?\d*\.?\d+\.?)[dD]([+-]?\d+)$"
MINUS_BEHIND = rf"^([\d.,'’{SPACES}]*\d)\s*-$"
CLEAR_MINUS_BEHIND = r"\d[.,]\d+-$"  # 2- may be a grade
CLEAR_FORTRAN = r"^[+-]?(\d*\.\d*[dD][+-]?\d+|\d+[dD][+-]\d+)$"


@dataclass(frozen=True)
class NumberSpelling:
    """How the numbers of a column are written; a plain number is always accepted, except against a decimal comma."""

    decimal: str = "."
    thousands: bool = False
    currency: str = ""
    percent: bool = False
    unit: str = ""
    parentheses: bool = False
    fortran: bool = False
    minus_behind: bool = False
    duration: str = ""

    @property
    def plain(self) -> bool:
        """Whether the numbers are written as a programming language writes them."""
        return self == NumberSpelling()

    def parse(self, cells: pa.Array) -> tuple[Array, Array]:
        """The numbers (n,) float64, NaN where a cell is null or no number, and which cells are numbers (n,) bool."""
        if self.duration:
            values = durations(normalised(cells), self.duration)
            return values, ~np.isnan(values)
        if self.decimal == ".":
            try:
                return _as_float(cells)
            except pa.ArrowException:
                pass
        return _as_float_where_plain(self._plain_text(cells))

    def _plain_text(self, cells: pa.Array) -> pa.Array:
        """The cells with a point for decimals and without marks and separators; other cells match no number."""
        cells = self._without_marks(normalised(cells))
        if self.fortran:
            cells = pc.replace_substring_regex(cells, FORTRAN, r"\1e\2")
        if self.thousands:
            separators = "'’" + SPACES + ("," if self.decimal == "." else ".")
            for separator in filter(partial(_contain, cells), separators):
                grouped = pc.match_substring_regex(cells, _grouped(separator, self.decimal))
                cells = pc.if_else(grouped, pc.replace_substring(cells, separator, ""), cells)
        if self.decimal == ",":
            points = pc.match_substring(cells, ".")
            cells = pc.if_else(points, "no number", pc.replace_substring(cells, ",", "."))
        return cells

    def _without_marks(self, cells: pa.Array) -> pa.Array:
        if self.parentheses:
            cells = pc.replace_substring_regex(cells, r"^([^()]*)\(([^()]+)\)$", r"-\1\2")
        if self.currency:
            mark = _escape(self.currency)
            cells = pc.replace_substring_regex(cells, rf"^([+-]?)\s*{mark}\s*", r"\1")
            cells = pc.replace_substring_regex(cells, rf"\s*{mark}$", "")
        if self.percent:
            cells = pc.replace_substring_regex(cells, r"\s*[%％]$", "")
        if self.unit:
            cells = pc.replace_substring_regex(cells, rf"[{SPACES}]*{_escape(self.unit)}$", "")
        if self.minus_behind:
            cells = pc.replace_substring_regex(cells, MINUS_BEHIND, r"-\1")
        return cells

    def description(self) -> str:
        """A phrase that names what is unusual."""
        parts = ["decimal comma"] * (self.decimal == ",") + ["thousands separators"] * self.thousands
        parts += [f"currency {self.currency}"] * bool(self.currency) + ["percent signs"] * self.percent
        parts += [f"unit {self.unit}"] * bool(self.unit) + ["parentheses for minus"] * self.parentheses
        parts += ["minus behind the number"] * self.minus_behind + ["durations in seconds"] * bool(self.duration)
        return ", ".join(parts + ["Fortran exponents"] * self.fortran)

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        return asdict(self)

    @classmethod
    def discover(cls, texts: pa.Array, decimal: str | None = None) -> tuple[Self, bool]:
        """The spelling under which most of the distinct texts are numbers, and whether its decimal mark is ambiguous.

        `decimal` is the decimal mark where both are possible, "." unless given.
        """
        marks, first = cls._marks(normalised(texts)), decimal or "."
        spellings = [replace(marks, decimal=mark, thousands=True) for mark in (first, "," if first == "." else ".")]
        counts = [int(spelling.parse(texts)[1].sum()) for spelling in spellings]
        best = spellings[int(np.argmax(counts))]
        bare = marks._without_marks(normalised(texts))
        used = {mark for mark in ".," if pc.any(pc.match_substring(bare, mark)).as_py()}
        ambiguous = counts[0] == counts[1] > 0 and bool(used)
        without = replace(best, thousands=False)
        if without.parse(texts)[1].sum() == max(counts):
            best = without
        timed = cls(duration=duration_form(normalised(texts)) if max(counts) < len(texts) else "")
        if timed.duration and timed.parse(texts)[1].sum() > max(counts):
            return timed, False
        return (best if used else replace(best, decimal=".")), ambiguous

    @classmethod
    def _marks(cls, texts: pa.Array) -> Self:
        """The signs, unit and parentheses that all texts with any of them share."""
        percent = pc.any(pc.match_substring_regex(texts, r"\d\s*[%％]\)?$")).as_py() or False
        parentheses = pc.any(pc.match_substring_regex(texts, r"^[^()\d]*\([^()]*\d[^()]*\)$")).as_py() or False
        currencies = _extract(texts, rf"^[+(-]?\s*(?P<mark>{CURRENCY})\s*[+-]?[\d.]") | _extract(
            texts, rf"\d\s*(?P<mark>{CURRENCY})\)?$"
        )
        fortran = pc.any(pc.match_substring_regex(texts, CLEAR_FORTRAN)).as_py() or False
        minus_behind = pc.any(pc.match_substring_regex(texts, CLEAR_MINUS_BEHIND)).as_py() or False
        spelling = cls(percent=percent, parentheses=parentheses, fortran=fortran, minus_behind=minus_behind)
        if len(currencies) == 1:
            return replace(spelling, currency=currencies.pop())
        bare = texts if fortran else texts.filter(pc.invert(pc.match_substring_regex(texts, PLAIN)))
        units = set() if currencies or percent or fortran else _extract(bare, UNIT)
        return replace(spelling, unit=units.pop()) if len(units) == 1 else spelling


def normalised(cells: pa.Array) -> pa.Array:
    """The cells without blanks around them, with ASCII digits and a typewriter's minus sign."""
    cells = pc.utf8_trim_whitespace(cells)
    if not pc.all(pc.string_is_ascii(cells)).as_py():
        cells = with_ascii_digits(cells)
        cells = pc.replace_substring_regex(cells, r"^([^\d]*)[−–﹣－‐‑]\s*([^\d]*[\d.,])", r"\1-\2")
    return pc.replace_substring_regex(cells, r"^([+-])\s+", r"\1")


def _contain(cells: pa.Array, text: str) -> bool:
    """Whether any cell contains a text, which is much faster to tell than to replace a pattern."""
    return bool(pc.any(pc.match_substring(cells, text)).as_py())


def units(texts: pa.Array) -> tuple[Array, list[str]]:
    """Which texts are numbers with a word behind them (n,) bool, and the different words."""
    followed = pc.and_not(pc.match_substring_regex(texts, UNIT), pc.match_substring_regex(texts, PLAIN))
    return followed.to_numpy(zero_copy_only=False), sorted(_extract(texts.filter(followed), UNIT))


def looks_grouped(cells: pa.Array) -> bool:
    """Whether every number with a point has three digits behind it, so that the point may separate thousands."""
    points = cells.filter(pc.match_substring(cells, "."))
    return bool(len(points)) and bool(pc.all(pc.match_substring_regex(points, _grouped(".", ","))).as_py())


def _grouped(separator: str, decimal: str) -> str:
    """The pattern of a number with at least one thousands separator; commas also group by two, as in India."""
    sign, mark = _escape(separator), _escape(decimal)
    groups = r"\d{1,3}(,\d{2,3})*,\d{3}" if separator == "," else rf"\d{{1,3}}({sign}\d{{3}})+"
    groups = groups.replace(r"\d{1,3}", r"[1-9]\d{0,2}", 1)
    return rf"^[+-]?{groups}({mark}\d*)?$"


def _escape(text: str) -> str:
    """The pattern of a text in RE2's syntax."""
    return re.sub(r"([!-/:-@\[-^`{-~])", r"\\\1", text)


def _extract(texts: pa.Array, pattern: str) -> set[str]:
    matches = pc.extract_regex(texts, pattern).drop_null()
    return set(pc.unique(pc.struct_field(matches, "mark")).to_pylist()) - {None, ""} if len(matches) else set()


def _as_float(cells: pa.Array) -> tuple[Array, Array]:
    """Cast a whole column at once; raises ArrowException if a cell is no plain number."""
    values = plain_numbers(cells)
    return values, ~np.isnan(values)


def _as_float_where_plain(cells: pa.Array) -> tuple[Array, Array]:
    plain = pc.fill_null(pc.match_substring_regex(cells, PLAIN), False)
    return _as_float(pc.if_else(plain, cells, pa.scalar(None, cells.type)))


def combined(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as one array of text."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.cast(pa.large_string()) if array.type != pa.large_string() else array


def distinct(texts: Iterable[str]) -> pa.Array:
    """Texts as an Arrow array."""
    return pa.array(list(texts), pa.large_string())
