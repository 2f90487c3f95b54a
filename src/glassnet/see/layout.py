"""Equations with their numbers laid out: as lines of text for a terminal of any width, and as HTML without a script.

Small arrays are shown whole, of large ones the rows and columns that were picked, with their numbers.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from glassnet.see.beats import Axis, Beat, Shown
from glassnet.see.trace import number

Picks = Mapping[Axis, Sequence[int]]
Line = tuple[str, str]  # a style (heading, formula, numbers, words) and the text


class Part(NamedTuple):
    """What is shown of an array: its cells as text, the numbers of its rows and columns where that is not all."""

    head: str
    cells: list[list[str]]
    rows: list[str]
    columns: list[str]


def part(shown: Shown, picks: Picks) -> Part:
    """The picked rows and columns of an array, each column as wide as its widest cell."""
    kept = [list(picks.get(axis, range(size))) for axis, size in zip(shown.axes, shown.values.shape, strict=True)]
    rows, columns = ([k for k in found if k < size] for found, size in zip(kept, shown.values.shape, strict=True))
    whole = (len(rows), len(columns)) == shown.values.shape
    shape = f"({', '.join(map(str, shown.values.shape))})"
    texts = [
        aligned([*([] if whole else [str(j)]), *(number(float(shown.values[i, j])) for i in rows)]) for j in columns
    ]
    lines = [list(line) for line in zip(*texts, strict=True)]
    if whole:
        return Part(f"{shown.symbol} {shape}", lines, [], [])
    side = len(str(max(rows)))
    return Part(f"{shown.symbol} {shape} in part", lines[1:], [f"{row:>{side}}" for row in rows], lines[0])


def aligned(column: Sequence[str]) -> list[str]:
    """The cells of a column in one width, their decimal points under each other."""
    parts = [cell.partition(".") for cell in column]
    before, after = (max(len(part[0]) for part in parts), max(len(part[1] + part[2]) for part in parts))
    return [f"{whole:>{before}}{point + rest:<{after}}" for whole, point, rest in parts]


class Block(NamedTuple):
    """An array or a sign as lines of text: what stands above its rows, and its rows."""

    heads: list[str]
    rows: list[str]

    @property
    def width(self) -> int:
        """Of the longest line."""
        return max(map(len, self.heads + self.rows))

    def lines(self, heads: int, rows: int) -> list[str]:
        """As many lines of both, all as long as the longest; the rows stand in the middle of theirs."""
        above, width = (rows - len(self.rows)) // 2, self.width
        lines = [*self.heads, *[""] * (heads - len(self.heads) + above), *self.rows]
        return [f"{line:<{width}}" for line in lines + [""] * (heads + rows - len(lines))]


def block(term: Shown | str, picks: Picks) -> Block:
    """A sign, or an array: name and shape, then its rows in brackets, numbered where rows or columns are left out."""
    if isinstance(term, str):
        return Block([], [f" {term} "])
    found = part(term, picks)
    rows = [f"[ {'  '.join(cells)} ]" for cells in found.cells]
    if not found.rows:
        return Block([found.head], rows)
    numbers = f"{'':>{len(found.rows[0])}}   {'  '.join(found.columns)}"
    return Block([found.head, numbers], [f"{place} {row}" for place, row in zip(found.rows, rows, strict=True)])


def beside(terms: Sequence[Shown | str], picks: Picks, width: int) -> list[str]:
    """Arrays beside each other with the signs between them; what does not fit goes on below, behind its sign."""
    lines: list[str] = []
    row: list[Block] = []
    blocks = [block(term, picks) for term in terms]
    for term, found, following in zip(terms, blocks, [*blocks[1:], None], strict=True):
        needed = sum(one.width for one in (*row, found, *([following] if following else [])))
        if row and isinstance(term, str) and needed > width:
            lines += _joined(row)
            row = []
        row.append(found)
    return lines + _joined(row)


def _joined(blocks: list[Block]) -> list[str]:
    """Blocks side by side; a sign stands in the middle of the rows that it joins."""
    heads, rows = (max(len(found[k]) for found in blocks) for k in (0, 1))
    lines = zip(*(found.lines(heads, rows) for found in blocks), strict=True)
    return ["".join(parts).rstrip() for parts in lines]


def beat_lines(beat: Beat, picks: Picks, width: int) -> list[Line]:
    """A beat as lines of text with their styles."""
    lines: list[Line] = [("heading", f"{beat.label:<9}{beat.title}")]
    lines += words(beat.formula, width, "formula")
    lines += [("numbers", f"  {line}".rstrip()) for line in beside(beat.terms, picks, width - 2)]
    lines += words(beat.sentence, width)
    return [*lines, ("words", "")]


def words(text: str, width: int, style: str = "words") -> list[Line]:
    """A sentence broken into lines, never between a name, its sign = and its number."""
    held = re.sub(r"(?<=\S) ([=→]) (?=\S)", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(held, max(20, width - 2))
    return [(style, f"  {line}".replace("\N{NO-BREAK SPACE}", " ")) for line in lines]


# Colours are those of the page or cell around it, light or dark; what is too wide scrolls by itself.
STYLE = (
    "<style>.glassnet-step{font-family:sans-serif;max-width:60em;line-height:1.4;overflow-wrap:anywhere}"
    ".glassnet-step h4{margin:1.6em 0 .3em;border-top:1px solid rgba(128,128,128,.4);padding-top:.6em}"
    ".glassnet-step p{margin:.4em 0}.glassnet-step code{font-size:1.05em;background:none;color:inherit}"
    ".glassnet-step .terms{display:flex;flex-wrap:wrap;align-items:center;gap:.5em .6em;margin:.5em 0;overflow-x:auto}"
    ".glassnet-step .term{display:inline-flex;align-items:center;gap:.6em}"
    ".glassnet-step table{border-collapse:collapse;border:none;margin:0;font-size:.95em;background:none}"
    ".glassnet-step tr{background:none}.glassnet-step td,.glassnet-step th{border:none;padding:.1em .45em;"
    "white-space:pre;text-align:left;font-family:ui-monospace,monospace}"
    ".glassnet-step th{font-weight:normal;opacity:.75}"
    ".glassnet-step td:first-of-type{border-left:2px solid}.glassnet-step td:last-child{border-right:2px solid}"
    ".glassnet-step .name{white-space:nowrap;padding-bottom:.15em}</style>"
)
PAGE = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width,initial-scale=1'><meta name='color-scheme' content='light dark'>"
    "<title>One training step</title></head><body>{}</body></html>\n"
)


def beat_html(beat: Beat, picks: Picks) -> str:
    """A beat as HTML: a heading, the formula, tables each with the sign before it, the sentence."""
    terms, sign = "", ""
    for term in beat.terms:
        if isinstance(term, str):
            sign = f"<span>{escape(term)}</span>"
        else:
            terms += f"<span class='term'>{sign}{_table(part(term, picks))}</span>"
            sign = ""
    formula = f"<p><code>{escape(beat.formula)}</code></p>" if beat.formula else ""
    heading = f"<h4>{escape(beat.label)} · {escape(beat.title)}</h4>"
    return f"<section>{heading}{formula}<div class='terms'>{terms}</div><p>{escape(beat.sentence)}</p></section>"


def _table(found: Part) -> str:
    head = "".join(f"<th scope='col'>{column}</th>" for column in found.columns)
    rows = [f"<tr><th></th>{head}</tr>"] if head else []
    sides = [f"<th scope='row'>{row}</th>" for row in found.rows] or [""] * len(found.cells)
    for side, cells in zip(sides, found.cells, strict=True):
        rows.append(f"<tr>{side}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    name = escape(found.head)
    return f"<div><div class='name'>{name}</div><table aria-label='{name}'>{''.join(rows)}</table></div>"
