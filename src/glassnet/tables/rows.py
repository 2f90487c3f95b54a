"""What all tables share: finding a row by its name, checking its settings, writing it down and making it again.

A description is plain data (text, numbers, lists, dicts) for a model file. A formula of a person's own is described by
its operations and made again from them; nothing from a file is ever run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from inspect import Parameter, signature
from math import inf
from numbers import Integral, Real
from typing import Any, TypeVar, cast

import numpy as np

from glassnet.errors import FormulaError, ModelFileError, ParameterError, ParameterTypeError, unknown
from glassnet.tables.formula import WORDS, Formula, check_dtype, trace
from glassnet.tables.interval import Interval

Row = TypeVar("Row")

Value = Any
"""What a formula works on: a NumPy array of float32 or float64, or a symbol while the formula is traced."""


def row_of(table: Mapping[str, type[Row]], what: str, word: Any, base: type[Row]) -> Row:
    """The row that `word` (a name, a row or a row's class) means; `what` names the argument in errors.

    Raises ParameterError for an unknown name, ParameterTypeError for anything else.
    """
    if isinstance(word, base):
        return word
    if isinstance(word, str):
        if word not in table:
            raise unknown(what, word, table)
        return table[word]()
    if isinstance(word, type) and issubclass(word, base) and word in table.values():
        return word()
    example = next(iter(table.values())).__name__
    known = ", ".join(table)
    raise ParameterTypeError(f"{what} must be a name or a row such as {example}(), not {word!r}; known: {known}.")


def check(row: Any, setting: str, allowed: Interval) -> None:
    """Raise unless a row's setting is a number in `allowed`; a NumPy number becomes Python's, which keeps the dtype."""
    value = getattr(row, setting)
    if isinstance(value, np.generic):
        value = value.item()
        object.__setattr__(row, setting, value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ParameterTypeError(f"{setting} of {type(row).__name__} must be a number, not {value!r}.")
    if allowed.outside(float(value)) is not None:
        raise ParameterError(f"{setting} of {type(row).__name__} must lie in {allowed}, not {value!r}.")


def check_whole(row: Any, setting: str, least: int) -> None:
    """Raise unless a row's setting is a whole number of at least `least`."""
    check(row, setting, Interval(least))
    if not isinstance(getattr(row, setting), Integral):
        raise ParameterTypeError(
            f"{setting} of {type(row).__name__} must be a whole number, not {getattr(row, setting)!r}."
        )


def check_flag(row: Any, setting: str) -> None:
    """Raise unless a row's setting is True or False."""
    if not isinstance(getattr(row, setting), bool):
        raise ParameterTypeError(
            f"{setting} of {type(row).__name__} must be True or False, not {getattr(row, setting)!r}."
        )


def check_sizes(row: Any, setting: str) -> None:
    """Raise unless a row's setting is a sequence of whole numbers of at least 1; it becomes a tuple of Python's int."""
    value, name = getattr(row, setting), f"{setting} of {type(row).__name__}"
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(value, (list, tuple)) or not all(
        isinstance(size, Integral) and not isinstance(size, bool) for size in value
    ):
        raise ParameterTypeError(f"{name} must be whole numbers such as (3, 5, 2), not {value!r:.100}.")
    sizes = tuple(int(size) for size in value)
    if any(size < 1 for size in sizes):
        raise ParameterError(f"{name} must be whole numbers of at least 1, not {value!r:.100}.")
    object.__setattr__(row, setting, sizes)


def own_name(table: Mapping[str, Any], what: str, name: Any) -> str:
    """The name of a person's own row: some text that no row of the table has."""
    if not isinstance(name, str) or not name.strip():
        raise ParameterTypeError(f"the name of an own {what} must be some text, not {name!r}.")
    if name in table:
        raise ParameterError(f"{name!r} is already the name of one of glassnet's {what}s; give your own another name.")
    return name


def own_formula(function: Any, inputs: int, name: str) -> Formula:
    """Trace a person's own formula with `inputs` inputs; errors name `name`."""
    if isinstance(function, Formula):
        return function
    if not callable(function):
        raise ParameterTypeError(f"the {name} must be a function, not {function!r}.")
    try:
        formula = trace(function, inputs)
        check_dtype(function, inputs, name)
    except FormulaError as error:
        raise FormulaError(f"in the {name}: {error}") from None
    except TypeError as error:
        raise FormulaError(f"the {name} cannot be called with {inputs} arrays: {error}.") from error
    return formula


def check_own(row: Any, formulas: Mapping[str, int], intervals: Iterable[str]) -> None:
    """Raise unless an own row's formulas have these numbers of inputs and one output, and its ranges are intervals."""
    for field, inputs in formulas.items():
        formula = getattr(row, field)
        if not isinstance(formula, Formula):
            raise ParameterTypeError(f"{field} of {row.name} must be a Formula, not {formula!r}.")
        if formula.inputs != inputs or len(formula.outputs) != 1:
            raise FormulaError(f"{field} of {row.name} must have {inputs} inputs and one output.")
    for field in intervals:
        if not isinstance(getattr(row, field), Interval):
            raise ParameterTypeError(f"{field} of {row.name} must be an Interval, not {getattr(row, field)!r}.")


def required_arguments(function: Callable[..., Any]) -> int:
    """How many arguments a function must be given by position (for NumPy's own functions, how many it takes)."""
    if isinstance(function, np.ufunc):
        return function.nin
    places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in places and p.default is Parameter.empty for p in signature(function).parameters.values())


