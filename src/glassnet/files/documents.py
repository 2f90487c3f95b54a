"""The JSON document of a model file: plain data as UTF-8 and back, with every oddity of JSON refused.

A document may come from anywhere: a key that occurs twice, NaN, deep nesting and a structure that would need far more
memory than its text are refused before or while it is parsed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

MAX_CONTAINERS = 1_000_000  # lists and dicts of a document, which take the most memory per byte


def document_text(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8. Raises TypeError or ValueError for anything but finite numbers, text, lists and dicts."""
    return json.dumps(document, allow_nan=False, ensure_ascii=False).encode()


def json_object(text: bytes | str) -> dict[str, Any]:
    """The JSON object in a text. Raises ValueError with a short reason for anything else."""
    opening = ("[", "{") if isinstance(text, str) else (b"[", b"{")
    if sum(map(text.count, opening)) > MAX_CONTAINERS:  # type: ignore[arg-type]
        raise ValueError(f"it has more than {MAX_CONTAINERS:,} lists")
    try:
        result = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(result, dict):
        raise ValueError("it is not a JSON object")
    return result


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(items := dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    return items


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(f"it contains {literal}")
