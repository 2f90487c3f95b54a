"""A pipeline as a JavaScript file for browsers and Node.js: `predict`, its constants, and rows that test it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np

from glassnet.export.javascript_functions import CHECK, HELPERS
from glassnet.export.pipeline import FLOAT32, TEXT, Equation, Output
from glassnet.export.source_formula import OPERATORS, Spelling
from glassnet.export.source_writer import SourceWriter, numbers, wrapped_list
from glassnet.tables.formula import Formula

OPERATIONS = {
    **OPERATORS,
    **{"absolute": "Math.abs({})", "sqrt": "Math.sqrt({})", "sign": "Math.sign({})", "where": "{0} ? {1} : {2}"},
    **{"maximum": "maximum({}, {})", "minimum": "minimum({}, {})", "exp": "Math.exp({})", "expm1": "Math.expm1({})"},
    **{"log": "Math.log({})", "log1p": "Math.log1p({})", "tanh": "Math.tanh({})", "sin": "Math.sin({})"},
    **{"cos": "Math.cos({})", "equal": "{} === {}", "not_equal": "{} !== {}"},
}
ARRAYS = {FLOAT32: "Float32Array", "float64": "Float64Array", "int64": "Array"}


class JavaScriptSource(SourceWriter):
    """Writes a JavaScript file."""

    helpers: ClassVar[dict[str, str]] = HELPERS
    comment = "//"

    def text(self) -> str:
        """The whole file."""
        self.tables: dict[str, str] = {}
        body = "\n".join(f"  {line}" for line in self._body())
        predict = f"/** {self._doc()} */\nfunction predict({self.argument}) {{\n{body}\n}}"
        of = f"[{json.dumps(self.tested().name)}]" if len(self.pipeline.outputs) > 1 else ""
        self.need("maximum")
        functions = [code for _, code in self.functions.values()]
        code = [*self.written_helpers(), *functions, predict, CHECK.replace("<of>", of)]
        tables = [f"const {name} = {value};" for name, value in self.tables.items()]
        data = [*map(self._constant, self.pipeline.constants), *tables, *self._test_rows()]
        head = "\n".join([*self.description(), '"use strict";'])
        return f"{head}\n\n" + "\n".join(data) + "\n\n" + "\n\n".join(part.strip("\n") for part in code) + "\n"

    @property
    def argument(self) -> str:
        """The name of what `predict` takes."""
        return "x" if self.is_vector else "row"

    def _doc(self) -> str:
        entry = self.pipeline.inputs[0]
        given = f"x: an array of {self.width(entry.quantity)} numbers" if self.is_vector else "row: an object by column"
        several = len(self.pipeline.outputs) > 1
        return f"{given}; returns {'an object of the outputs' if several else 'an array of numbers'}."

    def _body(self) -> list[str]:
        lines = []
        for entry in self.pipeline.inputs:
            cells = "x" if self.is_vector else f"[row[{json.dumps(entry.name)}]]"
            dtype = self.dtype(entry.quantity)
            if dtype == TEXT:
                lines.append(f"const {entry.quantity} = row[{json.dumps(entry.name)}];")
            else:
                lines.append(f"const {entry.quantity} = {ARRAYS[dtype]}.from({cells}, (v) => (v === null ? NaN : v));")
        for equation, title in self.titled():
            lines += [f"// {title}"] * bool(title)
            lines += self.statements(equation)
        return [*lines, self._result()]

    def _result(self) -> str:
        values = {output.name: self._value(output) for output in self.pipeline.outputs}
        if len(values) == 1:
            return f"return Array.from({self.pipeline.outputs[0].quantity});"
        return "return { " + ", ".join(f"{json.dumps(name)}: {value}" for name, value in values.items()) + " };"

    def _value(self, output: Output) -> str:
        if not output.classes:
            return f"Array.from({output.quantity})"
        name = self.class_table(output)
        self.tables[name] = f"[{', '.join(map(_literal, output.classes))}]"
        return f"{name}[{output.quantity}]"

    def _constant(self, name: str) -> str:
        array = self.pipeline.constants[name]
        items = wrapped_list([_number(text) for text in numbers(array, array.dtype.name)])
        return f"const {self.value_name(name)} = {ARRAYS[array.dtype.name]}.from([{items}]);"

    def _test_rows(self) -> list[str]:
        expected = self.examples.outputs[self.tested().name]
        rows = [self._row(number) for number in range(len(self.examples))]
        lists = [f"[{', '.join(_number(repr(float(v))) for v in row)}]" for row in expected]
        pairs = (("ROWS", rows), ("EXPECTED", lists))
        return [f"const {name} = [" + "".join(f"\n  {row}," for row in items) + "\n];" for name, items in pairs]

    def _row(self, number: int) -> str:
        inputs = self.examples.inputs
        if self.is_vector:
            return f"[{', '.join(_literal(value) for value in next(iter(inputs.values()))[number].tolist())}]"
        cells = (f"{json.dumps(name)}: {_literal(array.tolist()[number][0])}" for name, array in inputs.items())
        return f"{{ {', '.join(cells)} }}"

    # Formulas ---------------------------------------------------------------------------------------------------------

    def spelling(self, dtype: str, rounded: bool) -> Spelling:
        """How formulas are written."""

        def constant(value: float) -> str:
            text = _number(repr(float(np.float32(value)) if dtype == FLOAT32 else value))
            return f"({text})" if text.startswith("-") else text

        return Spelling(OPERATIONS, constant, "const {} = {};", "Math.fround({})" if rounded else "")

    def function_code(self, name: str, formula: Formula, dtype: str, rounded: bool) -> str:
        """A function that computes a formula."""
        names = [f"x{number}" for number in range(formula.inputs)] if formula.inputs > 1 else ["x"]
        lines, result = self.formula_statements(formula, names, self.spelling(dtype, rounded))
        body = "".join(f"  {line}\n" for line in lines)
        return f"function {name}({', '.join(names)}) {{\n{body}  return {result};\n}}"

    # Kinds of equations -----------------------------------------------------------------------------------------------

    def _new(self, name: str) -> str:
        return f"const {name} = new {ARRAYS[self.dtype(name)]}({self.width(name)});"

    def _call(self, equation: Equation, *more: str) -> list[str]:
        """A call of the helper of this kind, which fills new arrays."""
        arguments = ", ".join([*map(self.value_name, equation.reads), *equation.writes, *more])
        return [*map(self._new, equation.writes), f"{self.need(equation.kind)}({arguments});"]

    def _from(self, equation: Equation, value: str) -> list[str]:
        """An array with a value for each i."""
        write = equation.writes[0]
        return [
            f"const {write} = {ARRAYS[self.dtype(write)]}.from({{ length: {self.width(write)} }}, (_, i) => {value});"
        ]

    def formula(self, equation: Equation) -> list[str]:
        """An elementwise equation."""
        return self._from(equation, f"{self.function(equation)}({', '.join(self.arguments(equation, 'i'))})")

    def affine(self, equation: Equation) -> list[str]:
        """x·W + b."""
        return self._call(equation)

    def grouped_affine(self, equation: Equation) -> list[str]:
        """The same by groups."""
        return self._call(equation, *map(str, equation.settings))

    def softmax(self, equation: Equation) -> list[str]:
        """Softmax by groups."""
        self.need("maximum")
        return self._call(equation, str(list(equation.settings)))

    def feature_moments(self, equation: Equation) -> list[str]:
        """Mean and variance."""
        return self._call(equation)

    def select(self, equation: Equation) -> list[str]:
        """Some columns."""
        return self._from(equation, f"{equation.reads[0]}[{list(equation.settings)}[i]]")

    def concatenate(self, equation: Equation) -> list[str]:
        """Side by side."""
        write = equation.writes[0]
        joined = ", ".join(f"...{read}" for read in equation.reads)
        return [f"const {write} = {ARRAYS[self.dtype(write)]}.from([{joined}]);"]

    def look_up(self, equation: Equation) -> list[str]:
        """Vectors of codes."""
        return self._call(
            equation, *(str(list(numbers)) for numbers in (equation.settings[::2], equation.settings[1::2]))
        )

    def total(self, equation: Equation) -> list[str]:
        """The sum over the columns."""
        return self._from(equation, f"{equation.reads[0]}.reduce((sum, v) => sum + v)")

    def convert(self, equation: Equation) -> list[str]:
        """Another dtype."""
        return [f"const {equation.writes[0]} = {ARRAYS[self.dtype(equation.writes[0])]}.from({equation.reads[0]});"]

    def level_number(self, equation: Equation) -> list[str]:
        """The number of a text."""
        *pairs, other = equation.settings
        table = f"{equation.writes[0]}_of_text".upper()
        self.tables[table] = f"new Map([{wrapped_list([f'[{json.dumps(text)}, {value!r}]' for text, value in pairs])}])"
        return self._from(equation, f"{table}.get({equation.reads[0]}) ?? {other!r}")

    def interpolate(self, equation: Equation) -> list[str]:
        """A broken line."""
        x, *knots = equation.reads
        return self._from(equation, f"{self.need('interpolate')}({x}[0], {', '.join(map(self.value_name, knots))})")

    def calendar(self, equation: Equation) -> list[str]:
        """The parts of a date."""
        return [
            self._new(equation.writes[0]),
            f"{self.need('calendar')}({equation.reads[0]}[0], {equation.writes[0]});",
        ]

    def class_number(self, equation: Equation) -> list[str]:
        """The number of the largest column."""
        return [f"const {equation.writes[0]} = {self.need('largest')}({equation.reads[0]});"]


def _number(text: str) -> str:
    """A number as Python writes it, in JavaScript."""
    return text.replace("inf", "Infinity").replace("nan", "NaN")


def _literal(value: Any) -> str:
    """A cell or a class."""
    if value is None or value != value:
        return "null"
    if isinstance(value, bool | str):
        return json.dumps(value)
    return str(value) if isinstance(value, int) else _number(repr(float(value)))
