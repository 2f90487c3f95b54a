"""The Python code that makes a network and trains it as a run did."""

from __future__ import annotations

from typing import Any

from glassnet.execution.model import Model
from glassnet.program.architecture import Architecture
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.entry import is_plain
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.optimizers import OPTIMIZERS
from glassnet.tables.schedules import SCHEDULES, Constant
from glassnet.training.recipe import Recipe

INDENT = ",\n    "
NOT_SAID = "the run had more settings (factors on rates, other schedules), or was not the first of its network"


def python_code(model: Model, recipe: Recipe, epochs: int, data: str = "x, y") -> str:
    """A program that repeats a run on `data`, (fan_in, batch) and (fan_out, batch) as `train` takes them."""
    note = f"# {NOT_SAID}\n" if _has_more(recipe) else ""
    return f"import glassnet\n\n{network_code(model)}\n{note}{training_code(recipe, epochs, data)}\n"


def _has_more(recipe: Recipe) -> bool:
    """Whether the recipe has settings that are not written out."""
    return bool(
        recipe.factors
        or recipe.decay_factors
        or recipe.dropout_schedule
        or recipe.penalty_per_weight
        or not recipe.shuffle
        or recipe.run
    )


def network_code(model: Model) -> str:
    """The line that makes the network."""
    architecture = model.architecture
    arguments = [
        f"[{', '.join(_layers(architecture))}]",
        f"[{', '.join(_entry(dense.activation, ACTIVATIONS) for dense in architecture.dense)}]",
        f"cost={_entry(architecture.cost, COSTS)}",
        f"initializer={_entry(model.initializer, INITIALIZERS)}",
        *(f"{name}={getattr(architecture, name)!r}" for name in ("l1", "l2") if getattr(architecture, name)),
        f'dtype="{model.dtype}"',
        f"seed={model.seed}",
        *([f'engine="{model.engine}"'] if model.engine != "compiled" else []),
    ]
    return f"network = glassnet.NeuralNetwork(\n    {INDENT.join(arguments)},\n)"


def training_code(recipe: Recipe, epochs: int, data: str, validation: str = "") -> str:
    """The line that trains it; `data` and `validation` are code."""
    arguments = [
        data,
        f"batch_size={recipe.batch_size}",
        f"epochs={epochs}",
        f"lr={recipe.lr!r}",
        f"optimizer={_entry(recipe.optimizer, OPTIMIZERS)}",
        *([] if recipe.schedule == Constant() else [f"schedule={_entry(recipe.schedule, SCHEDULES)}"]),
    ]
    if validation:
        arguments.append(f"validation={validation}")
    for name in ("patience", "clip_norm", "clip_value", "max_norm"):
        if getattr(recipe, name) is not None:
            arguments.append(f"{name}={getattr(recipe, name)!r}")
    return f"history = network.train(\n    {INDENT.join(arguments)},\n)"


def _layers(architecture: Architecture) -> list[str]:
    """Widths and the layers between them."""
    parts = [str(architecture.inputs), *map(_call, architecture.input_layers)]
    for dense in architecture.dense:
        parts += [str(dense.fan_out), *map(_call, (*dense.before, *dense.after))]
    return parts


def _entry(entry: Any, table: Any) -> str:
    """An entry of a table by its name, or with its settings where these are its own."""
    return f'"{entry.name}"' if is_plain(entry, table) else _call(entry)


def _call(entry: Any) -> str:
    return f"glassnet.{entry!r}"
