"""Translates a traced formula's operations into LLVM IR on vectors.

`formula.py` recorded the operations under NumPy's names; here each becomes instructions that give NumPy's bits: no
contraction, no fast-math flags, NaN passed on. exp, log and the like are in `elementary_functions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from llvmlite.ir import Value

from glassnet.engine.elementary_functions import ELEMENTARY_FUNCTIONS
from glassnet.engine.llvm_vectors import call_intrinsic, constant
from glassnet.tables.formula import Argument, Formula

BIT = ir.IntType(1)
ARITHMETIC = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}
COMPARISONS = {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "=="}
LOGICAL = {"add": "or_", "multiply": "and_", "maximum": "or_", "minimum": "and_"}


def is_condition(value: Value) -> bool:
    """Whether a value is the result of a comparison."""
    return value.type.element == BIT


def as_number(builder: ir.IRBuilder, value: Value, kind: ir.VectorType) -> Value:
    """Convert the result of a comparison to 1 and 0; a number is returned unchanged."""
    return builder.uitofp(value, kind) if is_condition(value) else value


def max_or_min(builder: ir.IRBuilder, sign: str, a: Value, b: Value) -> Value:
    """The larger (">") or smaller ("<") of two numbers; NaN where either is NaN, as in NumPy."""
    first = builder.or_(builder.fcmp_ordered(sign, a, b), builder.fcmp_unordered("uno", a, a))
    return builder.select(first, a, b)


def sign(builder: ir.IRBuilder, value: Value) -> Value:
    """1, −1 or 0; NaN stays NaN."""
    zero, one, minus = (constant(value.type, number) for number in (0.0, 1.0, -1.0))
    result = builder.select(builder.fcmp_ordered("==", value, zero), zero, value)
    result = builder.select(builder.fcmp_ordered("<", value, zero), minus, result)
    return builder.select(builder.fcmp_ordered(">", value, zero), one, result)


def power(builder: ir.IRBuilder, value: Value, exponent: float) -> Value:
    """An integer power by repeated multiplication, so that x² has the bits of x·x."""
    result = value
    for _ in range(int(exponent) - 1):
        result = builder.fmul(result, value)
    return result


def where(builder: ir.IRBuilder, condition: Value, yes: Value, no: Value, kind: ir.VectorType) -> Value:
    """Select `yes` or `no` lane by lane; a number counts as true where it is not 0."""
    if not is_condition(condition):
        condition = builder.fcmp_unordered("!=", condition, constant(kind, 0.0))
    return builder.select(condition, as_number(builder, yes, kind), as_number(builder, no, kind))


def numeric_operation(builder: ir.IRBuilder, name: str, values: Sequence[Value]) -> Value:
    """Emit an operation whose arguments are all numbers."""
    if name in ARITHMETIC:
        return getattr(builder, ARITHMETIC[name])(*values)
    if name in COMPARISONS:
        return builder.fcmp_ordered(COMPARISONS[name], *values)
    if name == "not_equal":
        return builder.fcmp_unordered("!=", *values)
    if name in ("maximum", "minimum"):
        return max_or_min(builder, ">" if name == "maximum" else "<", *values)
    if name in ("sqrt", "absolute"):
        return call_intrinsic(builder, "llvm.sqrt" if name == "sqrt" else "llvm.fabs", *values)
    if name == "negative":
        return builder.fneg(*values)
    return sign(builder, *values) if name == "sign" else ELEMENTARY_FUNCTIONS[name](builder, *values)


def operation(builder: ir.IRBuilder, name: str, values: Sequence[Value], kind: ir.VectorType) -> Value:
    """Emit one operation of a formula."""
    if name == "where":
        return where(builder, values[0], values[1], values[2], kind)
    if name in LOGICAL and all(map(is_condition, values)):
        return getattr(builder, LOGICAL[name])(*values)
    return numeric_operation(builder, name, [as_number(builder, value, kind) for value in values])


def evaluate(builder: ir.IRBuilder, formula: Formula, inputs: Sequence[Any], kind: ir.VectorType) -> list[Value]:
    """Emit a formula; return its outputs for vectors of inputs. An input that it does not read may be None."""
    values = list(inputs)

    def value(argument: Argument) -> Value:
        return values[argument] if isinstance(argument, int) else constant(kind, argument)

    for name, arguments in formula.operations:
        if name == "power":
            base = as_number(builder, value(arguments[0]), kind)
            values.append(power(builder, base, arguments[1]))
        else:
            values.append(operation(builder, name, [value(argument) for argument in arguments], kind))
    return [as_number(builder, value(output), kind) for output in formula.outputs]
