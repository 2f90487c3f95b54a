"""Custom activations: two functions, stored as their operations, so that a network with them can be saved.

They use the same kernels, texts and checks as the activations in activations.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from glassnet.tables.activations import ACTIVATIONS, Activation, Function
from glassnet.tables.entry import Value, check_custom, check_custom_name, custom_formula, required_arguments
from glassnet.tables.formula import Formula
from glassnet.tables.interval import REAL, Interval, interval_between


@dataclass(frozen=True, repr=False)
class CustomActivation(Activation):
    """A custom activation, stored as its operations; `custom_activation` makes one from functions."""

    name: str
    value_formula: Formula
    derivative_formula: Formula
    range: Interval = REAL
    source = "a custom formula"

    def __post_init__(self) -> None:
        check_custom(self, {"value_formula": 1, "derivative_formula": 2}, ["range"])

    def value(self, z: Value) -> Value:
        return self.value_formula(z)

    def derivative(self, z: Value, a: Value) -> Value:
        return self.derivative_formula(z, a)

    def __repr__(self) -> str:
        return f"CustomActivation({self.name!r})"


def custom_activation(
    name: str, value: Function, derivative: Function, low: float = -inf, high: float = inf, *, reached: bool = True
) -> CustomActivation:
    """Make a custom activation from `value(z)` and `derivative(z)` or `derivative(z, a)`, written in NumPy.

    Its values lie between `low` and `high`; pass `reached=False` if they never equal either. Raises FormulaError if a
    formula branches on a value, uses a function that glassnet cannot trace, or changes the dtype.
    """
    check_custom_name(ACTIVATIONS, "activation", name)
    values = interval_between(f"activation {name!r}", low, high, reached)
    value_formula = custom_formula(value, 1, f"value of {name}")
    derivative_formula = custom_formula(_of_z_and_a(derivative), 2, f"derivative of {name}")
    return CustomActivation(name, value_formula, derivative_formula, values)


def _of_z_and_a(derivative: Function) -> Function:
    """A derivative(z) as a derivative(z, a); any other unchanged."""
    z_only = callable(derivative) and not isinstance(derivative, Formula) and required_arguments(derivative) == 1
    return (lambda z, a: derivative(z)) if z_only else derivative
