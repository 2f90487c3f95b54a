"""The prose of the page in one file, texts.json, for later translation: every page gets it with its first message."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def page_texts() -> dict[str, Any]:
    """The texts by their place on the page."""
    result: dict[str, Any] = json.loads(resources.files("glassnet.frames").joinpath("texts.json").read_text("utf-8"))
    return result
