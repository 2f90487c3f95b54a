"""Results as HTML for a notebook: static, in the notebook's own colours and fonts, and everything escaped.

A result may contain text of a person, such as the names of columns. Before it, the result has its printed form, which
most of these functions only mark up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

LABEL = re.compile(r"([\w ]{1,24}): (?=\S)")  # "BP4: dW is transposed", "note: ..."
MARK = "←"  # the printed tables point at a wrong line with it


def lines_html(result: object) -> str:
    """The printed form as one paragraph per line, with what stands before a colon in bold."""
    return "".join(paragraph_html(line) for line in str(result).splitlines())


def paragraph_html(line: str) -> str:
    """A sentence, with its label in bold."""
    label = LABEL.match(line)
    bold = f"<b>{escape(label[1])}:</b> " if label else ""
    rest = line[label.end() :] if label else line
    return f"<p style='margin:0.3em 0;max-width:60em'>{bold}{escape(rest)}</p>"


def preformatted_html(result: object) -> str:
    """The printed form in its own columns, with the lines that are marked as wrong in bold."""
    lines = [f"<b>{escape(line)}</b>" if MARK in line else escape(line) for line in str(result).splitlines()]
    return "<pre style='overflow-x:auto;white-space:pre'>" + "\n".join(lines) + "</pre>"


def table_html(head: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A sentence and a table of text, the numbers to the right; the sentence alone without rows."""
    lines = [f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows]
    if not lines:
        return paragraph_html(head)
    names = "".join(f"<th>{escape(name)}</th>" for name in columns)
    table = f"<table style='white-space:nowrap'><tr>{names}</tr>{''.join(lines)}</table>"
    return f"{paragraph_html(head)}<div style='overflow-x:auto'>{table}</div>"


def _cell(text: str) -> str:
    side = "right" if text[-1:].isdigit() or text.endswith("%") else "left"
    return f"<td style='text-align:{side}'>{escape(text)}</td>"
