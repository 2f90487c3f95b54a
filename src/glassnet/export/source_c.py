"""A pipeline as a C file (C99): `predict`, its constants, and a `main` that tests it where GLASSNET_TEST is defined.

Nothing is allocated and nothing global is written, so any number of threads may call `predict`. Sums are added in
double, as glassnet's own differ from them by their rounding alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, ClassVar

import numpy as np

from glassnet.export.pipeline import FLOAT32, FLOAT64, TEXT, Equation, Input, Output
from glassnet.export.source_formula import OPERATORS, Spelling
from glassnet.export.source_writer import SourceWriter, escaped, identifier, numbers, wrapped_list
from glassnet.tables.formula import Formula

TYPES = {FLOAT32: "float", FLOAT64: "double", "int64": "int"}
SUFFIX = {FLOAT32: "", FLOAT64: "_double"}
BASIC = {  # for each of float and double: T the type, S the suffix of the name
    "maximum": """
static inline T maximumS(T a, T b) { return a > b || a != a ? a : b; }
""",
    "minimum": """
static inline T minimumS(T a, T b) { return a < b || a != a ? a : b; }
""",
    "sign": """
static inline T signS(T x) { return x != x ? x : (T)((x > 0) - (x < 0)); }
""",
    "affine": """
/* z = W·x + b; w has a row for each input */
static void affineS(const T *x, const T *w, const T *b, T *z, int inputs, int outputs, double *sums) {
    for (int j = 0; j < outputs; j++) sums[j] = b[j];
    for (int i = 0; i < inputs; i++, w += outputs)
        for (int j = 0; j < outputs; j++) sums[j] += (double)w[j] * x[i];
    for (int j = 0; j < outputs; j++) z[j] = (T)sums[j];
}
""",
    "grouped_affine": """
/* z = W·x + b for each group of so many terms of x, which gives so many outputs */
static void grouped_affineS(const T *x, const T *w, const T *b, T *z, int count, int outputs, int terms) {
    for (int i = 0; i < count; i++) {
        double sum = b[i];
        for (int j = 0; j < terms; j++) sum += (double)w[i * terms + j] * x[i / outputs * terms + j];
        z[i] = (T)sum;
    }
}
""",
    "softmax": """
/* a = exp(z) / sum of exp(z) */
static void softmaxS(const T *z, T *a, int count) {
    double largest = z[0], total = 0;
    for (int i = 1; i < count; i++) if (z[i] > largest || z[i] != z[i]) largest = z[i];
    for (int i = 0; i < count; i++) total += exp(z[i] - largest);
    for (int i = 0; i < count; i++) a[i] = (T)(exp(z[i] - largest) / total);
}
""",
    "feature_moments": """
/* the mean and the variance of x */
static void feature_momentsS(const T *x, T *mean, T *variance, int count) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += x[i];
    for (int i = 0; i < count; i++) squares += (x[i] - sum / count) * (x[i] - sum / count);
    *mean = (T)(sum / count);
    *variance = (T)(squares / count);
}
""",
    "look_up": """
/* the vectors of the codes of some columns; 0 for a code that is not 1 to its number of levels */
static void look_upS(const T *x, const T *vectors, T *result, const int *columns, const int *levels, int count,
                     int size) {
    for (int i = 0, first = 0; i < count; first += levels[i++] + 1) {
        T code = x[columns[i]] + (T)0.5;
        int number = first + (code >= 1 && code < levels[i] + 1 ? (int)code : 0);
        for (int j = 0; j < size; j++) *result++ = vectors[number * size + j];
    }
}
""",
    "class_number": """
/* the position of the largest number */
static int class_numberS(const T *x, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) if (x[i] > x[best]) best = i;
    return best;
}
""",
}
ONCE = {
    "level_number": """
typedef struct { const char *text; float number; } Level;

/* the number of a text, NULL for a missing one; levels are sorted by their bytes */
static float level_number(const char *text, const Level *levels, int count, float other) {
    int low = 0, high = count - 1;
    while (text && low <= high) {
        int middle = (low + high) / 2, order = strcmp(text, levels[middle].text);
        if (order == 0) return levels[middle].number;
        if (order < 0) high = middle - 1; else low = middle + 1;
    }
    return other;
}
""",
    "interpolate": """
/* linear between knots, constant beyond them */
static double interpolate(double x, const double *knots, const double *values, int count) {
    int low = -1, high = count;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (knots[middle] <= x) low = middle; else high = middle;
    }
    if (low < 0 || low == count - 1) return values[low < 0 ? 0 : low];
    return values[low] + (values[low + 1] - values[low]) / (knots[low + 1] - knots[low]) * (x - knots[low]);
}
""",
    "january_first": """
/* the days from 1970-01-01 to the first of January */
static double january_first(double year) {
    double y = year - 1;
    return 365 * y + floor(y / 4) - floor(y / 100) + floor(y / 400) - 719162;
}
""",
    "calendar": """
