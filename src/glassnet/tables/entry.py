"""What the entries of all tables share: look-up by name, checks of their settings, and descriptions for files.

A description is plain data (strings, numbers, lists, dicts) that a model file can hold. A custom formula is described
by its operations and rebuilt from them; code from a file is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from inspect import Parameter, signature
from math import inf
from numbers import Integral, Real
from typing import Any, ClassVar, TypeVar, cast

import numpy as np

from glassnet.array_likes import short_repr, to_float
from glassnet.errors import FormulaError, GlassnetError, ModelFileError, ParameterError, ParameterTypeError, printable
from glassnet.tables.formula import FUNCTIONS, Formula, check_dtype, trace
from glassnet.tables.interval import Interval
from glassnet.tables.library_names import Output, own_name

Limits = Mapping[str, Interval | int]
Value = Any
"""An operand of a formula: a NumPy array of float32 or float64, or a symbol while the formula is traced."""


class Entry:
    """An entry of a table; its settings are the fields of a dataclass.

    `limits` has the ranges of the numbers among them: an interval, or the smallest of the whole numbers that a setting
    may be. A setting whose default is None may be None.
    """

    name: str
    source: str
    limits: ClassVar[Limits] = {}

    def __post_init__(self) -> None:
        for setting, allowed in self.limits.items():
            if getattr(self, setting) is not None or getattr(type(self), setting) is not None:
                check_number(self, setting, allowed)
        for field in fields(cast(Any, self)):
            if isinstance(field.default, bool):
                check_bool(self, field.name)


EntryType = TypeVar("EntryType", bound=Entry)


def resolve_entry(
    table: Mapping[str, type[EntryType]],
    what: str,
    identifier: Any,
    base: type[EntryType],
    output: Output | None = None,
) -> EntryType:
    """The entry that `identifier` (a name, an entry or its class) refers to; `what` names the argument in errors.

    A name may be another library's (library_names.py); `output` is what a cost is taken of, where that is known.
    Raises ParameterError for an unknown name, ParameterTypeError for anything else.
    """
    if isinstance(identifier, base):
        return identifier
    if isinstance(identifier, str):
        return table[own_name(table, what, identifier, output)]()
    if isinstance(identifier, type) and issubclass(identifier, base) and identifier in table.values():
        return identifier()
    example = next(iter(table.values())).__name__
    raise ParameterTypeError(
        f"{what} must be a name or an instance such as {example}(), not {identifier!r}; known: {', '.join(table)}."
    )


def is_plain(entry: Any, table: Mapping[str, type[Any]]) -> bool:
    """Whether an entry is that of its table, with its usual settings."""
    kind = table.get(entry.name)
    try:
        return kind is not None and type(entry) is kind and entry == kind()
    except (GlassnetError, TypeError):  # an entry that needs settings
        return False


def check_number(entry: Any, setting: str, allowed: Interval | int) -> None:
    """Raise unless the setting is a number that the limit allows; a NumPy scalar becomes a Python number."""
    value, interval = getattr(entry, setting), Interval(allowed) if isinstance(allowed, int) else allowed
    if isinstance(value, np.generic):
        value = value.item()
        object.__setattr__(entry, setting, value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _wrong_type(entry, setting, value, "a number")
    if interval.first_outside(to_float(value)) is not None:
        raise ParameterError(f"{setting} of {type(entry).__name__} must lie in {interval}, not {short_repr(value)}.")
    if isinstance(allowed, int) and not isinstance(value, Integral):
        raise _wrong_type(entry, setting, value, "a whole number")


def check_bool(entry: Any, setting: str) -> None:
    """Raise unless the setting is True or False."""
    value = getattr(entry, setting)
    if not isinstance(value, bool):
        raise _wrong_type(entry, setting, value, "True or False")


def check_sizes(entry: Any, setting: str, least: int = 1) -> None:
    """Raise unless the setting is a sequence of whole numbers of at least `least`; store it as a tuple of ints."""
    value = getattr(entry, setting)
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(value, (list, tuple)) or not all(
        isinstance(size, Integral) and not isinstance(size, bool) for size in value
    ):
        raise _wrong_type(entry, setting, value, "whole numbers such as (3, 5, 2)")
    sizes = tuple(int(size) for size in value)
    if any(size < least for size in sizes):
        name = f"{setting} of {type(entry).__name__}"
        raise ParameterError(f"{name} must be whole numbers of at least {least}, not {short_repr(value)}.")
    object.__setattr__(entry, setting, sizes)


def _wrong_type(entry: Any, setting: str, value: Any, expected: str) -> ParameterTypeError:
    return ParameterTypeError(f"{setting} of {type(entry).__name__} must be {expected}, not {short_repr(value)}.")


def check_custom_name(table: Mapping[str, Any], what: str, name: Any) -> None:
    """Raise unless `name` is a non-empty string that no entry of the table has."""
    if not isinstance(name, str) or not name.strip():
        raise ParameterTypeError(f"the name of a custom {what} must be a non-empty string, not {name!r}.")
    if printable(name) != name:
        raise ParameterError(f"the name {name!r} of a custom {what} has control codes; leave them out.")
    if name in table:
        raise ParameterError(f"{name!r} is already the name of a built-in {what}; choose another name.")


def custom_formula(function: Any, inputs: int, name: str) -> Formula:
    """Trace a custom formula with `inputs` inputs; `name` is what errors call it."""
    if isinstance(function, Formula):
        return function
    if not callable(function):
        raise ParameterTypeError(f"the {name} must be a function, not {function!r}.")
    try:
        formula = trace(function, inputs)
        check_dtype(function, inputs)
    except FormulaError as error:
        raise FormulaError(f"in the {name}: {error}") from None
    except (TypeError, OverflowError) as error:
        raise FormulaError(f"the {name} cannot be called with {inputs} arrays: {error}.") from error
    return formula


def check_custom(entry: Any, formulas: Mapping[str, int], intervals: Iterable[str]) -> None:
    """Raise unless these fields are Formulas with the given numbers of inputs and one output, or Intervals."""
    for field, inputs in formulas.items():
        formula = getattr(entry, field)
        if not isinstance(formula, Formula):
            raise ParameterTypeError(f"{field} of {entry.name} must be a Formula, not {formula!r}.")
        if formula.inputs != inputs or len(formula.outputs) != 1:
            raise FormulaError(f"{field} of {entry.name} must have {inputs} inputs and one output.")
        if field == "value_formula" and 0 not in formula.reads:
            argument = "z" if inputs == 1 else "a"
            raise FormulaError(f"the value of {entry.name} is the same for every {argument}; it must depend on it.")
    for field in intervals:
        if not isinstance(getattr(entry, field), Interval):
            raise ParameterTypeError(f"{field} of {entry.name} must be an Interval, not {getattr(entry, field)!r}.")


def required_arguments(function: Callable[..., Any]) -> int:
    """Count the positional arguments that a function requires (for a NumPy ufunc, the arrays it takes)."""
    if isinstance(function, np.ufunc):
        return function.nin
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is Parameter.empty for p in signature(function).parameters.values())


def describe(entry: Any) -> dict[str, Any]:
    """An entry as plain data: its name and its settings."""
    return {"name": entry.name, **{field.name: _to_plain(getattr(entry, field.name)) for field in fields(entry)}}


def rebuild(table: Mapping[str, type[EntryType]], description: Any, custom: type[EntryType] | None = None) -> EntryType:
    """Rebuild the entry that `describe` described; `custom` is the class of entries that are not in the table.

    Raises ModelFileError for anything that is not the description of an entry.
    """
    if not isinstance(description, Mapping) or not isinstance(description.get("name"), str):
        raise ModelFileError(f"expected a name and its settings in the model file, not {description!r:.200}.")
    settings = {key: _from_plain(value) for key, value in description.items()}
    kind = table.get(description["name"])
    if kind is not None:
        del settings["name"]
    elif custom is not None and len(settings) > 1:
        kind = custom
    else:
        raise ModelFileError(f"this version of glassnet does not know {description['name']!r}.")
    known = {field.name for field in fields(cast(Any, kind))}
    if not known.issuperset(settings):
        raise ModelFileError(f"{description['name']!r} has no setting {sorted(set(settings) - known)[0]!r}.")
    try:
        return kind(**settings)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"the description of a {kind.__name__} is damaged: {error}") from None


def _to_plain(value: Any) -> Any:
    """A setting as plain data, as a file gives it back: lists, and None for an infinite end of an interval."""
    if isinstance(value, Formula):
        operations = [[operation.name, list(operation.arguments)] for operation in value.operations]
        return {"inputs": value.inputs, "operations": operations, "outputs": list(value.outputs)}
    if isinstance(value, Interval):
        low, high = (None if abs(end) == inf else end for end in (value.low, value.high))
        return {"low": low, "high": high, "low_closed": value.low_closed, "high_closed": value.high_closed}
    return list(map(_to_plain, value)) if isinstance(value, tuple) else value


def _from_plain(plain: Any) -> Any:
    """The setting that `_to_plain` converted."""
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
    """Trace the listed operations again, so that every name, index and power is checked as in a new formula."""
    if inputs not in (1, 2):
        raise ValueError(f"{inputs!r} inputs")

    def evaluate(*arguments: Any) -> tuple[Any, ...]:
        values = list(arguments)

        def value(argument: Any) -> Any:
            if isinstance(argument, float):
                return argument
            if type(argument) is not int or argument < 0:
                raise ValueError(f"{argument!r} is neither an index nor a constant")
            return values[argument]

        for name, operands in operations:
            if all(isinstance(operand, float) for operand in operands):
                raise ValueError(f"{name!r:.20} of constants alone")
            values.append(FUNCTIONS[name](*map(value, operands)))
        return tuple(map(value, outputs))

    return trace(evaluate, inputs)
