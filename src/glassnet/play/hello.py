"""The first message of a page: what it can choose, the lessons, and the limits."""

from __future__ import annotations

from typing import Any

from glassnet.frames.page_texts import page_texts
from glassnet.play.choices import choices
from glassnet.play.engine_choice import ready_engine
from glassnet.play.lesson_list import lessons
from glassnet.play.own_data import MAX_COLUMNS, MAX_FILE, MAX_POINTS
from glassnet.play.session import MAX_UNACKNOWLEDGED
from glassnet.play.setup import MAX_PARAMETERS, MAX_WIDTH
from glassnet.play.template import Template

MAX_PAGES = 8
MAX_ADDED = 12  # layers that the form goes up to; links and networks of one's own may have MAX_DENSE

LIMITS = {
    "file_bytes": MAX_FILE,
    "columns": MAX_COLUMNS,
    "points": MAX_POINTS,
    "parameters": MAX_PARAMETERS,
    "width": MAX_WIDTH,
    "layers": MAX_ADDED,
    "pages": MAX_PAGES,
    "unacknowledged": MAX_UNACKNOWLEDGED,
}


def hello(template: Template | None = None) -> dict[str, Any]:
    """The first message of a page; `template` is the network of a notebook."""
    from glassnet import __version__

    first = {"type": "hello", "version": __version__, "engine": ready_engine(), "choices": choices(template)}
    return first | {"texts": page_texts(), "lessons": lessons(), "limits": LIMITS, "live": True}