/* the year of days since 1970-01-01, the position in it, the weekday (0: Monday), the part of the day */
static void calendar(double days, double *parts) {
    double day = floor(days), shifted = day + 719468;  /* days since 0000-03-01 */
    double era = floor(shifted / 146097), rest = shifted - 146097 * era;
    double years = floor((rest - floor(rest / 1460) + floor(rest / 36524) - floor(rest / 146096)) / 365);
    double year = 400 * era + years + (rest - (365 * years + floor(years / 4) - floor(years / 100)) >= 306);
    double start = january_first(year);
    parts[0] = year;
    parts[1] = (days - start) / (january_first(year + 1) - start);
    parts[2] = day + 3 - 7 * floor((day + 3) / 7);
    parts[3] = days - day;
}
""",
}
FUNCTIONS = {"sqrt": "sqrt", "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "tanh": "tanh"}
FUNCTIONS |= {"sin": "sin", "cos": "cos", "absolute": "fabs"}
MAIN = """
#ifdef GLASSNET_TEST
#include <stdio.h>

<rows>

int main(void) {
    double size = 0, difference = 0;
    for (int i = 0; i < <count>; i++) {
        <result>
        <call>
        for (int j = 0; j < <width>; j++) {
            size = fmax(size, fabs(EXPECTED[i][j]));
            double d = fabs(result[j] - EXPECTED[i][j]);
            if (d > difference || d != d) difference = d;
        }
    }
    printf("largest relative difference from glassnet: %.1e on <count> rows\\n", difference / (size > 0 ? size : 1));
    return 0;
}
#endif
"""
KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm".split()
)


def _helpers() -> dict[str, str]:
    both = {
        f"{name}{suffix}": re.sub(r"(?<=\w)S(?=\()", suffix, re.sub(r"\bT\b", TYPES[dtype], code))
        for name, code in BASIC.items()
        for dtype, suffix in SUFFIX.items()
    }
    return both | ONCE


class CSource(SourceWriter):
    """Writes a C file."""

    helpers: ClassVar[dict[str, str]] = _helpers()
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
        taken: set[str] = set(KEYWORDS)
        fields = []
        for entry in self.pipeline.inputs:
            stem = identifier(entry.name)
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
        name = (
            f"const {'char *const' if isinstance(values[0], str) else _class_type(values)} {self.class_table(output)}"
        )
        items = [_text(value) if isinstance(value, str) else _number(str(value)).lower() for value in values]
        note = (
            f"// what {output.name} stands for" if isinstance(values[0], str) else f"// what {output.name} stands for"
        )
        return f"{note}\n{name}[{len(values)}] = {{{wrapped_list(items)}}};"

    def _constant(self, name: str) -> str:
        array = self.pipeline.constants[name]
        suffix = "f" if array.dtype == np.float32 else ""
        items = wrapped_list([_number(text, suffix) for text in numbers(array, array.dtype.name)])
        return f"static const {TYPES[array.dtype.name]} {self.value_name(name)}[{array.size}] = {{{items}}};"

    def _main(self) -> str:
        tested, count = self.tested(), len(self.examples)
        width = self.width(tested.quantity)
        outputs = [self._result_of(output, tested) for output in self.pipeline.outputs]
        declared = " ".join(line for line, _ in outputs)
        given = "ROWS[i]" if self.is_vector else "&ROWS[i]"
        call = f"predict({', '.join([given, *(argument for _, argument in outputs)])});"
        expected = self.examples.outputs[tested.name]
        lists = ["{" + ", ".join(_number(repr(float(v))) for v in row) + "}" for row in expected]
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
        return "{" + ", ".join(_cell(cell) for row in values for cell in row) + "}"

    # Formulas ---------------------------------------------------------------------------------------------------------

    def spelling(self, dtype: str, rounded: bool) -> Spelling:
        """How formulas are written."""
        ending, suffix = ("f", "") if dtype == FLOAT32 else ("", "_double")
        operations = {name: f"{function}{ending}({{}})" for name, function in FUNCTIONS.items()}
        operations |= {name: f"{name}{suffix}({{}}, {{}})" for name in ("maximum", "minimum")}
        operations |= {"sign": f"sign{suffix}({{}})", "where": "{0} != 0 ? {1} : {2}"}

        def constant(value: float) -> str:
            text = _number(str(np.float32(value)) if dtype == FLOAT32 else repr(value), ending)
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
        items = [f"{{{_text(text)}, {number!r}f}}" for text, number in ordered if "\0" not in text] or ["{0, 0}"]
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


def _class_type(values: tuple[Any, ...]) -> str:
    if isinstance(values[0], bool):
        return "int"
    return "long long" if all(isinstance(value, int) for value in values) else "double"


def _number(text: str, suffix: str = "") -> str:
    """A number as Python writes it, in C."""
    if text in ("True", "False"):
        return str(int(text == "True"))
    if "inf" in text or "nan" in text:
        return text.replace("inf", "INFINITY").replace("nan", "NAN")
    return text + suffix


def _text(text: str) -> str:
    """A string literal, its bytes as UTF-8."""
    plain = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode())
    return f'"{plain}"'


def _cell(value: Any) -> str:
    """A cell of a test row."""
    if value is None:
        return "NULL"
    return _text(value) if isinstance(value, str) else _number(repr(float(value)))
