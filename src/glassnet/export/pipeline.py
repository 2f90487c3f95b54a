"""What leaves glassnet as a graph or as code: the equations from raw columns to predictions, with their constants.

A network contributes the forward equations of its program, a table those that prepare its columns, an estimator those
of its classes. There are few kinds of equations, and each target (ONNX, Python, C, JavaScript) translates every kind
once; elementwise ones are formulas, traced as for the compiled kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from glassnet.tables.activations import Activation
from glassnet.tables.formula import Formula, trace

Array = np.ndarray[Any, Any]
FLOAT32, FLOAT64, INT64, TEXT = "float32", "float64", "int64", "text"
KINDS = (
    "formula",  # elementwise; a quantity of width 1 counts for every column
    "affine",  # x·W + b; reads x, w (fan_in, fan_out), b (fan_out,)
    "grouped_affine",  # W·x + b of every group of columns, w (outputs, terms of a group); settings: outputs and terms
    "softmax",  # settings: the sizes of its groups
    "feature_moments",  # mean and variance of a sample over its columns, width 1 each
    "select",  # settings: numbers of columns
    "concatenate",
    "look_up",  # reads codes and vectors (codes, outputs); settings: the number of levels of each column of codes
    "total",  # the sum over the columns, width 1
    "convert",  # to the dtype of what it writes
    "level_number",  # of a text; settings: (text, number) pairs, then the number of any other text
    "interpolate",  # between knots; reads x (width 1) and the knots' x and y, (knots,) each
    "calendar",  # of days since 1970-01-01: year, position in it (0 to 1), weekday (0: Monday), part of the day
    "class_number",  # of the largest column
)

RESERVED = ("x", "row", "v", "i", "check", "predict", "inf", "nan", "math", "largest")  # as KINDS, names in code


class Quantity(NamedTuple):
    """A number of columns per sample, and their dtype: float32, float64, int64 or text."""

    width: int
    dtype: str


class Equation(NamedTuple):
    """One equation. `reads` are quantities and constants; `section` is the network that it belongs to, 0 for none.

    `activation` is the entry of the table that a formula is the value of, for targets that have it under a name.
    """

    kind: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    formula: Formula | None = None
    settings: tuple[Any, ...] = ()
    activation: Activation | None = None
    section: int = 0


class Input(NamedTuple):
    """What a person gives: its name for them, the quantity that holds it, and what it is, in words."""

    name: str
    quantity: str
    note: str


class Output(NamedTuple):
    """What a person gets: its name, the quantity, what it is in words, and the classes that class numbers stand for."""

    name: str
    quantity: str
    note: str
    classes: tuple[Any, ...] = ()


class Pipeline:
    """Equations in order, the quantities and constants that they read, inputs and outputs."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.inputs: list[Input] = []
        self.outputs: list[Output] = []
        self.quantities: dict[str, Quantity] = {}
        self.constants: dict[str, Array] = {}
        self.equations: list[Equation] = []
        self.notes: list[str] = []
        self.sections: list[str] = []  # what each network is, in words
        self._section = 0
        self._names = dict.fromkeys((*KINDS, *RESERVED), 1)

    # What a model is described with -----------------------------------------------------------------------------------

    def add_input(self, name: str, quantity: Quantity, note: str) -> str:
        """Add an input, and return the name of its quantity."""
        key = self.new_name("cell" if quantity.width == 1 else "a0")
        self.quantities[key] = quantity
        self.inputs.append(Input(name, key, note))
        return key

    def add_output(self, name: str, quantity: str, note: str, classes: Sequence[Any] = ()) -> None:
        """Add an output."""
        self.outputs.append(Output(name, quantity, note, tuple(classes)))

    def constant(self, name: str, values: Any, dtype: str = FLOAT64) -> str:
        """Add an array, and return its name."""
        key = self.new_name(name)
        self.constants[key] = np.ascontiguousarray(values, dtype)
        return key

    def formula(
        self, name: str, function: Callable[..., Any] | Formula, *reads: str, activation: Activation | None = None
    ) -> str:
        """Add an elementwise equation, and return the name of its result."""
        traced = function if isinstance(function, Formula) else trace(function, len(reads))
        read = [self.quantities[each] for each in reads if each in self.quantities]
        widths = [
            *(each.width for each in read),
            *(len(self.constants[each]) for each in reads if self.is_constant(each)),
        ]
        quantity = Quantity(max(widths), read[0].dtype)
        return self.add("formula", reads, {name: quantity}, formula=traced, activation=activation)[0]

    def add(self, kind: str, reads: Sequence[str], writes: Mapping[str, Quantity], **fields: Any) -> list[str]:
        """Add an equation of another kind, and return the names of its results."""
        names = [self.new_name(name) for name in writes]
        self.quantities.update(zip(names, writes.values(), strict=True))
        self.equations.append(Equation(kind, tuple(reads), tuple(names), section=self._section, **fields))
        return names

    def convert(self, name: str, dtype: str) -> str:
        """A quantity in another dtype; itself where it has that already."""
        quantity = self.quantities[name]
        if quantity.dtype == dtype:
            return name
        return self.add("convert", (name,), {f"{name}_{dtype}": quantity._replace(dtype=dtype)})[0]

    def select(self, name: str, read: str, columns: Sequence[int]) -> str:
        """Some columns of a quantity; itself where they are all of them in order."""
        quantity = self.quantities[read]
        if list(columns) == list(range(quantity.width)):
            return read
        chosen = quantity._replace(width=len(columns))
        return self.add("select", (read,), {name: chosen}, settings=tuple(map(int, columns)))[0]

    def concatenate(self, name: str, reads: Sequence[str]) -> str:
        """Quantities side by side; itself where there is one."""
        if len(reads) == 1:
            return reads[0]
        parts = [self.quantities[read] for read in reads]
        joined = Quantity(sum(part.width for part in parts), parts[0].dtype)
        return self.add("concatenate", reads, {name: joined})[0]

    @contextmanager
    def section(self, title: str) -> Iterator[None]:
        """Mark the equations that are added in the block as those of one network."""
        self.sections.append(title)
        self._section = len(self.sections)
        yield
        self._section = 0

    def drop_unread(self) -> None:
        """Drop equations and constants that no output depends on."""
        read = {output.quantity for output in self.outputs}
        used = []
        for equation in reversed(self.equations):
            if read.intersection(equation.writes):
                used.append(equation)
                read.update(equation.reads)
        self.equations = used[::-1]
        self.constants = {name: array for name, array in self.constants.items() if name in read}

    # What targets ask -------------------------------------------------------------------------------------------------

    def new_name(self, name: str) -> str:
        """`name`, or with a number behind it where it is taken."""
        candidate = name
        while candidate in self._names:
            self._names[name] += 1
            candidate = f"{name}_{self._names[name]}"
        self._names[candidate] = 1
        return candidate

    def is_constant(self, name: str) -> bool:
        """Whether an equation reads a constant by this name."""
        return name in self.constants

    def width(self, name: str) -> int:
        """The number of columns of a quantity, or of elements of a constant that a formula reads."""
        return self.quantities[name].width if name in self.quantities else int(self.constants[name].shape[-1])
