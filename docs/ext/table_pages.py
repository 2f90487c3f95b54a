"""The pages of the tables: of every entry its docstring, its formula as it is computed, a picture, its source.

Nothing is written here about a single entry: a new one in a table of `glassnet.tables` has its section by itself.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from itertools import starmap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ext import pictures, rst
from ext.formulas import lines, markup
from glassnet import NeuralNetwork
from glassnet.see.stage import recurrence
from glassnet.tables import activations, costs, initializers, layers, optimizers, schedules
from glassnet.tables.formula import trace

Fields = list[tuple[str, str]]
STEPS, LR = ("1", "2", "3"), 0.1  # those whose scalars are shown


class Table(NamedTuple):
    """A table, its page, and what is shown of each entry besides the docstring, the settings and the source."""

    name: str
    title: str
    module: Any
    entries: Mapping[str, type[Any]]
    details: Callable[[Any], Iterator[str]]
    picture: Callable[[Any], Callable[[Any, str, str], None] | None]


def write_tables(folder: Path) -> None:
    """Write the page of each table and its pictures."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        (folder / f"{table.name}.rst").write_text(page(table, folder), encoding="utf-8")


def page(table: Table, folder: Path) -> str:
    """The page of a table."""
    sections = [section(table, kind, folder) for kind in table.entries.values()]
    paragraphs = (inspect.getdoc(table.module) or "").split("\n\n")
    lead = "\n\n".join(rst.prose(text) for text in paragraphs if ".py`" not in text)  # those are about the files
    names = ", ".join(f"`{name} <{anchor(table, name)}_>`__" for name in table.entries)
    return "\n".join([rst.heading(table.title), lead, "", f"{names}.", "", *sections])


def anchor(table: Table, name: str) -> str:
    """The label of an entry's section."""
    return f"{table.name}-{name.replace('_', '-')}"


def section(table: Table, kind: type[Any], folder: Path) -> str:
    """The section of one entry."""
    entry = kind()
    parts = [rst.label(anchor(table, entry.name)), rst.heading(entry.name, 1)]
    parts.append(rst.directive("autoclass", f"glassnet.{kind.__name__}"))
    parts.extend(table.details(entry))
    parts.append(rst.fields([*settings(entry), ("Source", rst.prose(entry.source))]))
    drawing = table.picture(entry)
    if drawing is not None:
        name = f"pictures/{anchor(table, entry.name)}"
        pictures.draw(folder / name, drawing)
        parts.append(rst.picture(name, f"{table.title}: {entry.name}"))
    return "\n".join(parts)


def settings(entry: Any) -> Fields:
    """The settings with their defaults and limits."""
    texts = []
    for field in fields(entry):
        default = "" if field.default is MISSING else f" = {field.default!r}"
        limit = entry.limits.get(field.name)
        least = f", a whole number of at least {limit}" if isinstance(limit, int) else f", in {limit}"
        texts.append(f"``{field.name}{default}``{'' if limit is None else rst.prose(least)}")
    return [("Settings", "; ".join(texts))] if texts else []


def activation(entry: Any) -> Iterator[str]:
    """value and derivative as computed, and the range."""
    if entry.elementwise:
        value = lines(trace(entry.value, 1), ["z"], ["a"])
        derivative = lines(trace(entry.derivative, 2), ["z", "a"], [f"{entry.name}'"])
        yield "As computed, without overflow, and its derivative:\n"
        yield rst.html(markup(value) + markup(derivative))
    else:
        yield "Its Jacobian product: " + rst.prose(inspect.getdoc(entry.jacobian_product) or "") + "\n"
    yield rst.fields([("Range", rst.prose(str(entry.range)))])


def cost(entry: Any) -> Iterator[str]:
    """The cost of a sample, value and gradient of one output as computed, domains and pairs."""
    yield "The cost of a sample; then that of one output as computed, and its gradient:\n"
    value, gradient = trace(entry.value, 2), trace(entry.gradient, 2)
    texts = [[f"c = {entry.text('a')}"], lines(value, ["a", "y"], ["c"]), lines(gradient, ["a", "y"], ["∂c/∂a"])]
    yield rst.html("".join(map(markup, texts)))
    pairs = ", ".join(f"``{name}``" for name in entry.pairs)
    domains = [("Outputs", rst.prose(str(entry.outputs))), ("Targets", rst.prose(str(entry.targets)))]
    yield rst.fields([*domains, *([("Pairs with", f"{pairs}, where δ = a − y")] if pairs else [])])


def optimizer(entry: Any) -> Iterator[str]:
    """The recurrence as computed, its states, and the scalars of the first steps."""
    table = entry.scalars(np.arange(1, len(STEPS) + 1), LR)
    count = len(entry.states)

    def update(w: Any, g: Any, *rest: Any) -> Any:
        return entry.update(w, g, *rest[:count], **dict(zip(table, rest[count:], strict=True)))

    scalars = [re.sub("one_minus_(.*)", r"(1 − \1)", name) for name in table]
    text = trace(update, 2 + count + len(table)).text(["w", "g", *entry.states, *scalars])
    yield "As computed, one line after the other, for one weight w and its gradient g:\n"
    yield rst.html(markup(recurrence("w", entry.states, text).split("\n")))
    shown = [(name, values) for name, values in table.items() if not name.startswith("one_minus_")]
    states = ", ".join(f"``{state}``, 0 at first" for state in entry.states) or "none"
    yield rst.fields([("States", states), (f"Scalars for lr = {LR}", "; ".join(starmap(scalar, shown)))])


def scalar(name: str, values: Any) -> str:
    """A scalar of an optimiser with its value, or those of the first steps where it changes."""
    if np.ptp(values) == 0:
        return f"``{name}`` = {values[0]:.4g}"
    return f"``{name}`` = {', '.join(f'{value:.4g}' for value in values)} in steps {', '.join(STEPS)}"


def layer(entry: Any) -> Iterator[str]:
    """The equations of a training step of a small network with the layer."""
    shape = [3, entry, 4, 2] if entry.on_inputs else [3, 4, entry, 2]
    yield f"A step of a network {' → '.join(str(part) if isinstance(part, int) else entry.name for part in shape)}:\n"
    yield rst.literal(str(NeuralNetwork(shape, ["linear", "sigmoid"], seed=0, engine="numpy").program))


def nothing(entry: Any) -> Iterator[str]:
    """The docstring says it all."""
    yield ""


def activation_picture(entry: Any) -> Callable[[Any, str, str], None]:
    """That of an elementwise activation, or of softmax."""
    return (pictures.activation if entry.elementwise else pictures.softmax)(entry)


TABLES = (
    Table("activations", "Activations", activations, activations.ACTIVATIONS, activation, activation_picture),
    Table("costs", "Costs", costs, costs.COSTS, cost, pictures.cost),
    Table("optimizers", "Optimisers", optimizers, optimizers.OPTIMIZERS, optimizer, pictures.optimizer),
    Table("schedules", "Schedules", schedules, schedules.SCHEDULES, nothing, pictures.schedule),
    Table("initializers", "Initialisers", initializers, initializers.INITIALIZERS, nothing, pictures.initializer),
    Table("layers", "Layers", layers, layers.LAYERS, layer, lambda entry: None),
)
