"""Lines that a command prints: broken at words where the terminal ends, one a fact where the output is a pipe."""

from __future__ import annotations

import shutil
import sys
import textwrap

INDENT = 10  # columns that the name of a fact takes


def say(name: str, text: object) -> None:
    """A fact in a line, such as "Data      houses.csv: 200 rows"; what it goes on with stands under its text."""
    print(folded(f"{name:<{INDENT}}{text}", INDENT), flush=True)


def folded(text: str, indent: int = 0) -> str:
    """Lines broken at words where the terminal ends; in a pipe, whose reader breaks them itself, as they are."""
    if not sys.stdout.isatty():
        return text
    width = max(40, shutil.get_terminal_size().columns)
    return "\n".join(
        textwrap.fill(
            line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False, tabsize=1
        )
        if len(line) > width
        else line
        for line in text.splitlines()
    )
