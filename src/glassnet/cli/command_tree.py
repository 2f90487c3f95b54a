"""The commands as data: what the site, the manual page and the list of promises say of arguments and options.

The only place that walks Typer's commands, whose classes differ from version to version.
"""

from __future__ import annotations

import inspect
import typing
from typing import Any, NamedTuple

import typer.main

from glassnet.cli.app import app


class CommandParameter(NamedTuple):
    """An argument or an option of a command."""

    name: str  # of the function's parameter
    is_argument: bool
    spellings: tuple[str, ...]  # ("--header",); of an argument its name in the help: ("FILE",)
    opposites: tuple[str, ...]  # what turns it off: ("--no-header",)
    value: str  # what follows an option: "COLUMN", "INTEGER"; "" for one that takes no value
    help: str
    panel: str  # the heading of the help under which an option stands
    required: bool
    multiple: bool
    default: str  # as the help shows it; "" where it shows none


class Command(NamedTuple):
    """A command of the program, or with the name "" the program itself."""

    name: str
    help: tuple[str, ...]  # its paragraphs, each on one line
    parameters: tuple[CommandParameter, ...]

    @property
    def arguments(self) -> list[CommandParameter]:
        """What is given by position."""
        return [parameter for parameter in self.parameters if parameter.is_argument]

    @property
    def options(self) -> list[CommandParameter]:
        """What is given by name."""
        return [parameter for parameter in self.parameters if not parameter.is_argument]


def program() -> Command:
    """The program with the options that stand before a command."""
    return _command("", typer.main.get_command(app))


def commands() -> list[Command]:
    """All commands, in the order of the help."""
    group: Any = typer.main.get_command(app)
    return [_command(name, command) for name, command in group.commands.items()]


def _command(name: str, command: Any) -> Command:
    paragraphs = tuple(" ".join(text.split()) for text in _plain(command.help).split("\n\n"))
    types = typing.get_type_hints(inspect.unwrap(command.callback)) if command.callback else {}
    visible = [parameter for parameter in command.params if not parameter.hidden and parameter.name != "help"]
    return Command(name, paragraphs, tuple(_parameter(each, types.get(each.name)) for each in visible))


def _parameter(parameter: Any, kind: Any) -> CommandParameter:
    is_argument = parameter.param_type_name == "argument"
    return CommandParameter(
        name=parameter.name,
        is_argument=is_argument,
        spellings=(parameter.metavar or parameter.name.upper(),) if is_argument else tuple(parameter.opts),
        opposites=tuple(parameter.secondary_opts),
        value="" if is_argument or parameter.is_flag else parameter.metavar or _kind_name(kind),
        help=" ".join((parameter.help or "").split()),
        panel=getattr(parameter, "rich_help_panel", None) or "Options",
        required=parameter.required,
        multiple=getattr(parameter, "multiple", False),
        default=_default(parameter),
    )


def _plain(text: str | None) -> str:
    """A help without the escapes of Rich."""
    return inspect.cleandoc(text or "").replace(r"\[", "[")


def _kind_name(kind: Any) -> str:
    """What an option without a metavar takes."""
    kinds = {kind, *typing.get_args(kind)}
    return "INTEGER" if int in kinds else "NUMBER" if float in kinds else "TEXT"


def _default(parameter: Any) -> str:
    """The default as the help shows it: a text of its own, or the value."""
    show_default, default = parameter.show_default, parameter.default
    if isinstance(show_default, str):
        return show_default
    hidden = parameter.required or not show_default or default in (None, False, []) or callable(default)
    return "" if hidden else str(default)
