"""Each word of a formula as LLVM code on a vector of numbers.

`formula.py` wrote down a formula's operations in NumPy's words; here every word becomes instructions that give NumPy's
bits: no contraction, no fast-math flags, NaN passed on. The functions with a curve (exp, log ...) are in `curves.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from glassnet.engine.curves import CURVES
from glassnet.engine.vectors import constant, intrinsic
from glassnet.tables.formula import Argument, Formula

BIT = ir.IntType(1)
ARITHMETIC = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}
ORDERED = {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "=="}
LOGICAL = {"add": "or_", "multiply": "and_", "maximum": "or_", "minimum": "and_"}


def is_condition(value: ir.Value) -> bool:
    """Whether a value is the result of a comparison."""
    return value.type.element == BIT


def as_number(builder: ir.IRBuilder, value: ir.Value, kind: ir.VectorType) -> ir.Value:
    """A comparison's result as 1 and 0; a number as it is."""
    return builder.uitofp(value, kind) if is_condition(value) else value


def extreme(builder: ir.IRBuilder, sign: str, a: ir.Value, b: ir.Value) -> ir.Value:
    """The larger (">") or smaller ("<") of two numbers; NaN where either is NaN, as NumPy has it."""
    first = builder.or_(builder.fcmp_ordered(sign, a, b), builder.fcmp_unordered("uno", a, a))
    return builder.select(first, a, b)


def sign(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """1, −1 or 0; NaN stays NaN."""
    zero, one, minus = (constant(value.type, number) for number in (0.0, 1.0, -1.0))
    rest = builder.select(builder.fcmp_ordered("==", value, zero), zero, value)
    rest = builder.select(builder.fcmp_ordered("<", value, zero), minus, rest)
    return builder.select(builder.fcmp_ordered(">", value, zero), one, rest)


def power(builder: ir.IRBuilder, value: ir.Value, exponent: float) -> ir.Value:
    """Repeated multiplication, so that x² is x·x to the bit."""
    result = value
    for _ in range(int(exponent) - 1):
        result = builder.fmul(result, value)
    return result


def where(builder: ir.IRBuilder, condition: ir.Value, yes: ir.Value, no: ir.Value, kind: ir.VectorType) -> ir.Value:
    """Lane by lane `yes` or `no`; a number counts as true where it is not 0."""
    if not is_condition(condition):
        condition = builder.fcmp_unordered("!=", condition, constant(kind, 0.0))
    return builder.select(condition, as_number(builder, yes, kind), as_number(builder, no, kind))


def number_word(builder: ir.IRBuilder, name: str, values: Sequence[ir.Value]) -> ir.Value:
    """A word whose arguments are all numbers."""
    if name in ARITHMETIC:
        return getattr(builder, ARITHMETIC[name])(*values)
    if name in ORDERED:
        return builder.fcmp_ordered(ORDERED[name], *values)
    if name == "not_equal":
        return builder.fcmp_unordered("!=", *values)
    if name in ("maximum", "minimum"):
        return extreme(builder, ">" if name == "maximum" else "<", *values)
    if name in ("sqrt", "absolute"):
        return intrinsic(builder, "llvm.sqrt" if name == "sqrt" else "llvm.fabs", *values)
    if name == "negative":
        return builder.fneg(*values)
    return sign(builder, *values) if name == "sign" else CURVES[name](builder, *values)


def word(builder: ir.IRBuilder, name: str, values: Sequence[ir.Value], kind: ir.VectorType) -> ir.Value:
    """One operation of a formula."""
    if name == "where":
        return where(builder, values[0], values[1], values[2], kind)
    if name in LOGICAL and all(map(is_condition, values)):
        return getattr(builder, LOGICAL[name])(*values)
    return number_word(builder, name, [as_number(builder, value, kind) for value in values])


def evaluate(builder: ir.IRBuilder, formula: Formula, inputs: Sequence[Any], kind: ir.VectorType) -> list[ir.Value]:
    """The formula's outputs for vectors of inputs; an input that it does not read may be None."""
    values = list(inputs)

    def value(argument: Argument) -> ir.Value:
        return values[argument] if isinstance(argument, int) else constant(kind, argument)

    for name, arguments in formula.operations:
        if name == "power":
            base = as_number(builder, value(arguments[0]), kind)
            values.append(power(builder, base, arguments[1]))
        else:
            values.append(word(builder, name, [value(argument) for argument in arguments], kind))
    return [as_number(builder, value(output), kind) for output in formula.outputs]
