"""A page that lists other pages is their table of contents too: its links to pages become Sphinx's toctree.

So such a page stays plain Markdown, which reads well on GitHub, and no list is typed twice.
"""

from __future__ import annotations

import re
from typing import Any

LINK = re.compile(r"\]\(([\w./-]+)\.md(?:#[\w-]*)?\)")


def add_contents(app: Any, page: str, source: list[str]) -> None:
    """The handler of source-read."""
    if page in app.config.part_pages:
        pages = list(dict.fromkeys(LINK.findall(source[0])))
        source[0] += "\n\n```{toctree}\n:hidden:\n:maxdepth: 1\n\n" + "\n".join(pages) + "\n```\n"
