"""Equations with their numbers laid out: as lines of text for a terminal of any width, and as HTML without a script.

Small arrays are shown whole, of large ones the rows and columns that were picked, with their numbers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from glassnet.see.beats import Axis, Beat, Shown
from glassnet.see.trace import number

Picks = Mapping[Axis, Sequence[int]]
Line = tuple[str, str]  # a style (heading, formula, numbers, words) and the text


class Part(NamedTuple):
    """What is shown of an array: its cells as text, the numbers of its rows and columns, and whether that is all."""

    head: str
    cells: list[list[str]]
    rows: list[int]
    columns: list[int]
    whole: bool


def part(shown: Shown, picks: Picks) -> Part:
    """The picked rows and columns of an array."""
    kept = [list(picks.get(axis, range(size))) for axis, size in zip(shown.axes, shown.values.shape, strict=True)]
    rows, columns = ([k for k in found if k < size] for found, size in zip(kept, shown.values.shape, strict=True))
    cells = [[number(float(shown.values[i, j])) for j in columns] for i in rows]
    whole = (len(rows), len(columns)) == shown.values.shape
    shape = f"({', '.join(map(str, shown.values.shape))})"
    return Part(f"{shown.symbol} {shape}{'' if whole else ' in part'}", cells, rows, columns, whole)


def block(shown: Shown, picks: Picks) -> list[str]:
    """An array as lines: name and shape, then its rows in brackets; numbered where rows or columns are left out."""
    found = part(shown, picks)
    cells = found.cells if found.whole else [[*map(str, found.columns)], *found.cells]
    wide = [max(len(row[k]) for row in cells) for k in range(len(found.columns))]
    texts = ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, wide, strict=True)) for row in cells]
    if found.whole:
        return [found.head, *(f"[ {text} ]" for text in texts)]
    side = max(len(str(row)) for row in found.rows)
    body = [f"{row:>{side}} [ {text} ]" for row, text in zip(found.rows, texts[1:], strict=True)]
    return [found.head, f"{'':>{side}}   {texts[0]}", *body]


def beside(terms: Sequence[Shown | str], picks: Picks, width: int) -> list[str]:
    """Arrays beside each other with the signs between them; what does not fit goes on below."""
    blocks = [[f" {term} "] if isinstance(term, str) else block(term, picks) for term in terms]
    lines: list[str] = []
    row: list[list[str]] = []
    for place, found in enumerate(blocks):
        sign = isinstance(terms[place], str)
        needed = sum(map(_wide, [*row, found])) + (
            0 if not sign or place + 1 == len(blocks) else _wide(blocks[place + 1])
        )
        if row and sign and needed > width:
            lines += _joined(row)
            row = []
        row.append(found)
    return lines + _joined(row)


def _wide(lines: list[str]) -> int:
    return max(map(len, lines))


def _joined(blocks: list[list[str]]) -> list[str]:
    """Blocks side by side; a sign stands in the middle of what it joins."""
    height = max(map(len, blocks))
    padded = []
    for found in blocks:
        wide = _wide(found)
        body = len(found) - 1
        above = (height - 1 - max(body, 1)) // 2
        lines = [*found[:1], *[""] * above, *found[1:]] if body else ["", *[""] * above, *found]
        padded.append([f"{line:<{wide}}" for line in lines + [""] * (height - len(lines))])
    return ["".join(found[k] for found in padded).rstrip() for k in range(height)]


def beat_lines(beat: Beat, picks: Picks, width: int) -> list[Line]:
    """A beat as lines of text with their styles."""
    lines: list[Line] = [("heading", f"{beat.label:<9}{beat.title}")]
    lines += words(beat.formula, width, "formula")
    lines += [("numbers", f"  {line}".rstrip()) for line in beside(beat.terms, picks, width - 2)]
    lines += words(beat.sentence, width)
    return [*lines, ("words", "")]


def words(text: str, width: int, style: str = "words") -> list[Line]:
    """A sentence broken into lines."""
    return [(style, f"  {line}") for line in textwrap.wrap(text, max(20, width - 2))]


STYLE = (
    "<style>.glassnet-step{font-family:sans-serif;max-width:60em}.glassnet-step h4{margin:1em 0 .2em}"
    ".glassnet-step .terms{display:flex;flex-wrap:wrap;align-items:center;gap:.6em;margin:.3em 0}"
    ".glassnet-step table{border-collapse:collapse;border-left:2px solid;border-right:2px solid}"
    ".glassnet-step td{padding:.1em .5em;text-align:right;font-variant-numeric:tabular-nums}"
    ".glassnet-step th{padding:.1em .5em;font-weight:normal;opacity:.7}.glassnet-step caption{white-space:nowrap}"
    "</style>"
)


def beat_html(beat: Beat, picks: Picks) -> str:
    """A beat as HTML: a heading, the formula, tables with the signs between them, the sentence."""
    terms = "".join(
        f"<span>{escape(term)}</span>" if isinstance(term, str) else _table(part(term, picks)) for term in beat.terms
    )
    formula = f"<p><code>{escape(beat.formula)}</code></p>" if beat.formula else ""
    heading = f"<h4>{escape(beat.label)} · {escape(beat.title)}</h4>"
    return f"<section>{heading}{formula}<div class='terms'>{terms}</div><p>{escape(beat.sentence)}</p></section>"


def _table(found: Part) -> str:
    head = "" if found.whole else "".join(f"<th scope='col'>{column}</th>" for column in found.columns)
    rows = [f"<tr><th></th>{head}</tr>"] if head else []
    for row, cells in zip(found.rows, found.cells, strict=True):
        side = "" if found.whole else f"<th scope='row'>{row}</th>"
        rows.append(f"<tr>{side}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f"<table><caption>{escape(found.head)}</caption>{''.join(rows)}</table>"
