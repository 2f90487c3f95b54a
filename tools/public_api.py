"""Write docs/public_api.txt, what other programs may rely on: python tools/public_api.py.

Public names with their signatures, the methods of classes, the entries of tables, the options of commands and the
versions of file formats, a line each. A test compares, so that every change of them is seen and decided on.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import glassnet
from glassnet import scale
from glassnet.cli.command_tree import commands, program
from glassnet.files.header import FORMAT
from glassnet.play.link import VERSION
from glassnet.tables import activations, costs, initializers, layers, optimizers, schedules

FILE = Path(__file__).parents[1] / "docs" / "public_api.txt"
TABLES = {
    "activation": activations.ACTIVATIONS,
    "cost": costs.COSTS,
    "optimizer": optimizers.OPTIMIZERS,
    "schedule": schedules.SCHEDULES,
    "initializer": initializers.INITIALIZERS,
    "layer": layers.LAYERS,
}
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def public_api() -> str:
    """All lines, sorted within each part."""
    lines = [f"file format {FORMAT}", f"link version {VERSION}"]
    for name in sorted(glassnet.__all__):
        lines += described(f"glassnet.{name}", getattr(glassnet, name))
    for name in sorted(scale.__all__):
        lines += described(f"glassnet.scale.{name}", getattr(scale, name))
    for table, entries in TABLES.items():
        lines.append(f"{table} names: {', '.join(sorted(entries))}")
    return "\n".join([*lines, *command_lines()]) + "\n"


def described(name: str, value: Any) -> Iterator[str]:
    """A public name with its signature; of a class its public methods and attributes too."""
    if not inspect.isclass(value):
        yield f"{name}{signature(value)}" if callable(value) else f"{name}: {type(value).__name__}"
        return
    bases = [base.__name__ for base in value.__mro__[1:-1] if base.__module__ == "builtins"]
    yield f"class {name}{signature(value)}" + (f" is a {', '.join(bases)}" if bases else "")
    for member, attribute in inspect.getmembers_static(value):
        if not member.startswith("_") and is_our_own(value, member):
            function = inspect.unwrap(getattr(attribute, "__func__", attribute))
            text = signature(function) if inspect.isroutine(function) else ""
            yield f"  {name}.{member}{text}"


def is_our_own(value: type, member: str) -> bool:
    """Whether a member is defined by glassnet, not by scikit-learn or Python."""
    owner = next((base for base in value.__mro__ if member in vars(base)), value)
    return owner.__module__.startswith("glassnet")


def signature(function: Any) -> str:
    """The parameters of a function and their defaults, without annotations, which the type checker holds."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return "(...)"
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return ADDRESS.sub("", str(inspect.Signature(bare)))


def command_lines() -> Iterator[str]:
    """Every command with its arguments and options."""
    for command in sorted([program(), *commands()]):
        parameters = (
            "/".join(each.spellings) + "".join(f"|{name}" for name in each.opposites) for each in command.parameters
        )
        yield " ".join(["command: glassnet", *filter(None, [command.name]), *parameters])


if __name__ == "__main__":
    FILE.write_text(public_api(), encoding="utf-8")
