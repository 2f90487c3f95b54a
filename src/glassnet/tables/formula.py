"""Tracing: a formula is written once, called with symbols, and becomes a list of operations.

An activation, a cost or an optimiser's recurrence is a plain Python function that uses NumPy's operators and functions.
NumPy evaluates it on arrays; `trace` calls the same function with symbols and records its operations. The compiled
kernel, the text on the screen, the inputs that a derivative reads and the cache key all come from that list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from glassnet.array_likes import short_repr, to_float
from glassnet.errors import FormulaError

Argument = int | float
MAX_OPERATIONS = 200  # of a formula: more take a minute to compile

FUNCTIONS: dict[str, Any] = {
    name: getattr(np, name)
    for name in (
        *("add", "subtract", "multiply", "divide", "negative", "absolute", "sqrt", "sign", "power"),
        *("maximum", "minimum", "where", "exp", "expm1", "log", "log1p", "tanh", "sin", "cos"),
        *("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"),
    )
}


def integer_power(base: Any, exponent: Any) -> Any:
    """base·base·…, multiplied from the left as the engine does; NumPy's power may round differently."""
    if isinstance(base, Symbol):
        return base**exponent
    result = base
    for _ in range(int(exponent) - 1):
        result = result * base
    return result


FUNCTIONS["power"] = integer_power
INFIX = {  # operator and precedence
    **{"add": ("+", 1), "subtract": ("−", 1), "multiply": ("·", 2), "divide": ("/", 2)},
    **{"greater": (">", 0), "greater_equal": ("≥", 0), "less": ("<", 0), "less_equal": ("≤", 0)},
    **{"equal": ("=", 0), "not_equal": ("≠", 0)},
}
COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")


