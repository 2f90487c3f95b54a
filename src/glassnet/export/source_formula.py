"""A formula as statements of a programming language: one per operation, as the compiled kernels have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from glassnet.tables.formula import COMPARISONS, Argument, Formula

UNROUNDED = (*COMPARISONS, "where", "maximum", "minimum", "negative", "absolute", "sign")  # exact in any precision
OPERATORS: dict[str, str] = {
    **{"add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "negative": "-{}"},
    **{"greater": "{} > {}", "greater_equal": "{} >= {}", "less": "{} < {}", "less_equal": "{} <= {}"},
    **{"equal": "{} == {}", "not_equal": "{} != {}"},
}


class Spelling(NamedTuple):
    """How a language writes operations, constants, and the statement that gives a value a name.

    `operations` are templates; `rounded` is a template that rounds to float32, empty where nothing has to be rounded.
    """

    operations: Mapping[str, str]
    constant: Callable[[float], str]
    statement: str
    rounded: str = ""


def formula_lines(formula: Formula, names: Sequence[str], spelling: Spelling) -> tuple[list[str], str]:
    """The statements that compute a formula of one output, and the expression of its result."""
    values = list(names)
    lines = []

    def text(argument: Argument) -> str:
        return values[argument] if isinstance(argument, int) else spelling.constant(argument)

    for number, (name, arguments) in enumerate(formula.operations):
        expression = _expression(name, arguments, text, spelling)
        values.append(f"v{number}")
        lines.append(spelling.statement.format(values[-1], expression))
    return _without_last_name(lines, text(formula.outputs[0]), spelling)


def _expression(name: str, arguments: Sequence[Argument], text: Callable[[Argument], str], spelling: Spelling) -> str:
    if name == "power":
        expression = " * ".join([text(arguments[0])] * int(arguments[1]))
    else:
        expression = spelling.operations[name].format(*map(text, arguments))
    return spelling.rounded.format(expression) if spelling.rounded and name not in UNROUNDED else expression


def _without_last_name(lines: list[str], result: str, spelling: Spelling) -> tuple[list[str], str]:
    """The last statement as the result itself, where it is that."""
    start = spelling.statement.format(result, "\0").split("\0")[0]
    if lines and lines[-1].startswith(start):
        return lines[:-1], lines[-1].removeprefix(start).removesuffix(spelling.statement.split("{}")[-1])
    return lines, result
