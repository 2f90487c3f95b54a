"""Notes on columns in the words of Python: an option of the command line becomes the argument of an estimator."""

from __future__ import annotations

import re

OPTION = re.compile(r"--(drop|number|category|date|keep|missing) ('[^']*'|[^\s;,]+)")
BARE = re.compile(r"--(drop|number|category|date|keep|missing)\b")
DECIMAL = re.compile(r"; --decimal \w+ overrules")


def python_note(note: str) -> str:
    """`--keep id overrules` as `keep=['id'] overrules`."""
    return BARE.sub(r"\1", OPTION.sub(_argument, DECIMAL.sub("; convert it to numbers to overrule", note)))


def _argument(match: re.Match[str]) -> str:
    value = match[2]
    name = value[1:-1] if value.startswith("'") else value
    return f"{match[1]}=[{name!r}]"
