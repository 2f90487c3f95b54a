"""What the source code of all languages shares: a function per formula, a statement per equation, constants, test rows.

A language adds its spelling, its helper functions and its frame. Names and texts that came from a file enter the code
only as literals, or escaped in comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import Any, ClassVar

import numpy as np

from glassnet.export.examples import Examples
from glassnet.export.pipeline import FLOAT32, TEXT, Equation, Output, Pipeline
from glassnet.export.source_formula import Spelling, formula_lines
from glassnet.tables.formula import Formula

Array = np.ndarray[Any, Any]
LINE = 100  # characters of a line of numbers


class SourceWriter:
    """Writes a pipeline in one language."""

    helpers: ClassVar[dict[str, str]]  # code by name; a helper that names another needs it
    comment: ClassVar[str]

    def __init__(self, pipeline: Pipeline, examples: Examples) -> None:
        self.pipeline, self.examples = pipeline, examples
        self.functions: dict[tuple[Formula, str, bool], tuple[str, str]] = {}
        self.needed: dict[str, None] = {}

    def text(self) -> str:
        """The whole file."""
        raise NotImplementedError

    # Equations --------------------------------------------------------------------------------------------------------

    def statements(self, equation: Equation) -> list[str]:
        """The statements of one equation."""
        lines: list[str] = getattr(self, equation.kind)(equation)
        return lines

    def dtype(self, name: str) -> str:
        """The dtype of a quantity."""
        return self.pipeline.quantities[name].dtype

    def width(self, name: str) -> int:
        """The number of columns of a quantity."""
        return self.pipeline.width(name)

    def need(self, name: str) -> str:
        """A helper function's name; its code will be written."""
        self.needed[name] = None
        return name

    def function(self, equation: Equation) -> str:
        """The name of the function that computes an equation's formula; equal ones share a function."""
        assert equation.formula is not None
        dtype = self.dtype(equation.writes[0])
        rounded = dtype == FLOAT32 and not equation.section
        key = equation.formula, dtype, rounded
        if key not in self.functions:
            stem = equation.activation.name if equation.activation else equation.writes[0].rstrip("0123456789_")
            name = self._free(identifier(f"{stem}_of"))
            self.functions[key] = name, self.function_code(name, equation.formula, dtype, rounded)
        return self.functions[key][0]

    def _free(self, stem: str) -> str:
        taken = {name for name, _ in self.functions.values()}
        return next(name for name in chain([stem], (f"{stem}{n}" for n in count(2))) if name not in taken)

    def function_code(self, name: str, formula: Formula, dtype: str, rounded: bool) -> str:
        """A function that computes a formula."""
        raise NotImplementedError

    def spelling(self, dtype: str, rounded: bool) -> Spelling:
        """How formulas are written."""
        raise NotImplementedError

    def formula_statements(self, formula: Formula, names: Sequence[str], spelling: Spelling) -> tuple[list[str], str]:
        """The statements of a formula, and its result; the helpers that it calls are written too."""
        lines, result = formula_lines(formula, names, spelling)
        text = "\n".join([*lines, result])
        for helper in self.helpers:
            if re.search(rf"\b{helper}\(", text):
                self.need(helper)
        return lines, result

    def arguments(self, equation: Equation, index: str) -> list[str]:
        """What the function of a formula is given for the column `index`: that column, or the only one."""
        full = self.width(equation.writes[0])
        return [
            f"{self.value_name(name)}[{index if self.width(name) == full and full > 1 else 0}]"
            for name in equation.reads
        ]

    def value_name(self, name: str) -> str:
        """A quantity's or a constant's name in the code."""
        return name.upper() if name in self.pipeline.constants else name

    # Parts ------------------------------------------------------------------------------------------------------------

    def written_helpers(self) -> list[str]:
        """The code of the helpers that are needed, in the order of the table, with those that they need."""
        names = dict(self.needed)
        for name in reversed(list(self.helpers)):
            if name in names or any(re.search(rf"\b{name}\(", self.helpers[other]) for other in names):
                names[name] = None
        return [self.helpers[name].strip("\n") for name in self.helpers if name in names]

    def description(self) -> list[str]:
        """What the code computes, as comments."""
        from glassnet import __version__

        lines = [f"{escaped(self.pipeline.title)}, exported by glassnet {__version__}.", ""]
        lines += [f"in   {escaped(entry.name)}: {escaped(entry.note)}" for entry in self.pipeline.inputs]
        lines += [f"out  {escaped(entry.name)}: {escaped(entry.note)}" for entry in self.pipeline.outputs]
        lines += [escaped(note) for note in self.pipeline.notes]
        return [f"{self.comment} {line}".rstrip() for line in lines]

    @property
    def is_vector(self) -> bool:
        """Whether there is one input, a list of numbers; otherwise a row has cells by name."""
        first = self.pipeline.inputs[0]
        return len(self.pipeline.inputs) == 1 and self.dtype(first.quantity) != TEXT and self.width(first.quantity) > 1

    def titled(self) -> Iterator[tuple[Equation, str]]:
        """The equations, each with what begins at it, in words: a network of several, or what follows them."""
        section = 0
        for equation in self.pipeline.equations:
            title = ""
            if equation.section != section and len(self.pipeline.sections) > 1:
                section = equation.section
                title = self.pipeline.sections[section - 1] if section else "the networks together"
            yield equation, title

    def class_table(self, output: Output) -> str:
        """The name of the list of an output's classes."""
        labels = [each for each in self.pipeline.outputs if each.classes]
        return "CLASSES" if len(labels) == 1 else f"CLASSES{labels.index(output)}"

    def tested(self) -> Output:
        """The output that test rows compare: the first that holds numbers."""
        return next(output for output in self.pipeline.outputs if not output.classes)


def numbers(array: Array, dtype: str) -> list[str]:
    """The shortest decimal texts that give these numbers back in their dtype."""
    kind = np.float32 if dtype == FLOAT32 else np.float64
    return [str(value) for value in np.asarray(array, kind).ravel()]


def wrapped_list(items: Sequence[str]) -> str:
    """Items with commas: in one line where they fit, else in lines of their own."""
    if sum(map(len, items)) + 2 * len(items) <= LINE:
        return ", ".join(items)
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) + 2 > LINE:
            lines.append(line)
            line = ""
        line += f"{item}, "
    return "".join(f"\n    {line.rstrip()}" for line in [*lines, line]) + "\n"


def identifier(text: str) -> str:
    """A text as an ASCII identifier."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "x"
    return f"x_{name}" if name[0].isdigit() else name


def escaped(text: str) -> str:
    """A text for a comment of one line: other than printable characters by number, and no end of a comment."""
    plain = "".join(char if char.isprintable() and char != "\\" else f"<U+{ord(char):04X}>" for char in text)
    return plain.replace("*/", "* /").replace("??", "? ?")
