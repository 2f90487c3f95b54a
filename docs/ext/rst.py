"""Text, headings and pictures as reStructuredText, in which the generated pages are written.

The docstrings and helps of glassnet mark code with single backticks and use |, * and a trailing _ as mathematics and
Python do; here those signs are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import indent

CODE = re.compile(r"(``[^`]+``|`[^`]+`)")
SIGNS = re.compile(r"([\\*|]|(?<=\w)_(?!\w))")
UNDERLINES = "=-~^"


def prose(text: str) -> str:
    """A sentence or more, with its code in double backticks and every other sign as it is."""
    parts = CODE.split(text)
    return "".join(f"``{part.strip('`')}``" if CODE.fullmatch(part) else SIGNS.sub(r"\\\1", part) for part in parts)


def heading(text: str, level: int = 0) -> str:
    """A heading; level 0 is the title of a page."""
    escaped = prose(text)
    return f"{escaped}\n{UNDERLINES[level] * len(escaped)}\n"


def label(name: str) -> str:
    """A target that other pages can link to."""
    return f".. _{name}:\n"


def directive(name: str, argument: str = "", body: str = "", **options: str) -> str:
    """A directive with its options and its body."""
    lines = [f".. {name}:: {argument}".rstrip(), *(f"   :{key}: {value}".rstrip() for key, value in options.items())]
    return "\n".join([*lines, "", *([indent(body, "   "), ""] if body else [])])


def literal(text: str, language: str = "text") -> str:
    """A block of code."""
    return directive("code-block", language, text)


def html(markup: str) -> str:
    """HTML that is written as it is."""
    return directive("raw", "html", markup)


def fields(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of names and what they are; the texts are reStructuredText already."""
    return "\n".join(f":{name}: {text}" for name, text in pairs) + "\n"


def contents(pages: Iterable[str], caption: str) -> str:
    """The pages below this one, which the navigation shows under the caption."""
    return directive("toctree", body="\n".join(pages), hidden="", maxdepth="1", caption=caption)


def picture(path: str, alternative: str) -> str:
    """A picture that was drawn twice: PATH-light.svg for a light page, PATH-dark.svg for a dark one."""
    return "\n".join(
        directive("image", f"{path}-{theme}.svg", alt=prose(alternative), **{"class": f"only-{theme}"})
        for theme in ("light", "dark")
    )
