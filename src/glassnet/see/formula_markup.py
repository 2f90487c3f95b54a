"""The text of an equation as MathML, which browsers draw without any font or script of ours.

Every quantity in it carries its name as `data-part`, so that a page can light it up together with its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape

ROOT = "<math display='block'><mrow>{}</mrow></math>"
SUPERSCRIPTS = {"²": "<mn>2</mn>", "³": "<mn>3</mn>", "ᵀ": "<mi>T</mi>"}
CLOSING = {"(": ")", "[": "]", "{": "}"}
OPERATORS = {"·": "⋅", "Σ": "∑", "-": "−", "*": "⋅"}
TOKEN = re.compile(r"\d+(?:\.\d+)?(?:e[-−]?\d+)?|[^\W\d]\w*'?|\s+|.")
INDEXED = re.compile(r"([^\W\d]+?)(\d+)")


def mathml(text: str, quantities: Mapping[str, str]) -> str:
    """A formula, which may have several lines, as one <math> per line; `quantities` maps symbols to their names."""
    return "".join(ROOT.format(_Line(line, quantities).markup()) for line in text.split("\n") if line)


class _Line:
    """A line of a formula, read from left to right."""

    def __init__(self, text: str, quantities: Mapping[str, str]) -> None:
        self.quantities = quantities
        self.tokens, self.position = list(_tokens(text, tuple(quantities))), 0

    def markup(self, end: str = "") -> str:
        """All parts up to a closing sign, or to the end of the line."""
        parts: list[str] = []
        while self.position < len(self.tokens) and self.tokens[self.position] != end:
            token = self._next()
            if token in SUPERSCRIPTS and parts:
                parts[-1] = f"<msup>{parts[-1]}{SUPERSCRIPTS[token]}</msup>"
            elif token == "sqrt" and self._peek() == "(":
                parts.append(f"<msqrt>{self._inside(self._next())}</msqrt>")
            else:
                parts.append(self._part(token))
        return "".join(parts)

    def _next(self) -> str:
        self.position += 1
        return self.tokens[self.position - 1]

    def _peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def _inside(self, opening: str) -> str:
        """What stands between a bracket, which was read, and its counterpart, which is read too."""
        inner = self.markup(CLOSING.get(opening, opening))
        self.position += 1
        return inner

    def _part(self, token: str) -> str:
        """One token, or a whole bracket."""
        if token in self.quantities:
            name = self.quantities[token]
            inner = symbol_markup(token, {key: value for key, value in self.quantities.items() if key != token})
            return f"<mrow data-part='{escape(name)}'>{inner}</mrow>"
        if token in CLOSING or token == "‖":
            closing = CLOSING.get(token, token)
            return f"<mrow><mo>{token}</mo>{self._inside(token)}<mo>{closing}</mo></mrow>"
        if token[0].isdigit():
            return f"<mn>{escape(token)}</mn>"
        if token == "½":
            return "<mfrac><mn>1</mn><mn>2</mn></mfrac>"
        if token[0].isalpha() and token not in OPERATORS:
            return _name(token)
        return f"<mo>{escape(OPERATORS.get(token, token))}</mo>"


def symbol_markup(text: str, quantities: Mapping[str, str]) -> str:
    """A quantity's symbol: W1 with its layer as an index, ∂c/∂a1 as a fraction, sigmoid'(z1) with its own parts."""
    if text.startswith("∂") and "/" in text:
        above, below = text.split("/", 1)
        return f"<mfrac>{_derivative(above)}{_derivative(below)}</mfrac>"
    if " " in text:  # a state of the optimiser: "mean w1"
        name, of = text.rsplit(" ", 1)
        return f"<msub><mi>{escape(name)}</mi>{_name(of)}</msub>"
    if len(list(_tokens(text, ()))) > 1:
        return _Line(text, quantities).markup()
    return _name(text)


def _derivative(text: str) -> str:
    return f"<mrow><mo>∂</mo>{_name(text.lstrip('∂'))}</mrow>"


def _name(text: str) -> str:
    """A name, with its trailing number as an index and its prime as a sign."""
    if text.endswith("'"):
        return f"<mrow>{_name(text[:-1])}<mo>′</mo></mrow>"
    match = INDEXED.fullmatch(text)
    if match:
        return f"<msub><mi>{escape(match[1].replace('_', ' '))}</mi><mn>{match[2]}</mn></msub>"
    return f"<mi>{escape(text.replace('_', ' '))}</mi>"


def _tokens(text: str, symbols: tuple[str, ...]) -> Iterator[str]:
    """Known symbols, the longest first, names, numbers, single signs; no spaces."""
    known, position = _known(symbols), 0
    while position < len(text):
        match = (known.match(text, position) if known else None) or TOKEN.match(text, position)
        assert match is not None, text  # the last alternative of TOKEN matches any sign
        if not match[0].isspace():
            yield match[0]
        position = match.end()


@lru_cache(maxsize=256)
def _known(symbols: tuple[str, ...]) -> re.Pattern[str] | None:
    """A pattern of these symbols as whole words."""
    longest_first = sorted(symbols, key=len, reverse=True)
    return re.compile(f"(?<![^\\W_])(?:{'|'.join(map(re.escape, longest_first))})(?![^\\W_ᵀ])") if symbols else None
