"""The recorded run of a lesson: the code of the page is run, and the report that it writes becomes the player on it.

On GitHub the marker in the page is an invisible comment.
"""

from __future__ import annotations

import contextlib
import doctest
import os
import tempfile
from pathlib import Path
from typing import Any

MARKER = "<!-- the recorded run -->"
PLAYER = """<iframe class="player" src="{name}" title="A recorded run of glassnet" loading="lazy"></iframe>
<p class="player-link"><a href="{name}">The same in a window of its own</a></p>"""


def write_run(page: Path, destination: Path, name: str) -> None:
    """Run the examples of a page in an empty folder, and move the file `name` that they write to the destination."""
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    test = parser.get_doctest(page.read_text(encoding="utf-8"), {}, page.name, str(page), 0)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        if runner.run(test).failed:
            raise RuntimeError(f"the code of {page} does not print what stands there")
        destination.mkdir(parents=True, exist_ok=True)
        os.replace(Path(folder) / name, destination / name)


def add_player(app: Any, page: str, source: list[str]) -> None:
    """The handler of source-read."""
    source[0] = source[0].replace(MARKER, PLAYER.format(name=app.config.recorded_run_name))
