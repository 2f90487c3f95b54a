"""A person's own activation: two functions in NumPy's words, kept as their operations, so that it can be saved.

It goes the way of the rows in activations.py: the same kernels, the same text, the same checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from glassnet.tables.activations import ACTIVATIONS, Activation, Function
from glassnet.tables.formula import Formula
from glassnet.tables.interval import REAL, Interval
from glassnet.tables.rows import Value, check_own, own_formula, own_name, required_arguments


@dataclass(frozen=True, repr=False)
class OwnActivation(Activation):
    """A person's own activation, kept as its operations; `own_activation` makes one from functions."""

    name: str
    value_formula: Formula
    derivative_formula: Formula
    range: Interval = REAL
    source = "a formula of one's own"

    def __post_init__(self) -> None:
        check_own(self, {"value_formula": 1, "derivative_formula": 2}, ["range"])

    def value(self, z: Value) -> Value:
        return self.value_formula(z)

    def derivative(self, z: Value, a: Value) -> Value:
        return self.derivative_formula(z, a)

    def __repr__(self) -> str:
        return f"OwnActivation({self.name!r})"


def own_activation(
    name: str, value: Function, derivative: Function, low: float = -inf, high: float = inf, *, reached: bool = True
) -> OwnActivation:
    """A person's own activation: `value(z)` and `derivative(z)` or `derivative(z, a)`, in NumPy's words.

    Its values lie from `low` to `high`; `reached=False` where they never reach these. Raises FormulaError
    where a formula branches on a value, leaves NumPy's words or changes the dtype.
    """
    own_name(ACTIVATIONS, "activation", name)
    span = Interval(float(low), float(high), reached, reached)
    value_formula = own_formula(value, 1, f"value of {name}")
    return OwnActivation(name, value_formula, own_formula(_of_both(derivative), 2, f"derivative of {name}"), span)


def _of_both(derivative: Function) -> Function:
    """A derivative of z alone as one of z and a; any other as it is."""
    alone = callable(derivative) and not isinstance(derivative, Formula) and required_arguments(derivative) == 1
    return (lambda z, a: derivative(z)) if alone else derivative
