"""Docstrings as numpydoc reads them: ours keep a parameter's description on the line of its name.

`name : what it is, which goes on` in the next line is one sentence, not a type and a description; numpydoc gets it as
a name with a description. Paragraphs behind a section, such as "Raises ...", become notes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from ext.rst import prose

NAMED = re.compile(r"([\w*][\w*, ]*?) : (.+)")
TYPE_ALIAS = re.compile(r"TypeAliasForwardRef\('(\w+)'\)")
CONSTANT = re.compile(r"(?<== )[A-Z][A-Z_]+(?=[,)])")
LISTS = {"Parameters", "Attributes"}
OTHER = {"Returns", "Yields", "Raises", "Notes", "Examples", "See Also", "References", "Warns"}


def rewrite(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """The handler of autodoc-process-docstring, called before numpydoc's."""
    lines[:] = converted(lines)


def bare(app: Any, what: str, name: str, obj: Any, options: Any, signature: str, returns: str) -> Any:
    """The handler of autodoc-process-signature: readable types, and no arguments of an exception, which one catches."""
    return ("", "") if what == "exception" else (readable(signature, obj), readable(returns, obj))


def readable(signature: str | None, obj: Any) -> str | None:
    """A signature with the names of types, which evaluation expands, and with the values of constants."""
    from numpy.typing import ArrayLike
    from sphinx.util.typing import stringify_annotation

    if signature is None:
        return None
    function = inspect.unwrap(getattr(obj, "__init__", obj) if inspect.isclass(obj) else obj)
    constants = getattr(function, "__globals__", {})
    signature = TYPE_ALIAS.sub(r"\1", signature).replace(stringify_annotation(ArrayLike, "smart"), "ArrayLike")
    return CONSTANT.sub(lambda match: repr(constants.get(match[0], match[0])), signature)


def without_entry(app: Any, domain: str, kind: str, content: Any) -> None:
    """The handler of object-description-transform: a class stands in the contents by its heading, once."""
    if kind in ("class", "exception", "function"):
        content.parent["no-contents-entry"] = True


def converted(lines: list[str]) -> list[str]:
    """The lines of a docstring in numpydoc's form."""
    head: list[str] = []
    sections: dict[str, list[str]] = {}
    notes: list[str] = []
    section = ""
    for block in blocks(lines):
        if len(block) > 1 and block[0] in LISTS | OTHER and set(block[1]) == {"-"}:
            section, block = block[0], block[2:]
        if section in ("", "Parameters", "Attributes") and all(NAMED.match(line) for line in first_lines(block)):
            # without a heading, a paragraph of "name : description" lines lists the parameters
            sections.setdefault(section or "Parameters", []).extend(entries(block))
        elif section in OTHER:
            sections.setdefault(section, []).extend([*text(block), ""])
        else:
            (notes if section else head).extend([*text(block), ""])
    if notes:
        sections["Notes"] = [*notes, *sections.get("Notes", [])]
    return [*head, *(line for title, body in sections.items() for line in (title, "-" * len(title), *body, ""))]


def blocks(lines: list[str]) -> Iterator[list[str]]:
    """The paragraphs; what is indented behind an empty line belongs to the paragraph before it."""
    block: list[str] = []
    for line in lines:
        if block and not block[-1].strip() and line.strip() and not line.startswith(" "):
            yield stripped(block)
            block = []
        block.append(line)
    if stripped(block):
        yield stripped(block)


def stripped(block: list[str]) -> list[str]:
    """Without empty lines at the end."""
    while block and not block[-1].strip():
        block = block[:-1]
    return block


def first_lines(block: list[str]) -> list[str]:
    """The lines that are not indented."""
    return [line for line in block if line.strip() and not line.startswith(" ")]


def entries(block: list[str]) -> Iterator[str]:
    """Each `name : description` as numpydoc's name and indented description."""
    for line in block:
        match = NAMED.match(line)
        if match and not line.startswith(" "):
            yield match[1]
            yield f"    {prose(match[2])}"
        else:
            yield f"    {prose(line.strip())}" if line.strip() else ""


def text(block: list[str]) -> list[str]:
    """A paragraph of prose, or code, which stays as it is."""
    if block[0].lstrip().startswith(">>>"):
        return block
    return [prose(line) if line.strip() and not line.startswith("    ") else line for line in block]
