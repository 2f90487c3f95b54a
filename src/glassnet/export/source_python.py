"""A pipeline as a Python module that needs nothing but Python: `predict`, its constants, and rows that test it.

Networks are computed in float64, with the float32 weights; columns are prepared with the rounding of float32, because
what is made of them may be sensitive to it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np

from glassnet.export.pipeline import FLOAT32, TEXT, Equation, Output
from glassnet.export.python_functions import CHECK, HELPERS
from glassnet.export.source_formula import OPERATORS, Spelling
from glassnet.export.source_writer import Array, SourceWriter, numbers, wrapped_list
from glassnet.tables.formula import Formula

OPERATIONS = {
    **OPERATORS,
    **{"divide": "divide({}, {})", "absolute": "abs({})", "sqrt": "square_root({})", "sign": "sign({})"},
    **{"maximum": "maximum({}, {})", "minimum": "minimum({}, {})", "where": "{1} if {0} else {2}"},
    **{"exp": "exp({})", "expm1": "expm1({})", "log": "log({})", "log1p": "log1p({})"},
    **{"tanh": "math.tanh({})", "sin": "sine({})", "cos": "cosine({})"},
}
IMPORTS = {  # by what occurs in the code
    "array(": "from array import array",
    "bisect_right(": "from bisect import bisect_right",
    "inf": "from math import inf",
    "nan": "from math import nan",
    "mul,": "from operator import mul",
    "pack(": "from struct import pack, unpack",
}


class PythonSource(SourceWriter):
    """Writes a Python module."""

    helpers: ClassVar[dict[str, str]] = HELPERS
    comment = "#"

    def text(self) -> str:
        """The whole module."""
        pipeline = self.pipeline
        body = [f"    {line}" for line in self._body()]
        constants = [self._constant(name) for name in pipeline.constants]
        tables = [f"{name} = {value}" for name, value in self.tables.items()]
        functions = [code for _, code in self.functions.values()]
        predict = "\n".join([f"def predict({self._argument()}):", f'    """{self._docstring()}"""', *body])
        of = f"[{self.tested().name!r}]" if len(pipeline.outputs) > 1 else ""
        parts = [*self.written_helpers(), *functions, predict, CHECK.format(of=of).strip("\n")]
        code = "\n\n\n".join(part.strip("\n") for part in parts)
        data = "\n".join([*constants, *tables, *self._test_rows()])
        imports = ["import math", *(line for mark, line in IMPORTS.items() if mark in code or mark in data)]
        head = "\n".join(self.description())
        return f"{head}\n\n" + "\n".join(imports) + f"\n\n{data}\n\n\n{code}\n"

    def _argument(self) -> str:
        return "x" if self.is_vector else "row"

    def _docstring(self) -> str:
        entry = self.pipeline.inputs[0]
        given = f"x: a list of {self.width(entry.quantity)} numbers" if self.is_vector else "row: a dict by column"
        outputs = ", ".join(repr(output.name) for output in self.pipeline.outputs)
        result = f"a dict of {outputs}" if len(self.pipeline.outputs) > 1 else "a list of numbers"
        return f"{given}; returns {result}."

    def _body(self) -> list[str]:
        self.tables: dict[str, str] = {}
        lines = []
        if self.is_vector:
            name = self.pipeline.inputs[0].quantity
            lines.append(f"{name} = [nan if v is None else float(v) for v in x]")
        else:
            lines += [self._reading(entry.name, entry.quantity) for entry in self.pipeline.inputs]
        for equation, title in self.titled():
            lines += [f"# {title}"] * bool(title)
            lines += self.statements(equation)
        return [*lines, self._result()]

    def _reading(self, name: str, quantity: str) -> str:
        cell = f"row[{name!a}]"
        if self.dtype(quantity) == TEXT:
            return f"{quantity} = {cell}"
        return f"{quantity} = [nan if {cell} is None else float({cell})]"

    def _result(self) -> str:
        values = {output.name: self._value(output) for output in self.pipeline.outputs}
        if len(values) == 1:
            return f"return {next(iter(values.values()))}"
        return "return {" + ", ".join(f"{name!r}: {value}" for name, value in values.items()) + "}"

    def _value(self, output: Output) -> str:
        if not output.classes:
            return output.quantity
        name = self.class_table(output)
        self.tables[name] = "[" + ", ".join(ascii(value) for value in output.classes) + "]"
        return f"{name}[{output.quantity}[0]]"

    def _constant(self, name: str) -> str:
        array = self.pipeline.constants[name]
        kind = "f" if array.dtype == np.float32 else "d"
        dtype = array.dtype.name

        def literal(values: Array) -> str:
            return f'array("{kind}", [{wrapped_list(numbers(values, dtype))}])'

        if array.ndim == 1:
            return f"{self.value_name(name)} = {literal(array)}"
        rows = array if name in self._row_tables else array.T
        return f"{self.value_name(name)} = [" + "".join(f"\n    {literal(row)}," for row in rows) + "\n]"

    @property
    def _row_tables(self) -> set[str]:
        """Constants that have a row for each code or output already."""
        kinds = ("look_up", "grouped_affine")
        return {equation.reads[1] for equation in self.pipeline.equations if equation.kind in kinds}

    def _test_rows(self) -> list[str]:
        examples = self.examples
        rows = [self._row(number) for number in range(len(examples))]
        expected = examples.outputs[self.tested().name]
        lists = [f"[{', '.join(map(repr, map(float, row)))}]" for row in expected]
        return [
            f"{name} = [" + "".join(f"\n    {row}," for row in items) + "\n]"
            for name, items in (("ROWS", rows), ("EXPECTED", lists))
        ]

    def _row(self, number: int) -> str:
        inputs = self.examples.inputs
        if self.is_vector:
            return "[" + ", ".join(_cell(value) for value in next(iter(inputs.values()))[number]) + "]"
        return "{" + ", ".join(f"{name!a}: {_cell(array[number][0])}" for name, array in inputs.items()) + "}"

    # Formulas ---------------------------------------------------------------------------------------------------------

    def spelling(self, dtype: str, rounded: bool) -> Spelling:
        """How formulas are written."""

        def constant(value: float) -> str:
            value = float(np.float32(value)) if dtype == FLOAT32 else value
            return f"({value!r})" if value < 0 else repr(value)

        return Spelling(OPERATIONS, constant, "{} = {}", "f32({})" if rounded else "")

    def function_code(self, name: str, formula: Formula, dtype: str, rounded: bool) -> str:
        """A function that computes a formula."""
        names = [f"x{number}" for number in range(formula.inputs)] if formula.inputs > 1 else ["x"]
        lines, result = self.formula_statements(formula, names, self.spelling(dtype, rounded))
        body = "".join(f"    {line}\n" for line in lines)
        return f"def {name}({', '.join(names)}):\n{body}    return {result}"

    # Kinds of equations -----------------------------------------------------------------------------------------------

    def formula(self, equation: Equation) -> list[str]:
        """An elementwise equation."""
        name, write = self.function(equation), equation.writes[0]
        reads = [self.value_name(read) for read in equation.reads]
        if all(self.width(read) == self.width(write) for read in equation.reads):
            if len(reads) == 1:
                return [f"{write} = [{name}(v) for v in {reads[0]}]"]
            return [f"{write} = [{name}(*v) for v in zip({', '.join(reads)})]"]
        arguments = ", ".join(self.arguments(equation, "i"))
        return [f"{write} = [{name}({arguments}) for i in range({self.width(write)})]"]

    def _call(self, equation: Equation, *more: str) -> list[str]:
        reads = ", ".join([*map(self.value_name, equation.reads), *more])
        return [f"{', '.join(equation.writes)} = {self.need(equation.kind)}({reads})"]

    def affine(self, equation: Equation) -> list[str]:
        """x·W + b."""
        return self._call(equation)

    def grouped_affine(self, equation: Equation) -> list[str]:
        """The same by groups."""
        return self._call(equation, *map(str, equation.settings))

    def softmax(self, equation: Equation) -> list[str]:
        """Softmax by groups."""
        if len(equation.settings) == 1:
            return self._call(equation)
        read, starts = equation.reads[0], [0, *np.cumsum(equation.settings).tolist()]
        parts = [f"softmax({read}[{a}:{b}])" for a, b in pairwise(starts)]
        self.need("softmax")
        return [f"{equation.writes[0]} = {' + '.join(parts)}"]

    def feature_moments(self, equation: Equation) -> list[str]:
        """Mean and variance."""
        return self._call(equation)

    def select(self, equation: Equation) -> list[str]:
        """Some columns."""
        return [f"{equation.writes[0]} = [{equation.reads[0]}[i] for i in {_numbers(equation.settings)}]"]

    def concatenate(self, equation: Equation) -> list[str]:
        """Side by side."""
        return [f"{equation.writes[0]} = [{', '.join(f'*{read}' for read in equation.reads)}]"]

    def look_up(self, equation: Equation) -> list[str]:
        """Vectors of codes."""
        columns, levels = equation.settings[::2], equation.settings[1::2]
        codes = f"[{equation.reads[0]}[i] for i in {_numbers(columns)}]"
        vectors = self.value_name(equation.reads[1])
        return [f"{equation.writes[0]} = {self.need('look_up')}({codes}, {vectors}, {list(levels)})"]

    def total(self, equation: Equation) -> list[str]:
        """The sum over the columns."""
        return [f"{equation.writes[0]} = [sum({equation.reads[0]})]"]

    def convert(self, equation: Equation) -> list[str]:
        """Another dtype."""
        read, write = equation.reads[0], equation.writes[0]
        kind = self.dtype(write)
        if kind == FLOAT32:
            return [f"{write} = [{self.need('f32')}(v) for v in {read}]"]
        return [f"{write} = [int(v) for v in {read}]" if kind == "int64" else f"{write} = {read}"]

    def level_number(self, equation: Equation) -> list[str]:
        """The number of a text."""
        *pairs, default = equation.settings
        table = f"{equation.writes[0]}_of_text".upper()
        items = [f"{text!a}: {number!r}" for text, number in pairs]
        self.tables[table] = "{" + wrapped_list(items) + "}"
        return [f"{equation.writes[0]} = [{table}.get({equation.reads[0]}, {default!r})]"]

    def interpolate(self, equation: Equation) -> list[str]:
        """A broken line."""
        x, *knots = equation.reads
        return [
            f"{equation.writes[0]} = [{self.need('interpolate')}({x}[0], {', '.join(map(self.value_name, knots))})]"
        ]

    def calendar(self, equation: Equation) -> list[str]:
        """The parts of a date."""
        return [f"{equation.writes[0]} = {self.need('calendar')}({equation.reads[0]}[0])"]

    def class_number(self, equation: Equation) -> list[str]:
        """The number of the largest column."""
        read = equation.reads[0]
        return [f"{equation.writes[0]} = [max(range({self.width(read)}), key={read}.__getitem__)]"]


def _numbers(columns: tuple[int, ...]) -> str:
    """Numbers as a range where they follow one another, else as a list."""
    if len(columns) > 2 and columns == tuple(range(columns[0], columns[-1] + 1)):
        return f"range({columns[0]}, {columns[-1] + 1})"
    return str(list(columns))


def _cell(value: object) -> str:
    """A cell of a test row."""
    if value is None or value != value:
        return "None"
    return ascii(value) if isinstance(value, str) else repr(float(value))  # type: ignore[arg-type]
