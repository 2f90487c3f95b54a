"""Dates with words in them, as dates of numbers: names of months, quarters, and weeks of a year."""

from __future__ import annotations

import re
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

# Each month in English, German, French, Spanish, Italian, Portuguese, Dutch and the Scandinavian languages.
MONTHS = (
    "jan(?:uary|uari|uar|vier|v|eiro)?|jän(?:ner)?|ene(?:ro)?|gen(?:naio)?",
    "feb(?:ruary|ruari|ruar|rero|braio)?|f[ée]v(?:rier|ereiro|r)?",
    "mar(?:ch|s|zo|ço|ts|t)?|märz?|maart|mrt|mrz",
    "apr(?:ile?)?|avr(?:il)?|abr(?:il)?",
    "mayo?|maio?|maj|mei|mag(?:gio)?",
    "jun(?:e|io?|ho)?|juin|giu(?:gno)?",
    "jul(?:y|io?|ho)?|juil(?:let)?|lug(?:lio)?",
    "aug(?:usti|ustus|ust)?|ao[ûu]t?|ago(?:sto)?",
    "sep(?:tember|tembre|tiembre|t)?|set(?:tembre|embro|iembre|t)?",
    "oct(?:ober|obre|ubre)?|okt(?:ober)?|ott(?:obre)?|out(?:ubro)?",
    "nov(?:ember|embre|iembre|embro)?",
    "dec(?:ember)?|déc(?:embre)?|dez(?:ember|embro)?|dic(?:iembre|embre)?|des(?:ember)?",
)
WEEKDAY = r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+"
DAY = r"(\d{1,2})(?:st|nd|rd|th|er|º)?"
MONTH = rf"(?i)^(?:{DAY}[-/. ]*(?:de )?)?(?:{'|'.join(MONTHS)})\.?[-/., ]*(?:de )?\d"
EAST_ASIAN_MONTH = r"^(\d{4}) ?[年년] ?(\d{1,2}) ?[月월]"
EAST_ASIAN_DAY = rf"{EAST_ASIAN_MONTH} ?(\d{{1,2}}) ?[日일]"
YEAR = r"((?:19|20)\d\d)"  # 4711W12 is rather a code
QUARTER = rf"^(?:{YEAR}[- /]?Q[1-4]|Q[1-4][- /]{YEAR})$"
ISO_WEEK = rf"^{YEAR}-?W(\d\d)(?:-?([1-7]))?$"


def numeric_dates(cells: pa.Array) -> pa.Array:
    """31 Jan 2020, January 31, 2020, Fri, 31-Jan-20, 2020-Q2 and 2020-W14 as 2020-1-31, 2020-4 and 2020-03-30."""
    dated = pc.replace_substring_regex(cells, WEEKDAY, "")
    if _any(dated, MONTH):
        cells = _numeric_months(dated)
    if _any(cells, EAST_ASIAN_MONTH):
        cells = pc.replace_substring_regex(cells, EAST_ASIAN_DAY, r"\1-\2-\3")
        cells = pc.replace_substring_regex(cells, EAST_ASIAN_MONTH, r"\1-\2")
    if _any(cells, QUARTER):
        for quarter in range(1, 5):
            pattern = rf"^(?:{YEAR}[- /]?Q{quarter}|Q{quarter}[- /]{YEAR})$"
            cells = pc.replace_substring_regex(cells, pattern, rf"\1\2-{3 * quarter - 2}")
    if _any(cells, ISO_WEEK):
        cells = pa.array([cell and re.sub(ISO_WEEK, _first_day, cell) for cell in cells.to_pylist()], cells.type)
    return cells


def _any(cells: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(cells, pattern)).as_py())


def _numeric_months(cells: pa.Array) -> pa.Array:
    for number, month in enumerate(MONTHS, 1):
        name = rf"(?i:{month})\.?"
        day_first = rf"^{DAY}[-/. ]*(?:de )?{name}[-/., ]+(?:de )?(\d{{4}})\b"
        cells = pc.replace_substring_regex(cells, day_first, rf"\2-{number}-\1")
        month_first = rf"^{name}[-/. ]*{DAY},?\s+(\d{{4}})\b"
        cells = pc.replace_substring_regex(cells, month_first, rf"\2-{number}-\1")
        for century, years in (("20", r"[0-5]\d|6[0-8]"), ("19", r"\d{2}")):
            short = rf"^(\d{{1,2}})[-/. ]{name}[-/. ]({years})\b"
            cells = pc.replace_substring_regex(cells, short, rf"{century}\2-{number}-\1")
        cells = pc.replace_substring_regex(cells, rf"^{name}[-/. ]*(?:de )?(\d{{4}})$", rf"\1-{number}")
    return cells


def _first_day(match: re.Match[str]) -> str:
    """The day that a week of a year names, its Monday by default; the text itself where there is no such week."""
    year, week, day = match.groups()
    try:
        return str(date.fromisocalendar(int(year), int(week), int(day or 1)))
    except ValueError:
        return match[0]
