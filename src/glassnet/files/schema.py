"""What plain data from a file must be: a schema says it, and is checked before anything is made of the data.

A schema is a function of a value and its place, which raises ValueError, a phrase, where the value is anything else.
Each kind of document has one, beside the functions that write and read it.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from glassnet.errors import printable

Schema = Callable[[Any, str], None]
MAX_WHOLE = (1 << 63) - 1
MAX_CHARACTERS = 1000  # of a text that is a name or a sentence
MAX_DEPTH = 6  # of data of which no more is known than that it is plain


def whole(low: int = 0, high: int = MAX_WHOLE) -> Schema:
    """A whole number from `low` to `high`."""

    def check(value: Any, path: str) -> None:
        if type(value) is not int or not low <= value <= high:
            _fail(value, path, f"a whole number from {low} to {high}")

    return check


def real(low: float = -math.inf) -> Schema:
    """A finite number of at least `low`."""

    def check(value: Any, path: str) -> None:
        if type(value) not in (int, float) or not math.isfinite(value) or value < low:
            _fail(value, path, "a finite number" if low == -math.inf else f"a finite number of at least {low:g}")

    return check


def text(most: int = MAX_CHARACTERS) -> Schema:
    """Text of at most so many characters."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str) or len(value) > most:
            _fail(value, path, f"text of at most {most:,} characters")

    return check


def flag(value: Any, path: str) -> None:
    """Either true or false."""
    if type(value) is not bool:
        _fail(value, path, "true or false")


def one_of(*values: Any) -> Schema:
    """One of these values, of the same type."""

    def check(value: Any, path: str) -> None:
        if not any(type(value) is type(known) and value == known for known in values):
            _fail(value, path, f"one of {', '.join(map(str, values))}")

    return check


def optional(schema: Schema) -> Schema:
    """The same, or null."""

    def check(value: Any, path: str) -> None:
        if value is not None:
            schema(value, path)

    return check


def either(*schemas: Schema) -> Schema:
    """What the first of these accepts for its type: a list or an object goes to the last one."""

    def check(value: Any, path: str) -> None:
        schemas[-1 if isinstance(value, (dict, list)) else 0](value, path)

    return check


def each(schema: Schema, most: int, least: int = 0) -> Schema:
    """A list of `least` to `most` such values."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            _fail(value, path, f"a list of {least:,} to {most:,} values" if least != most else f"{most:,} values")
        for index, item in enumerate(value):
            schema(item, f"{path}[{index}]")

    return check


def row(*schemas: Schema) -> Schema:
    """A list with one value for each of these."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list) or len(value) != len(schemas):
            _fail(value, path, f"{len(schemas)} values")
        for index, (item, schema) in enumerate(zip(value, schemas, strict=True)):
            schema(item, f"{path}[{index}]")

    return check


def mapping(schema: Schema) -> Schema:
    """An object with any names and such values."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            _fail(value, path, "an object")
        for name, item in value.items():
            schema(item, _inside(path, name))

    return check


def fields(
    required: Mapping[str, Schema], possible: Mapping[str, Schema] | None = None, others: Schema | None = None
) -> Schema:
    """An object with all `required` and any of the `possible` names; values under other names are plain by default."""
    known = {**required, **(possible or {})}

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            _fail(value, path, "an object")
        for name in required:
            if name not in value:
                raise ValueError(f"{path or 'its document'} lacks {name!r}")
        for name, item in value.items():
            known.get(name, others or plain)(item, _inside(path, name))

    return check


def anything(value: Any, path: str) -> None:
    """What is checked elsewhere, or belongs to the person who saved it."""


def plain(value: Any, path: str, depth: int = MAX_DEPTH) -> None:
    """Anything that JSON can hold, which is not nested deeper than MAX_DEPTH."""
    if isinstance(value, (dict, list)):
        if not depth:
            raise ValueError(f"{path} is nested too deeply")
        for item in value.values() if isinstance(value, dict) else value:
            plain(item, path, depth - 1)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name[:60]}" if path else name[:60]


def _fail(value: Any, path: str, wanted: str) -> NoReturn:
    raise ValueError(f"{path or 'its document'} is {reprlib.repr(value)[:60]}; it must be {wanted}")


def name(value: Any, path: str) -> None:
    """Text that names an entry of a table, and can be printed as it is."""
    text()(value, path)
    if printable(value) != value:
        _fail(value, path, "text without control codes")


ENTRY = fields({"name": name})  # of a table, as tables/entry.py describes it
