"""Numbers, texts and names as C has them."""

from __future__ import annotations

from typing import Any

KEYWORDS = frozenset(
    (
        *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else"),
        *("enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register"),
        *("restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef"),
        *("union", "unsigned", "void", "volatile", "while", "asm"),
    )
)


def c_class_type(values: tuple[Any, ...]) -> str:
    """The type of classes that are no text."""
    if isinstance(values[0], bool):
        return "int"
    return "long long" if all(isinstance(value, int) for value in values) else "double"


def c_number(text: str, suffix: str = "") -> str:
    """A number as Python writes it, in C."""
    if text in ("True", "False"):
        return str(int(text == "True"))
    if "inf" in text or "nan" in text:
        return text.replace("inf", "INFINITY").replace("nan", "NAN")
    return text + suffix


def c_text(text: str) -> str:
    """A string literal, its bytes as UTF-8."""
    plain = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode())
    return f'"{plain}"'


def c_cell(value: Any) -> str:
    """A cell of a test row."""
    if value is None:
        return "NULL"
    return c_text(value) if isinstance(value, str) else c_number(repr(float(value)))
