"""A formula as ONNX nodes: one per operation, and a few where ONNX has no operator of that name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from glassnet.tables.activations import ELU, SELU_ALPHA, SELU_SCALE, Activation, LeakyReLU
from glassnet.tables.formula import Argument, Formula

OPERATORS = {
    **{"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "negative": "Neg", "absolute": "Abs"},
    **{"sqrt": "Sqrt", "sign": "Sign", "maximum": "Max", "minimum": "Min", "exp": "Exp", "log": "Log"},
    **{"tanh": "Tanh", "sin": "Sin", "cos": "Cos"},
}
COMPARISONS = {
    **{"greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less", "less_equal": "LessOrEqual"},
    **{"equal": "Equal", "not_equal": "Equal"},
}
NAMED = {  # activations that are operators of ONNX; all others go out by their formulas
    **{"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softplus": "Softplus", "softsign": "Softsign"},
    **{"elu": "Elu", "selu": "Selu", "leaky_relu": "LeakyRelu", "exp": "Exp"},
}


class Graph(Protocol):
    """What a formula needs of the graph that its nodes are added to."""

    def node(self, operator: str, reads: Sequence[str], write: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its result."""

    def scalar(self, value: float, dtype: str) -> str:
        """The name of a number."""

    def cast(self, name: str, dtype: str, write: str = "") -> str:
        """A value in another type."""


class Value(NamedTuple):
    """A value of the graph and whether it is true or false."""

    name: str
    is_bool: bool = False


def named_operator(activation: Activation | None) -> tuple[str, dict[str, Any]] | None:
    """The operator of an activation with its attributes, or None where there is none."""
    if activation is None or activation.name not in NAMED:
        return None
    attributes: dict[str, Any] = {}
    if isinstance(activation, ELU):
        attributes = {"alpha": float(activation.alpha)}
    elif isinstance(activation, LeakyReLU):
        attributes = {"alpha": float(activation.slope)}
    elif activation.name == "selu":
        attributes = {"alpha": SELU_ALPHA, "gamma": SELU_SCALE}
    return NAMED[activation.name], attributes


def add_formula(graph: Graph, formula: Formula, reads: Sequence[str], dtype: str, result: str) -> None:
    """Add the nodes of a formula with one output, which gets the name `result`."""
    _Nodes(graph, reads, dtype).add(formula, result)


class _Nodes:
    """The nodes of one formula."""

    def __init__(self, graph: Graph, reads: Sequence[str], dtype: str) -> None:
        self.graph, self.dtype = graph, dtype
        self.values = [Value(name) for name in reads]

    def add(self, formula: Formula, result: str) -> None:
        """Add all operations; the last node writes `result`."""
        for operation in formula.operations:
            self.values.append(self._operation(operation.name, operation.arguments))
        self.graph.node("Identity", [self._number(formula.outputs[0])], result)

    def _operation(self, name: str, arguments: Sequence[Argument]) -> Value:
        if name in COMPARISONS:
            compared = self.graph.node(COMPARISONS[name], list(map(self._number, arguments)))
            return Value(self.graph.node("Not", [compared]) if name == "not_equal" else compared, True)
        if name == "where":
            condition, yes, no = arguments
            return Value(self.graph.node("Where", [self._bool(condition), self._number(yes), self._number(no)]))
        special: Any = {
            "expm1": self._expm1,
            "log1p": self._log1p,
            "power": self._power,
        }.get(name)
        if special is not None:
            return Value(special(self._number(arguments[0]), *arguments[1:]))
        return Value(self.graph.node(OPERATORS[name], list(map(self._number, arguments))))

    def _number(self, argument: Argument) -> str:
        """The name of an argument as a number."""
        if isinstance(argument, float):
            return self.graph.scalar(argument, self.dtype)
        value = self.values[argument]
        if not value.is_bool:
            return value.name
        self.values[argument] = Value(self.graph.cast(value.name, self.dtype))
        return self.values[argument].name

    def _bool(self, argument: Argument) -> str:
        """The name of an argument as a condition: any number but 0 is true."""
        if isinstance(argument, int) and self.values[argument].is_bool:
            return self.values[argument].name
        return self.graph.cast(self._number(argument), "bool")

    def _expm1(self, x: str) -> str:
        """exp(x) − 1 = tanh(x/2)·(exp(x) + 1), which is exact for small x too."""
        half = self.graph.node("Mul", [x, self.graph.scalar(0.5, self.dtype)])
        more = self.graph.node("Add", [self.graph.node("Exp", [x]), self.graph.scalar(1.0, self.dtype)])
        return self.graph.node("Mul", [self.graph.node("Tanh", [half]), more])

    def _log1p(self, x: str) -> str:
        """log(u)·x/(u − 1) with u = 1 + x, x itself where u is 1; log(u) for x above 1.

        Source: Goldberg, What Every Computer Scientist Should Know About Floating-Point Arithmetic (1991), theorem 4.
        """
        one = self.graph.scalar(1.0, self.dtype)
        u = self.graph.node("Add", [x, one])
        log = self.graph.node("Log", [u])
        ratio = self.graph.node("Div", [x, self.graph.node("Sub", [u, one])])
        small = self.graph.node("Where", [self.graph.node("Equal", [u, one]), x, self.graph.node("Mul", [log, ratio])])
        return self.graph.node("Where", [self.graph.node("Greater", [x, one]), log, small])

    def _power(self, x: str, exponent: float) -> str:
        """x·x·…, multiplied from the left."""
        result = x
        for _ in range(int(exponent) - 1):
            result = self.graph.node("Mul", [result, x])
        return result
