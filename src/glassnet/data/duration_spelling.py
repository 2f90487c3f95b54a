"""The ways in which people write durations, in seconds.

These are minutes and seconds with a fraction (1:02.44), hours, minutes and seconds (27:15:00), or numbers with units
(2h 30m, PT2H30M, 0 days 02:30:00). Two whole numbers with a colon are left alone: they may as well be a score.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.reading import Array

SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
NUMBER = r"\d+(?:[.,]\d+)?"
TWO_PARTS = r"^(?P<m>-?\d{1,6}):(?P<s>[0-5]\d(?:[.,]\d+)?)$"
THREE_PARTS = r"^(?P<h>-?\d{1,6}):(?P<m>[0-5]\d):(?P<s>[0-5]\d(?:[.,]\d+)?)$"
DAYS = r"^(?P<d>-?\d+) days?,? [+]?(?P<h>\d+):(?P<m>[0-5]\d):(?P<s>[0-5]\d(?:[.,]\d+)?)$"
ISO = rf"^P(?:(?P<d>{NUMBER})D)?(?:T(?:(?P<h>{NUMBER})H)?(?:(?P<m>{NUMBER})M)?(?:(?P<s>{NUMBER})S)?)?$"
UNITS = {"d": "d|days?|Tage?", "h": "h|hrs?|hours?|Std|Stunden?|t", "m": "m|mins?|minutes?", "s": "s|secs?|seconds?"}
WITH_UNITS = "".join(rf"(?:(?P<{part}>{NUMBER})\s*(?:{units})\b\.?,?\s*)?" for part, units in UNITS.items())
TWO_UNITS = rf"^(?i:{NUMBER}\s*[a-z]+\.?,?\s*{NUMBER}\s*[a-z]+\.?)"  # what tells 2h 30m from 2 m
ONE_PART = rf"^(?P<s>{NUMBER})$"
PATTERNS = {
    "m:s": [TWO_PARTS, ONE_PART],
    "h:m:s": [THREE_PARTS, TWO_PARTS],
    "units": [DAYS, ISO, rf"^(?i:{WITH_UNITS})$"],
}
EVIDENCE = {
    "units": [DAYS, r"^P[^T]*T.*\d[HMS]$", TWO_UNITS],
    "h:m:s": [THREE_PARTS],
    "m:s": [r"^-?\d{1,6}:[0-5]\d[.,]\d+$"],
}


def durations(cells: pa.Array, form: str) -> Array:
    """The durations (n,) float64 of texts in a form of `PATTERNS`, NaN for any other text and for null."""
    values = np.full(len(cells), np.nan)
    for pattern in PATTERNS[form]:
        matches = pc.extract_regex(cells, pattern)
        rows = np.flatnonzero(matches.is_valid().to_numpy(zero_copy_only=False) & np.isnan(values))
        values[rows] = _total(matches.take(pa.array(rows)))
    return values


def duration_form(texts: pa.Array) -> str:
    """The form in which some distinct texts are durations without doubt; empty without any."""
    for form, patterns in EVIDENCE.items():
        if any(pc.any(pc.match_substring_regex(texts, pattern)).as_py() for pattern in patterns):
            return form
    return ""


def _total(matches: pa.StructArray) -> Array:
    """The sum of the parts of each match in seconds; a minus before the first part is one of the whole, but for days.

    NaN where a match has no part at all.
    """
    total, found = np.zeros(len(matches)), np.zeros(len(matches), bool)
    sign = np.ones(len(matches))
    for field in matches.type:
        texts = pc.struct_field(matches, field.name)
        if field.name != "d":
            negative = pc.starts_with(texts, "-").to_numpy(zero_copy_only=False)
            sign = np.where(negative, -1.0, sign)
            texts = pc.replace_substring_regex(texts, "^-", "")
        present = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
        numbers = pc.if_else(pa.array(present), pc.replace_substring(texts, ",", "."), "0").cast(pa.float64())
        total += SECONDS[field.name] * numbers.to_numpy(zero_copy_only=False)
        found |= present
    return np.where(found, sign * total, np.nan)
