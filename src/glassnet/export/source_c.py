"""A pipeline as a C file (C99): `predict`, its constants, and a `main` that tests it where GLASSNET_TEST is defined.

Nothing is allocated and nothing global is written, so any number of threads may call `predict`. Sums are added in
double, as glassnet's own differ from them by their rounding alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, ClassVar

import numpy as np

from glassnet.export.c_functions import MAIN, SUFFIX, TYPES, both_types
from glassnet.export.c_literals import c_cell, c_class_type, c_field, c_number, c_text
from glassnet.export.pipeline import FLOAT32, TEXT, Equation, Input, Output
from glassnet.export.source_formula import OPERATORS, Spelling
from glassnet.export.source_writer import SourceWriter, escaped, identifier, numbers, wrapped_list
from glassnet.tables.formula import Formula

FUNCTIONS = {"sqrt": "sqrt", "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "tanh": "tanh"}
FUNCTIONS |= {"sin": "sin", "cos": "cos", "absolute": "fabs"}


class CSource(SourceWriter):
    """Writes a C file."""

    helpers: ClassVar[dict[str, str]] = both_types()
    comment = "//"

    def text(self) -> str:
        """The whole file."""
        self.tables: list[str] = []
        self.classes: list[str] = []
        lines = self._body()
        body = "\n".join(f"    {line}" for line in lines)
        predict = f"void predict({', '.join(self._parameters())}) {{\n{body}\n}}"
        functions = [code for _, code in self.functions.values()]
        helpers = self.written_helpers()
        tables = [*map(self._constant, self.pipeline.constants), *self.tables]
        level = [helper for helper in helpers if "} Level;" in helper]
        others = [helper for helper in helpers if "} Level;" not in helper]
        struct = [self._struct()] if not self.is_vector else []
        parts = [*struct, *self.classes, *level, "\n".join(tables), *others, *functions, predict, self._main()]
        head = "\n".join([*self.description(), "", "#include <math.h>", "#include <string.h>"])
        return f"{head}\n\n" + "\n\n".join(part.strip("\n") for part in parts if part) + "\n"

    # The frame --------------------------------------------------------------------------------------------------------

    def _fields(self) -> list[tuple[Input, str]]:
        """The inputs with the names of their fields."""
        taken: set[str] = set()
        fields = []
        for entry in self.pipeline.inputs:
            stem = c_field(identifier(entry.name))
            name = next(n for n in (stem, *(f"{stem}_{k}" for k in range(2, len(taken) + 3))) if n not in taken)
            taken.add(name)
            fields.append((entry, name))
        return fields

    def _struct(self) -> str:
        lines = []
        for entry, name in self._fields():
            dtype = self.dtype(entry.quantity)
            kind = "const char *" if dtype == TEXT else f"{TYPES[dtype]} "
            lines.append(f"    {kind}{name};  // {escaped(entry.name)}: {escaped(entry.note)}")
        return "typedef struct {\n" + "\n".join(lines) + "\n} Row;"

    def _parameters(self) -> list[str]:
        first = self.pipeline.inputs[0].quantity
        given = f"const {TYPES[self.dtype(first)]} *x" if self.is_vector else "const Row *row"
        return [given, *(f"{self._output_type(o)} *{o.name}" for o in self.pipeline.outputs)]

    def _output_type(self, output: Output) -> str:
        return "int" if output.classes else TYPES[self.dtype(output.quantity)]

    def _body(self) -> list[str]:
        lines = []
        if self.is_vector:
            quantity = self.pipeline.inputs[0].quantity
            lines.append(f"const {TYPES[self.dtype(quantity)]} *{quantity} = x;")
        else:
            lines += [self._reading(entry, name) for entry, name in self._fields()]
        for section, equations in self._sections():
            block = [line for equation in equations for line in self._equation(equation)]
            lines += [f"{{  // {section}", *(f"    {line}" for line in block), "}"] if section else block
        return [*lines, *(line for output in self.pipeline.outputs for line in self._result(output))]

    def _reading(self, entry: Input, field: str) -> str:
        dtype = self.dtype(entry.quantity)
        if dtype == TEXT:
            return f"const char *{entry.quantity} = row->{field};"
        return f"const {TYPES[dtype]} {entry.quantity}[1] = {{row->{field}}};"

    def _sections(self) -> Iterator[tuple[str, list[Equation]]]:
        """Blocks of the equations of a network, so that their arrays share the stack; what is read later is outside."""
        self.outside = self._read_elsewhere()
        for section, group in groupby(self.pipeline.equations, lambda equation: equation.section):
            equations = list(group)
            title = self.pipeline.sections[section - 1] if section else ""
            if title:
                for equation in equations:
                    for name in equation.writes:
                        if name in self.outside:
                            yield "", [Equation("declare", (), (name,))]
            yield title, equations

    def _read_elsewhere(self) -> set[str]:
        """The quantities that another section than their own reads, or that are outputs."""
        home = {name: equation.section for equation in self.pipeline.equations for name in equation.writes}
        read = {
            name
            for equation in self.pipeline.equations
            for name in equation.reads
            if home.get(name, equation.section) != equation.section
        }
        return {name for name in read | {output.quantity for output in self.pipeline.outputs} if home.get(name)}

    def _equation(self, equation: Equation) -> list[str]:
        names = [name for name in equation.writes if equation.kind == "declare" or name not in self.outside]
        declared = [f"{TYPES[self.dtype(name)]} {name}[{self.width(name)}];" for name in names]
        return declared + ([] if equation.kind == "declare" else self.statements(equation))

    def _result(self, output: Output) -> list[str]:
        if output.classes:
            self.classes.append(self._class_list(output))
            return [f"*{output.name} = {output.quantity}[0];"]
        return [f"memcpy({output.name}, {output.quantity}, sizeof {output.quantity});"]

    def _class_list(self, output: Output) -> str:
        """The classes that a number stands for."""
        values = output.classes
        kind = "char *const" if isinstance(values[0], str) else c_class_type(values)
        items = [c_text(value) if isinstance(value, str) else c_number(str(value)) for value in values]
        table = f"const {kind} {self.class_table(output)}[{len(values)}]"
        return f"// what {output.name} stands for\n{table} = {{{wrapped_list(items)}}};"

    def _constant(self, name: str) -> str:
        array = self.pipeline.constants[name]
        suffix = "f" if array.dtype == np.float32 else ""
        items = wrapped_list([c_number(text, suffix) for text in numbers(array, array.dtype.name)])
        return f"static const {TYPES[array.dtype.name]} {self.value_name(name)}[{array.size}] = {{{items}}};"

    def _main(self) -> str:
        tested, count = self.tested(), len(self.examples)
        width = self.width(tested.quantity)
        outputs = [self._result_of(output, tested) for output in self.pipeline.outputs]
        declared = " ".join(line for line, _ in outputs)
        given = "ROWS[i]" if self.is_vector else "&ROWS[i]"
        call = f"predict({', '.join([given, *(argument for _, argument in outputs)])});"
        expected = self.examples.outputs[tested.name]
        lists = ["{" + ", ".join(c_number(repr(float(v))) for v in row) + "}" for row in expected]
        kind = "Row ROWS" if not self.is_vector else f"{TYPES[self.dtype(self.pipeline.inputs[0].quantity)]} ROWS"
        size = f"[{self.width(self.pipeline.inputs[0].quantity)}]" if self.is_vector else ""
        rows = (
            f"static const {kind}[{count}]{size} = {{"
            + "".join(f"\n    {self._row(i)}," for i in range(count))
            + "\n};\n"
        )
        rows += (
            f"static const double EXPECTED[{count}][{width}] = {{" + "".join(f"\n    {row}," for row in lists) + "\n};"
        )
        text = MAIN.replace("<rows>", rows).replace("<result>", declared).replace("<call>", call)
        return text.replace("<count>", str(count)).replace("<width>", str(width))

    def _result_of(self, output: Output, tested: Output) -> tuple[str, str]:
        """The declaration of a result of the test, and its argument."""
        kind = self._output_type(output)
        if output == tested:
            return f"{kind} result[{self.width(output.quantity)}];", "result"
        if output.classes:
            return f"{kind} {output.name};", f"&{output.name}"
        return f"{kind} {output.name}[{self.width(output.quantity)}];", output.name

    def _row(self, number: int) -> str:
        values = [array.tolist()[number] for array in self.examples.inputs.values()]
        return "{" + ", ".join(c_cell(cell) for row in values for cell in row) + "}"

    # Formulas ---------------------------------------------------------------------------------------------------------

    def spelling(self, dtype: str, rounded: bool) -> Spelling:
        """How formulas are written."""
        ending, suffix = ("f", "") if dtype == FLOAT32 else ("", "_double")
        operations = {name: f"{function}{ending}({{}})" for name, function in FUNCTIONS.items()}
        operations |= {name: f"{name}{suffix}({{}}, {{}})" for name in ("maximum", "minimum")}
        operations |= {"sign": f"sign{suffix}({{}})", "where": "{0} != 0 ? {1} : {2}"}

        def constant(value: float) -> str:
            text = c_number(str(np.float32(value)) if dtype == FLOAT32 else repr(value), ending)
            return f"({text})" if text.startswith("-") else text

        return Spelling(OPERATORS | operations, constant, f"{TYPES[dtype]} {{}} = {{}};")

    def function_code(self, name: str, formula: Formula, dtype: str, rounded: bool) -> str:
        """A function that computes a formula."""
        names = [f"x{number}" for number in range(formula.inputs)] if formula.inputs > 1 else ["x"]
        lines, result = self.formula_statements(formula, names, self.spelling(dtype, rounded))
        kind = TYPES[dtype]
        body = "".join(f"    {line}\n" for line in lines)
        unused = "".join(f"    (void){each};\n" for number, each in enumerate(names) if number not in formula.reads)
        parameters = ", ".join(f"{kind} {each}" for each in names)
        return f"static inline {kind} {name}({parameters}) {{\n{unused}{body}    return {result};\n}}"

    # Kinds of equations -----------------------------------------------------------------------------------------------

    def _call(self, equation: Equation, *more: Any) -> list[str]:
        """A call of the helper of this kind."""
        name = f"{equation.kind}{SUFFIX[self.dtype(equation.reads[0])]}"
        arguments = [*map(self.value_name, equation.reads), *equation.writes, *map(str, more)]
        return [f"{self.need(name)}({', '.join(arguments)});"]

    def _loop(self, equation: Equation, value: str) -> list[str]:
        write = equation.writes[0]
        if self.width(write) == 1:
            return [f"{write}[0] = {value.replace('[i]', '[0]')};"]
        return [f"for (int i = 0; i < {self.width(write)}; i++) {write}[i] = {value};"]

    def formula(self, equation: Equation) -> list[str]:
        """An elementwise equation."""
        return self._loop(equation, f"{self.function(equation)}({', '.join(self.arguments(equation, 'i'))})")

    def affine(self, equation: Equation) -> list[str]:
        """x·W + b."""
        outputs = self.width(equation.writes[0])
        sums = f"(double[{outputs}]){{0}}"
        return self._call(equation, self.width(equation.reads[0]), outputs, sums)

    def grouped_affine(self, equation: Equation) -> list[str]:
        """The same by groups."""
        return self._call(equation, self.width(equation.writes[0]), *equation.settings)

    def softmax(self, equation: Equation) -> list[str]:
        """Softmax by groups."""
        read, write, first, lines = equation.reads[0], equation.writes[0], 0, []
        name = self.need(f"softmax{SUFFIX[self.dtype(write)]}")
        for size in equation.settings:
            lines.append(f"{name}({read} + {first}, {write} + {first}, {size});")
            first += size
        return lines

    def feature_moments(self, equation: Equation) -> list[str]:
        """Mean and variance."""
        return self._call(equation, self.width(equation.reads[0]))

    def _table(self, equation: Equation, name: str, values: tuple[int, ...]) -> str:
        """A constant list of whole numbers."""
        table = f"{equation.writes[0]}_{name}".upper()
        self.tables.append(f"static const int {table}[{len(values)}] = {{{wrapped_list(list(map(str, values)))}}};")
        return table

    def select(self, equation: Equation) -> list[str]:
        """Some columns."""
        read, columns = equation.reads[0], equation.settings
        if columns == tuple(range(columns[0], columns[0] + len(columns))):
            first = (
                f"{columns[0]} + i" if columns[0] and len(columns) > 1 else "i" if len(columns) > 1 else str(columns[0])
            )
            return (
                self._loop(equation, f"{read}[{first}]")
                if len(columns) > 1
                else [f"{equation.writes[0]}[0] = {read}[{first}];"]
            )
        return self._loop(equation, f"{read}[{self._table(equation, 'columns', columns)}[i]]")

    def concatenate(self, equation: Equation) -> list[str]:
        """Side by side."""
        write, first, lines = equation.writes[0], 0, []
        for read in equation.reads:
            lines.append(f"memcpy({write} + {first}, {read}, {self.width(read)} * sizeof *{write});")
            first += self.width(read)
        return lines

    def look_up(self, equation: Equation) -> list[str]:
        """Vectors of codes."""
        columns, levels = equation.settings[::2], equation.settings[1::2]
        tables = self._table(equation, "columns", columns), self._table(equation, "levels", levels)
        size = self.pipeline.constants[equation.reads[1]].shape[1]
        return self._call(equation, *tables, len(columns), size)

    def total(self, equation: Equation) -> list[str]:
        """The sum over the columns."""
        read, write = equation.reads[0], equation.writes[0]
        return [f"{write}[0] = 0;", f"for (int i = 0; i < {self.width(read)}; i++) {write}[0] += {read}[i];"]

    def convert(self, equation: Equation) -> list[str]:
        """Another dtype."""
        return self._loop(equation, f"({TYPES[self.dtype(equation.writes[0])]}){equation.reads[0]}[i]")

    def level_number(self, equation: Equation) -> list[str]:
        """The number of a text."""
        *pairs, other = equation.settings
        table = f"{equation.writes[0]}_of_text".upper()
        ordered = sorted(pairs, key=lambda pair: pair[0].encode())
        items = [f"{{{c_text(text)}, {number!r}f}}" for text, number in ordered if "\0" not in text] or ["{0, 0}"]
        self.tables.append(f"static const Level {table}[{len(items)}] = {{{wrapped_list(items)}}};")
        count = len(items) if pairs else 0
        return [
            f"{equation.writes[0]}[0] = {self.need('level_number')}({equation.reads[0]}, {table}, {count}, {other!r}f);"
        ]

    def interpolate(self, equation: Equation) -> list[str]:
        """A broken line."""
        x, knots, values = equation.reads
        arguments = f"{x}[0], {self.value_name(knots)}, {self.value_name(values)}, {self.width(knots)}"
        return [f"{equation.writes[0]}[0] = {self.need('interpolate')}({arguments});"]

    def calendar(self, equation: Equation) -> list[str]:
        """The parts of a date."""
        return [f"{self.need('calendar')}({equation.reads[0]}[0], {equation.writes[0]});"]

    def class_number(self, equation: Equation) -> list[str]:
        """The number of the largest column."""
        read = equation.reads[0]
        name = self.need(f"class_number{SUFFIX[self.dtype(read)]}")
        return [f"{equation.writes[0]}[0] = {name}({read}, {self.width(read)});"]
