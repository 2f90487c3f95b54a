"""The formula of a table's entry as MathML, from the operations that the engine compiles.

A part that is used more than once gets a name and a line of its own, so that a formula is as long as its computation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from glassnet.see.formula_markup import mathml
from glassnet.tables.formula import Formula, Operation

POWERS = {"^2": "²", "^3": "³"}
FENCE = re.compile(r"<mo>([()])</mo>")
BAR = "<mo stretchy='false' lspace='0' rspace='0'>|</mo>"


def lines(formula: Formula, names: Sequence[str], results: Sequence[str]) -> list[str]:
    """The lines `result = ...`, before them those of the parts that are used more than once."""
    parts = shared(formula)
    symbols = [f"u{number}" for number in range(1, len(parts) + 1)] if len(parts) > 1 else ["u"][: len(parts)]
    named = with_inputs(formula, parts)
    first = formula.inputs + len(parts)  # the index of the first operation, behind all inputs
    outputs = [first + part - formula.inputs for part in parts]
    outputs += [_moved(output, formula.inputs, parts) for output in formula.outputs]
    texts = [named._replace(outputs=(output,)).text([*names, *symbols]) for output in outputs]
    return [f"{name} = {text}" for name, text in zip([*symbols, *results], texts, strict=True)]


def shared(formula: Formula) -> list[int]:
    """The indices of the values that are used more than once and consist of more than one operation."""
    uses = Counter(a for operation in formula.operations for a in operation.arguments if isinstance(a, int))
    uses.update(a for a in formula.outputs if isinstance(a, int))
    composed = [
        formula.inputs + number
        for number, operation in enumerate(formula.operations)
        if any(isinstance(a, int) and a >= formula.inputs for a in operation.arguments)
    ]
    return [index for index in composed if uses[index] > 1]


def with_inputs(formula: Formula, parts: Sequence[int]) -> Formula:
    """The same operations, which read the shared parts as further inputs."""
    operations = tuple(
        Operation(operation.name, tuple(_moved(a, formula.inputs, parts) for a in operation.arguments))
        for operation in formula.operations
    )
    return Formula(formula.inputs + len(parts), operations, ())


def _moved(argument: int | float, inputs: int, parts: Sequence[int]) -> int | float:
    """The new index of a value; a constant stays as it is."""
    if isinstance(argument, float) or argument < inputs:
        return argument
    return inputs + parts.index(argument) if argument in parts else argument + len(parts)


def markup(text_lines: Sequence[str]) -> str:
    """The lines as MathML."""
    text = "\n".join(text_lines)
    for power, sign in POWERS.items():
        text = text.replace(power, sign)
    drawn = FENCE.sub(r"<mo stretchy='false'>\1</mo>", mathml(text, {}))  # a sum in brackets is as high as a name
    return f'<div class="formula">{drawn.replace("<mo>|</mo>", BAR)}</div>'
