"""Quantities of a pass as a person names them, and an executor of a copy of the network that holds them.

Names count layers from 1 and indices from 0, samples are columns: w1[2,0] is the weight to neuron 2 of layer 1 from
input 0, z1[2,5] the z of that neuron for sample 5. δ2 and dW2 are delta2 and dw2, x is a0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from glassnet.batches.sources import checked_sources
from glassnet.errors import ParameterError, ParameterTypeError, unknown_name
from glassnet.execution.executor import Executor, executor
from glassnet.execution.inference import set_batch
from glassnet.execution.reference import Sources
from glassnet.program.buffers import vectors
from glassnet.program.builder import Step, build
from glassnet.program.program import Program, symbol

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork


class Place(NamedTuple):
    """One number of a quantity: its name in the program, and its index with samples as columns."""

    name: str
    at: tuple[int, int]

    def __str__(self) -> str:
        return f"{symbol(self.name)}[{', '.join(map(str, self.at))}]"


class Ready(NamedTuple):
    """A copy of a network in some dtype, its checked batch, and an executor of the plain lowering that holds both."""

    network: NeuralNetwork
    sources: Sources
    runner: Executor

    @property
    def program(self) -> Program:
        """The rows that the executor runs."""
        return self.runner.program


def ready(
    network: NeuralNetwork,
    data: tuple[Any, Any, Any],
    dtype: Any = None,
    *,
    step: Step | None = None,
    training: bool = False,
    shortcut: bool = True,
) -> Ready:
    """Check `data` (x, y, sample_weight) and set it on an executor of the network's engine; the network is copied.

    `dtype` None is the network's own. `step`, `training` and `shortcut` choose the program, as in building.build.
    """
    twin = network.astype(network.dtype if dtype is None else dtype)
    sources = checked_sources(twin, *data)
    program = build(twin.architecture, step, training=training, weighted=sources.weights is not None, shortcut=shortcut)
    held = vectors(program, twin.parameters, twin.statistics)
    runner = executor(twin.engine, program, held, len(sources.x), twin.seed)
    runner.scalars = {"l1": twin.architecture.l1, "l2": twin.architecture.l2}
    set_batch(runner, *sources)
    return Ready(twin, sources, runner)


def quantity(word: Any, names: Iterable[str]) -> str:
    """The program's name of a quantity: delta2 for δ2, dw2 for dW2, a0 for x. Raises ParameterError, or a TypeError."""
    if not isinstance(word, str):
        raise ParameterTypeError(f"a quantity is named by text such as 'delta2' or 'w1[2,0]', not {word!r}.")
    known = list(names)
    spoken = {symbol(name): name for name in known} | {"x": "a0"}
    for found in (word, spoken.get(word, "")):
        if found in known:
            return found
    if "[" in word and (name := word.split("[")[0].strip()) in {*known, *spoken}:
        raise ParameterError(f"{word!r} has an index; ask for {name!r}, and index the array that comes.")
    raise unknown_name("the quantity", word, known)


def place(word: Any, runner: Executor, names: Iterable[str]) -> Place:
    """The place that "z1[2,0]" names. Raises ParameterError where there is no such quantity or index."""
    if not isinstance(word, str) or not (match := re.fullmatch(r"\s*([^\[\]]+?)\s*(?:\[([^\[\]]*)\])?\s*", word)):
        raise ParameterTypeError(f"a place is named by text such as 'w1[2,0]', not {word!r}.")
    known, inside = list(names), match[2]
    follows = {name for name in runner.program.buffers if match[1] in (name, symbol(name))} - {*known}
    if follows:
        can = ", ".join(known)
        raise ParameterError(f"{symbol(follows.pop())} cannot be set; what can be is x, {can}.")
    name = quantity(match[1], known)
    rows, columns = shape = runner.columns(name).shape
    axes = "neuron and sample" if runner.program.buffers[name].shape[0] == "m" else "row and column"
    numbers = [] if inside is None else [part.strip() for part in inside.split(",")]
    if len(numbers) == 1 and columns == 1:
        numbers.append("0")
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise ParameterError(f"{word!r} needs {axes}, counted from 0, such as {name}[0,0]; {name} is {shape}.")
    index = (int(numbers[0]), int(numbers[1]))
    if index[0] >= rows or index[1] >= columns:
        raise ParameterError(
            f"{word!r} lies outside {symbol(name)}, which is {shape}: {axes} go to {rows - 1} and {columns - 1}."
        )
    return Place(name, index)
