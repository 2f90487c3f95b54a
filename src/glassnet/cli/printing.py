"""How commands print: lines are wrapped to the width of a terminal and left whole in a pipe.

All that a command prints goes through here, because names, classes and cells of a file may hold control codes.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Any

from glassnet.errors import printable

LABEL_WIDTH = 12  # columns for the label of a line
MIN_WIDTH = 40  # columns; a narrower terminal breaks the lines itself


def print_text(text: object = "", **options: Any) -> None:
    """Print, as `print` does with the same options; control codes are escaped."""
    print(printable(str(text)), **options)


def print_line(label: str, text: object) -> None:
    """Print a labelled line, such as "Data        houses.csv: 200 rows", with a hanging indent under its text."""
    print_text(wrapped(f"{label:<{LABEL_WIDTH}}{text}", LABEL_WIDTH), flush=True)


def wrapped(text: str, indent: int = 0) -> str:
    """Wrap lines that are longer than the terminal is wide; text for a pipe or a file is returned unchanged."""
    if not sys.stdout.isatty():
        return text
    width = max(MIN_WIDTH, shutil.get_terminal_size().columns)
    wrapper = textwrap.TextWrapper(width, subsequent_indent=" " * indent, tabsize=1)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return "\n".join(wrapper.fill(line) if len(line) > width else line for line in text.splitlines())