class Operation(NamedTuple):
    """One elementary operation. An `int` argument is the index of an earlier value, a `float` is a constant."""

    name: str
    arguments: tuple[Argument, ...]

    def __eq__(self, other: object) -> bool:
        # As tuples, the index 1 would equal the constant 1.0, and 0.0 would equal −0.0.
        return isinstance(other, Operation) and repr(self) == repr(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(repr(self))


class Formula(NamedTuple):
    """The operations of a function: values 0 .. inputs-1 are its inputs, operation k writes value inputs + k."""

    inputs: int
    operations: tuple[Operation, ...]
    outputs: tuple[Argument, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and repr(self) == repr(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(repr(self))

    def __call__(self, *arrays: Any) -> Any:
        """Evaluate the operations with NumPy; one array, or a tuple where the formula has several outputs."""
        values: list[Any] = list(arrays)
        dtype = next((array.dtype.type for array in arrays if isinstance(array, np.ndarray)), float)

        def value(argument: Argument) -> Any:
            # A constant takes the arrays' dtype even where NumPy sees no array: where(z > 0, 1, 0).
            return values[argument] if isinstance(argument, int) else dtype(argument)

        for name, arguments in self.operations:
            values.append(FUNCTIONS[name](*map(value, arguments)))
        results = tuple(map(value, self.outputs))
        return results if len(results) > 1 else results[0]

    @property
    def reads(self) -> frozenset[int]:
        """The inputs that the formula uses."""
        used = {a for operation in self.operations for a in operation.arguments if isinstance(a, int)}
        used.update(a for a in self.outputs if isinstance(a, int))
        return frozenset(a for a in used if a < self.inputs)

    def text(self, names: Sequence[str]) -> str:
        """The formula as text, with the given names for its inputs; several outputs are separated by commas."""
        return ", ".join(self._text(output, names)[0] for output in self.outputs)

    def factor(self, names: Sequence[str]) -> str:
        """The text of a formula with one output, in brackets where it is a sum or a comparison."""
        text, precedence = self._text(self.outputs[0], names)
        return f"({text})" if precedence < 2 else text

    def _text(self, argument: Argument, names: Sequence[str]) -> tuple[str, int]:
        """The text of one value and its precedence (0 comparison, 1 sum, 2 product, 3 anything else)."""
        if isinstance(argument, float):
            return f"{argument:.9g}".replace("-", "−"), 3 if argument >= 0 else 1
        if argument < self.inputs:
            return names[argument], 3
        name, arguments = self.operations[argument - self.inputs]
        if name in INFIX:
            operator, precedence = INFIX[name]
            left, right = (self._text(a, names) for a in arguments)
            first = left[0] if left[1] >= precedence else f"({left[0]})"
            second = right[0] if right[1] > precedence else f"({right[0]})"
            return f"{first} {operator} {second}", precedence
        if name in ("negative", "power"):
            inner, precedence = self._text(arguments[0], names)
            inner = inner if precedence == 3 else f"({inner})"
            return (f"−{inner}", 2) if name == "negative" else (f"{inner}^{arguments[1]:g}", 3)
        if name == "absolute":
            return f"|{self._text(arguments[0], names)[0]}|", 3
        return f"{name}({', '.join(self._text(a, names)[0] for a in arguments)})", 3


class Symbol(NDArrayOperatorsMixin):
    """A placeholder for a value while a formula is traced; every operation on it is recorded on the tape."""

    def __init__(self, tape: Tape, index: int) -> None:
        self.tape, self.index = tape, index

    def __array_ufunc__(self, ufunc: Any, method: str, *arguments: Any, **options: Any) -> Symbol:
        if method != "__call__" or options:
            raise FormulaError(f"a formula cannot use {ufunc.__name__}.{method} with {options or 'these arguments'}")
        return self.tape.add(ufunc.__name__, *arguments)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Symbol:
        if function.__name__ == "clip" and len(arguments) == 3 and not options:
            value, low, high = arguments
            return self.tape.add("minimum", self.tape.add("maximum", value, low), high)
        if function.__name__ == "where" and len(arguments) == 3 and not options:
            return self.tape.add("where", *arguments)
        raise FormulaError(f"a formula cannot use {function.__name__}; it may use {', '.join(FUNCTIONS)}, clip")

    def __bool__(self) -> bool:
        raise FormulaError("a formula cannot branch on its values; write where(condition, yes, no)")

    def __float__(self) -> float:
        raise FormulaError("a formula must use NumPy's functions (numpy.exp, not math.exp)")


class Tape:
    """The list of operations that one trace records; a repeated operation is recorded once."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.operations: list[Operation] = []
        self.index_of: dict[str, int] = {}

    def add(self, name: str, *arguments: Any) -> Symbol:
        """Record one operation and return the symbol of its value."""
        if name == "square":
            name, arguments = "multiply", (arguments[0], arguments[0])
        if name == "positive":
            return Symbol(self, arguments[0].index)
        if name not in FUNCTIONS:
            raise FormulaError(f"a formula cannot use {name}; it may use {', '.join(FUNCTIONS)}, clip")
        operation = Operation(name, tuple(map(self.argument, arguments)))
        if name in ("multiply", "divide", "power") and repr(operation.arguments[1:]) == "(1.0,)":
            return Symbol(self, arguments[0].index)
        if name == "power":
            exponent = operation.arguments[1]
            if not isinstance(exponent, float) or exponent != int(exponent) or not 1 <= exponent <= 64:
                raise FormulaError("a formula's powers must be whole numbers from 1 to 64, written as constants")
        key = repr(operation)  # unlike ==, repr distinguishes index 1 from the constant 1.0, and 0.0 from −0.0
        if key not in self.index_of:
            if len(self.operations) == MAX_OPERATIONS:
                raise FormulaError(f"a formula may have at most {MAX_OPERATIONS} operations; write it with fewer")
            self.index_of[key] = self.inputs + len(self.operations)
            self.operations.append(operation)
        return Symbol(self, self.index_of[key])

    def argument(self, value: Any) -> Argument:
        """A symbol's index, or the constant as a float."""
        if isinstance(value, Symbol):
            if value.tape is not self:
                raise FormulaError("a formula cannot reuse a value from an earlier call")
            return value.index
        if np.ndim(value):
            raise FormulaError(f"a formula's constants must be numbers, not an array of shape {np.shape(value)}")
        try:
            return to_float(value)
        except (TypeError, ValueError):
            raise FormulaError(f"a formula cannot use {short_repr(value)}; constants must be numbers") from None


def trace(function: Callable[..., Any], inputs: int) -> Formula:
    """Call `function` once with `inputs` symbols and return its operations.

    Raises FormulaError (a ValueError) if the function branches on a value or uses anything but FUNCTIONS and clip.
    """
    tape = Tape(inputs)
    result = function(*(Symbol(tape, index) for index in range(inputs)))
    outputs = result if isinstance(result, tuple) else (result,)
    return Formula(inputs, tuple(tape.operations), tuple(map(tape.argument, outputs)))


def check_dtype(function: Callable[..., Any], inputs: int) -> None:
    """Raise FormulaError if `function` turns float32 into another dtype, as a float64 constant does."""
    sample = np.full(1, 0.5, np.float32)
    result = function(*(sample,) * inputs)
    for output in result if isinstance(result, tuple) else (result,):
        if isinstance(output, (np.ndarray, np.generic)) and output.dtype != np.float32:
            raise FormulaError(f"a formula turns float32 into {output.dtype}; write its constants as Python numbers")
