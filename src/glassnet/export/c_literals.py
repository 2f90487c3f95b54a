"""Numbers, texts and names as C has them."""

from __future__ import annotations

import re
from typing import Any

KEYWORDS = frozenset(
    (
        *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else"),
        *("enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register"),
        *("restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef"),
        *("union", "unsigned", "void", "volatile", "while", "asm"),
    )
)
KEYWORDS_OF_C23_AND_CPP = frozenset(
    (
        *("alignas", "alignof", "bool", "constexpr", "false", "nullptr", "static_assert", "thread_local", "true"),
        *("typeof", "typeof_unqual", "and", "and_eq", "bitand", "bitor", "catch", "char8_t", "char16_t", "char32_t"),
        *("class", "co_await", "co_return", "co_yield", "compl", "concept", "const_cast", "consteval", "constinit"),
        *("decltype", "delete", "dynamic_cast", "explicit", "export", "friend", "mutable", "namespace", "new"),
        *("noexcept", "not", "not_eq", "operator", "or", "or_eq", "private", "protected", "public"),
        *("reinterpret_cast", "requires", "static_cast", "template", "this", "throw", "try", "typeid", "typename"),
        *("using", "virtual", "wchar_t", "xor", "xor_eq"),
    )
)
MACROS = re.compile(  # of math.h and string.h, and those that compilers define for their platform
    r"NAN|NULL|INFINITY|SNAN\w*|HUGE\w*|MAXFLOAT|(FP|M|MATH)_\w+|math_errhandling|DOMAIN|SING|OVERFLOW|UNDERFLOW"
    r"|X?_?[TP]LOSS|EOF|linux|unix|i386|sun|vax|near|far"
)


def c_field(name: str) -> str:
    """An identifier as the name of a field, which is neither a keyword of C or C++ nor a macro."""
    reserved = name in KEYWORDS or name in KEYWORDS_OF_C23_AND_CPP or MACROS.fullmatch(name)
    return f"x_{name}" if reserved else name


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