def describe(row: Any) -> dict[str, Any]:
    """A row as plain data: its name and its settings."""
    return {"name": row.name, **{field.name: _plain(getattr(row, field.name)) for field in fields(row)}}


def rebuild(table: Mapping[str, type[Row]], description: Any, own: type[Row] | None = None) -> Row:
    """The row that `describe` wrote down; `own` is the class of rows that are not in the table.

    Raises ModelFileError where the description is not that of a row.
    """
    if not isinstance(description, Mapping) or not isinstance(description.get("name"), str):
        raise ModelFileError(f"a row's description must hold its name, not {description!r:.200}.")
    settings = {key: _row_value(value) for key, value in description.items()}
    kind = table.get(description["name"])
    if kind is not None:
        del settings["name"]
    elif own is not None and len(settings) > 1:
        kind = own
    else:
        raise ModelFileError(f"this version of glassnet has no row {description['name']!r}.")
    known = {field.name for field in fields(cast(Any, kind))}
    if not known.issuperset(settings):
        raise ModelFileError(f"{description['name']!r} has no setting {sorted(set(settings) - known)[0]!r}.")
    return _made(kind, settings)


def _made(kind: type[Row], settings: dict[str, Any]) -> Row:
    try:
        return kind(**settings)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"the description of a {kind.__name__} is damaged: {error}") from None


def _plain(value: Any) -> Any:
    """A setting as plain data; an infinite end of an interval is written as None."""
    if isinstance(value, Formula):
        operations = [[operation.name, list(operation.arguments)] for operation in value.operations]
        return {"inputs": value.inputs, "operations": operations, "outputs": list(value.outputs)}
    if isinstance(value, Interval):
        low, high = (None if abs(end) == inf else end for end in (value.low, value.high))
        return {"low": low, "high": high, "low_closed": value.low_closed, "high_closed": value.high_closed}
    return value


def _row_value(plain: Any) -> Any:
    """The setting that `_plain` wrote down."""
    if not isinstance(plain, Mapping):
        return plain
    try:
        if "operations" in plain:
            return _formula(plain["inputs"], plain["operations"], plain["outputs"])
        low = -inf if plain["low"] is None else float(plain["low"])
        high = inf if plain["high"] is None else float(plain["high"])
        return Interval(low, high, bool(plain["low_closed"]), bool(plain["high_closed"]))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelFileError(f"a formula or range in this description is damaged: {error}") from None


def _formula(inputs: int, operations: Any, outputs: Any) -> Formula:
    """Trace the listed operations again: every word, index and power is checked as in a fresh formula."""
    if inputs not in (1, 2):
        raise ValueError(f"{inputs!r} inputs")

    def again(*values: Any) -> tuple[Any, ...]:
        known = list(values)

        def value(argument: Any) -> Any:
            if isinstance(argument, float):
                return argument
            if type(argument) is not int or argument < 0:
                raise ValueError(f"{argument!r} is no value")
            return known[argument]

        for name, arguments in operations:
            known.append(WORDS[name](*map(value, arguments)))
        return tuple(map(value, outputs))

    return trace(again, inputs)
