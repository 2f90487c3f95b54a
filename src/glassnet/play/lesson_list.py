"""The lessons of the page: each is a link and some cards (lessons.json)."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def lessons() -> list[dict[str, Any]]:
    """The lessons, in order."""
    text = resources.files("glassnet.play").joinpath("lessons.json").read_text("utf-8")
    result: list[dict[str, Any]] = json.loads(text)
    return result


def lesson_of(key: str, link: str) -> str:
    """The key of the lesson that a link names, or whose link it is; empty where it is none."""
    own = link.rpartition("#")[2]
    known = (lesson["key"] for lesson in lessons() if key == lesson["key"] or own == lesson["link"].lstrip("#"))
    return next(known, "")
