"""Lays out equations with their numbers: as lines of text for a terminal of any width, and as HTML without a script.

Small arrays are shown whole. Of large ones, selected rows and columns are shown with their indices.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from glassnet.see.stage import Axis, LabelledArray, Stage
from glassnet.see.trace import number

Picks = Mapping[Axis, Sequence[int]]
Line = tuple[str, str]  # a style (heading, formula, numbers, sentence) and the text


class Cells(NamedTuple):
    """An array as cells of text; `rows` and `columns` are the indices of those that are shown, empty if all are."""

    head: str
    cells: list[list[str]]
    rows: list[str]
    columns: list[str]


def cells_of(array: LabelledArray, picks: Picks) -> Cells:
    """The picked rows and columns of an array, each column as wide as its widest cell."""
    values, shape = array.values, array.values.shape
    rows, columns = (
        [index for index in picks.get(axis, range(size)) if index < size]
        for axis, size in zip(array.axes, shape, strict=True)
    )
    head = f"{array.symbol} ({', '.join(map(str, shape))})"
    is_whole = (len(rows), len(columns)) == shape
    texts = [aligned([*([] if is_whole else [str(j)]), *(number(float(values[i, j])) for i in rows)]) for j in columns]
    lines = [list(line) for line in zip(*texts, strict=True)]
    if is_whole:
        return Cells(head, lines, [], [])
    width = len(str(max(rows)))
    return Cells(f"{head} in part", lines[1:], [f"{row:>{width}}" for row in rows], lines[0])


def aligned(column: Sequence[str]) -> list[str]:
    """The cells of a column in one width, their decimal points below each other."""
    parts = [cell.partition(".") for cell in column]
    before, after = (max(len(part[0]) for part in parts), max(len(part[1] + part[2]) for part in parts))
    return [f"{whole:>{before}}{point + rest:<{after}}" for whole, point, rest in parts]


class Block(NamedTuple):
    """An array or a sign as lines of text: headings and rows."""

    heads: list[str]
    rows: list[str]

    @property
    def width(self) -> int:
        """The length of the longest line."""
        return max(map(len, self.heads + self.rows))

    def lines(self, heads: int, rows: int) -> list[str]:
        """The block with this many lines for heading and rows, all of one length; the rows are centred vertically."""
        above, width = (rows - len(self.rows)) // 2, self.width
        lines = [*self.heads, *[""] * (heads - len(self.heads) + above), *self.rows]
        return [f"{line:<{width}}" for line in lines + [""] * (heads + rows - len(lines))]


def block(term: LabelledArray | str, picks: Picks) -> Block:
    """A sign, or an array: name and shape, then its rows in brackets, with indices where some are left out."""
    if isinstance(term, str):
        return Block([], [f" {term} "])
    cells = cells_of(term, picks)
    rows = [f"[ {'  '.join(line)} ]" for line in cells.cells]
    if not cells.rows:
        return Block([cells.head], rows)
    columns = f"{'':>{len(cells.rows[0])}}   {'  '.join(cells.columns)}"
    return Block([cells.head, columns], [f"{index} {row}" for index, row in zip(cells.rows, rows, strict=True)])


def beside(terms: Sequence[LabelledArray | str], picks: Picks, width: int) -> list[str]:
    """Arrays next to each other with the signs between them; what does not fit continues below, after its sign."""
    lines: list[str] = []
    group: list[Block] = []
    blocks = [block(term, picks) for term in terms]
    for term, current, following in zip(terms, blocks, [*blocks[1:], None], strict=True):
        needed = sum(one.width for one in (*group, current, *([following] if following else [])))
        if group and isinstance(term, str) and needed > width:
            lines += _joined(group)
            group = []
        group.append(current)
    return lines + _joined(group)


def _joined(blocks: list[Block]) -> list[str]:
    """Blocks side by side; a sign is centred beside the rows that it joins."""
    heads, rows = max(len(each.heads) for each in blocks), max(len(each.rows) for each in blocks)
    lines = zip(*(each.lines(heads, rows) for each in blocks), strict=True)
    return ["".join(parts).rstrip() for parts in lines]


def stage_lines(stage: Stage, picks: Picks, width: int) -> list[Line]:
    """A stage as lines of text with their styles."""
    lines: list[Line] = [("heading", f"{stage.label:<9}{stage.title}")]
    lines += [line for formula in stage.formula.split("\n") for line in wrapped(formula, width, "formula")]
    lines += [("numbers", f"  {line}".rstrip()) for line in beside(stage.terms, picks, width - 2)]
    lines += wrapped(stage.sentence, width)
    return [*lines, ("sentence", "")]


def wrapped(text: str, width: int, style: str = "sentence") -> list[Line]:
    """A sentence broken into lines, never between a name, its sign = and its number."""
    unbroken = re.sub(r"(?<=\S) ([=→]) (?=\S)", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(unbroken, max(20, width - 2))
    return [(style, f"  {line}".replace("\N{NO-BREAK SPACE}", " ")) for line in lines]


# The colours are those of the surrounding page or cell, light or dark; a line below a number has a colour by its sign,
# which its minus and the dashes of the line say as well. What is too wide scrolls on its own.
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
    ".glassnet-step .above{text-decoration:underline solid 2px #e66100;text-underline-offset:.3em}"
    ".glassnet-step .below{text-decoration:underline dashed 2px #8e6bd0;text-underline-offset:.3em}"
    ".glassnet-step .name{white-space:nowrap;padding-bottom:.15em}</style>"
)
PAGE = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width,initial-scale=1'><meta name='color-scheme' content='light dark'>"
    "<title>One training step</title></head><body>{}</body></html>\n"
)


def stage_html(stage: Stage, picks: Picks) -> str:
    """A stage as HTML: a heading, the formula, tables each with the sign before it, the sentence."""
    terms, sign = "", ""
    for term in stage.terms:
        if isinstance(term, str):
            sign = f"<span>{escape(term)}</span>"
        else:
            terms += f"<span class='term'>{sign}{_table(cells_of(term, picks))}</span>"
            sign = ""
    formula = "".join(f"<p><code>{escape(line)}</code></p>" for line in stage.formula.split("\n") if line)
    heading = f"<h4>{escape(stage.label)} · {escape(stage.title)}</h4>"
    return f"<section>{heading}{formula}<div class='terms'>{terms}</div><p>{escape(stage.sentence)}</p></section>"


def _table(cells: Cells) -> str:
    """An array as an HTML table with its name above it."""
    head = "".join(f"<th scope='col'>{column}</th>" for column in cells.columns)
    rows = [f"<tr><th></th>{head}</tr>"] if head else []
    indices = [f"<th scope='row'>{row}</th>" for row in cells.rows] or [""] * len(cells.cells)
    for index, line in zip(indices, cells.cells, strict=True):
        rows.append(f"<tr>{index}{''.join(f'<td{_sign_class(cell)}>{cell}</td>' for cell in line)}</tr>")
    name = escape(cells.head)
    return f"<div><div class='name'>{name}</div><table aria-label='{name}'>{''.join(rows)}</table></div>"


def _sign_class(cell: str) -> str:
    """The class of a cell by the sign of its number; none for 0 and for what is no number."""
    text = cell.strip()
    if text.startswith("−"):
        return " class='below'"
    return " class='above'" if any(digit in text for digit in "123456789") or text == "inf" else ""
