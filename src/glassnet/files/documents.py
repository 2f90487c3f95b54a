"""The JSON document of a model file: plain data as UTF-8 and back, with every oddity of JSON refused.

A document may come from anywhere: a key that occurs twice, NaN, numbers of hundreds of digits, deep nesting and a
structure that would need far more memory than its text are refused before or while it is parsed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

MAX_CONTAINERS = 1_000_000  # lists and dicts of a document, which take the most memory per byte
MAX_DIGITS = 20  # of a whole number, which has at most 64 bits


def document_text(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8. Raises TypeError or ValueError for anything but finite numbers, text, lists and dicts.

    Numbers too large and structures too deep to be read again are refused as well.
    """
    text = json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
    json_object(text)
    return text


def json_object(text: bytes | str) -> dict[str, Any]:
    """The JSON object in a text. Raises ValueError with a short reason for anything else."""
    opening = ("[", "{") if isinstance(text, str) else (b"[", b"{")
    if sum(map(text.count, opening)) > MAX_CONTAINERS:  # type: ignore[arg-type]
        raise ValueError(f"it has more than {MAX_CONTAINERS:,} lists")
    try:
        result = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant, **NUMBERS)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(result, dict):
        raise ValueError("it is not a JSON object")
    return result


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(items := dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    return items


def _whole(literal: str) -> int:
    if (digits := len(literal.lstrip("-"))) > MAX_DIGITS:
        raise ValueError(f"it contains a whole number of {digits:,} digits")
    return int(literal)


def _real(literal: str) -> float:
    if not math.isfinite(number := float(literal)):
        raise ValueError(f"it contains {literal[:20]}, which is no finite number")
    return number


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(f"it contains {literal}")


NUMBERS: dict[str, Any] = {"parse_int": _whole, "parse_float": _real}
