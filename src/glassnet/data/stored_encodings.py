"""Encodings from the JSON of a model file, checking every value against the reading of their column.

A forged file may not make an encoding allocate without bounds or fail in the middle of a prediction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.data.encodings import DateParts, Encoding, OneHot, StandardizedNumber
from glassnet.data.readings import Reading
from glassnet.data.robust_number import RobustNumber
from glassnet.data.stored_values import reals, texts, typed
from glassnet.data.tabular_encodings import LevelCodes, RobustDateParts, SignedLevels

Document = dict[str, Any]
Build = Callable[[Document, Any], Encoding]


def stored_encoding(document: Document, reading: Reading) -> Encoding:
    """An encoding from its JSON. Raises ValueError, KeyError or TypeError if it is invalid or of another reading."""
    return BUILDERS[reading.kind][document["kind"]](document, reading)


def _standardized(document: Document, reading: Reading) -> Encoding:
    median, mean, scale = reals([document[key] for key in ("median", "mean", "scale")])
    return StandardizedNumber(median, mean, scale, typed(document["indicator"], bool))


def _robust(document: Document, reading: Reading) -> Encoding:
    median, scale = reals([document["median"], document["scale"]])
    return RobustNumber(median, scale, typed(document["indicator"], bool))


def _date_parts(kind: type[DateParts]) -> Build:
    def build(document: Document, reading: Reading) -> Encoding:
        days, years = reals(document["days"]), reals(document["years"])
        if len(days) not in (0, 2) or len(years) not in (0, 2):
            raise ValueError("days")
        return kind(days, years, typed(document["hours"], bool), typed(document["indicator"], bool))

    return build


def _one_hot(document: Document, reading: Reading) -> Encoding:
    return OneHot(*_levels(document, reading), *reals([document.get("value", 1.0)]))


def _signed(document: Document, reading: Reading) -> Encoding:
    codes, levels = _levels(document, reading)
    if len(codes) != 2:
        raise ValueError("codes")
    return SignedLevels(codes, levels)


def _level_codes(document: Document, reading: Reading) -> Encoding:
    return LevelCodes(*_levels(document, reading))


def _levels(document: Document, reading: Any) -> tuple[list[int], list[str]]:
    """The codes of levels, which must be those of the reading, and the levels."""
    codes, levels = typed(document["codes"], list), texts(document["levels"])
    if not all(type(code) is int and 0 <= code < len(reading.levels) for code in codes):
        raise ValueError("codes")
    if len(codes) != len(levels) or len(set(codes)) != len(codes):
        raise ValueError("codes")
    return codes, levels


LEVEL_BUILDERS: dict[str, Build] = {"one_hot": _one_hot, "signed": _signed, "level_codes": _level_codes}
BUILDERS: dict[str, dict[str, Build]] = {
    "number": {"standardized": _standardized, "robust": _robust},
    "date": {"date_parts": _date_parts(DateParts), "robust_date_parts": _date_parts(RobustDateParts)},
    "boolean": LEVEL_BUILDERS,
    "category": LEVEL_BUILDERS,
}
