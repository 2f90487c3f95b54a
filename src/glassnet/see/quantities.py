"""Quantities of a pass by the names that a person uses, and an executor on which a pass is prepared.

Names count layers from 1 and indices from 0, samples are columns: w1[2,0] is the weight to neuron 2 of layer 1 from
input 0, z1[2,5] the z of that neuron for sample 5. δ2 and dW2 are delta2 and dw2, x is a0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.samples import real_dtype
from glassnet.batches.sources import Sources, checked_sources
from glassnet.errors import ParameterError, ParameterTypeError, unknown_name
from glassnet.execution.executor import Executor
from glassnet.execution.inference import set_batch
from glassnet.execution.model import Model
from glassnet.program.builder import build
from glassnet.program.precision import precision_text
from glassnet.program.program import Program, error_name, symbol
from glassnet.program.updates import StepOptions


class Entry(NamedTuple):
    """One number of a quantity: the quantity's name in the program, and the index with samples as columns."""

    name: str
    at: tuple[int, int]

    def __str__(self) -> str:
        return f"{symbol(self.name)}[{', '.join(map(str, self.at))}]"


Data = tuple[Any, Any, Any] | Sources


class PreparedPass(NamedTuple):
    """A forward and backward pass that can run: a copy of a model, its checked batch, and their executor."""

    model: Model
    sources: Sources
    executor: Executor

    @property
    def program(self) -> Program:
        """The equations that the executor runs."""
        return self.executor.program

    @property
    def precision(self) -> str:
        """What its numbers are computed in, for people."""
        return precision_text(self.model.dtype, self.model.architecture.precision)


def prepare_pass(
    model: Model,
    data: Data,
    dtype: Any = None,
    *,
    step: StepOptions | None = None,
    training: bool = False,
    shortcut: bool = True,
    rounded: bool = True,
) -> PreparedPass:
    """Check `data` and set it on an executor of a copy of the model, in the plain lowering.

    `data` is (x, y, sample_weight) as a user passes them, or Sources, which are checked already, as those of a run are.
    `dtype` None is the model's own. `step`, `training` and `shortcut` choose the program, as in builder.build. Products
    have the model's precision where they have its dtype, unless they are not to be `rounded`.
    """
    real = model.dtype if dtype is None else real_dtype(dtype)
    twin = model.astype(real, None if rounded else str(real))
    if isinstance(data, Sources):
        sources = in_dtype(data, twin)
    else:
        sources = checked_sources(twin.architecture, twin.dtype, *data)
    program = build(twin.architecture, step, training=training, weighted=sources.weights is not None, shortcut=shortcut)
    executor = twin.executor(program, len(sources.x))
    set_batch(executor, *sources)
    return PreparedPass(twin, sources, executor)


def in_dtype(sources: Sources, model: Model) -> Sources:
    """Checked samples in the dtype of a model; targets that add up to 1 in float32 do so in float64 as well."""
    if sources.y.ndim == 1 or sources.y.dtype == model.dtype:
        return sources
    y, groups, total = sources.y.astype(model.dtype), model.architecture.groups, model.architecture.cost.target_sum
    if total is not None:
        sums = np.add.reduceat(y, np.cumsum((0, *groups[:-1])), axis=1)
        y *= np.repeat(total / sums, groups, axis=1)
    return sources._replace(y=y)


def quantity_name(text: Any, names: Iterable[str]) -> str:
    """The program's name of a quantity: delta2 for δ2, dw2 for dW2, a0 for x. Raises ParameterError, or a TypeError."""
    if not isinstance(text, str):
        raise ParameterTypeError(f"a quantity is named by text such as 'delta2' or 'w1[2,0]', not {text!r}.")
    known = list(names)
    by_symbol = {symbol(name): name for name in known} | {"x": "a0"}
    for name in (text, by_symbol.get(text, "")):
        if name in known:
            return name
    if "[" in text and (name := text.split("[")[0].strip()) in {*known, *by_symbol}:
        raise ParameterError(f"{text!r} has an index; ask for {name!r} and index the array that it returns.")
    raise unknown_name("the quantity", text, known)


def parse_entry(text: Any, executor: Executor, names: Iterable[str]) -> Entry:
    """The entry that "z1[2,0]" names. Raises ParameterError where there is no such quantity or index."""
    if not isinstance(text, str) or not (match := re.fullmatch(r"\s*([^\[\]]+?)\s*(?:\[([^\[\]]*)\])?\s*", text)):
        raise ParameterTypeError(f"an entry is named by text such as 'w1[2,0]', not {text!r}.")
    known, inside = list(names), match[2]
    follows = {name for name in executor.program.buffers if match[1] in (name, symbol(name))} - {*known}
    if follows:
        name = follows.pop()
        source = next((settable for settable in known if error_name(settable) == name), "")
        nudged = {"a0": "x"}.get(source, source)
        hint = f": nudge {nudged}, its slope is what {symbol(name)} says" if source else ""
        raise ParameterError(f"{symbol(name)} cannot be set{hint}; what can be set is x, {', '.join(known)}.")
    name = quantity_name(match[1], known)
    rows, columns = shape = executor.columns(name).shape
    axes = "neuron and sample" if executor.program.buffers[name].shape[0] == "m" else "row and column"
    numbers = [] if inside is None else [part.strip() for part in inside.split(",")]
    if len(numbers) == 1 and columns == 1:
        numbers.append("0")
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise ParameterError(f"{text!r} needs {axes}, counted from 0, such as {name}[0,0]; {name} is {shape}.")
    index = (int(numbers[0]), int(numbers[1]))
    if index[0] >= rows or index[1] >= columns:
        raise ParameterError(
            f"{text!r} is outside {symbol(name)}, which is {shape}: {axes} go to {rows - 1} and {columns - 1}."
        )
    return Entry(name, index)
