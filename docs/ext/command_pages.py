"""The pages of the command line: every command with its arguments and options, read from the program itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from ext import rst
from glassnet.cli.app import SUMMARY, app

LEAD = """Errors are one sentence on stderr and the exit code 2; Ctrl-C ends with 130. An option may stand before or
behind the files. ``python -m glassnet`` is the same program."""


def write_commands(folder: Path) -> None:
    """Write a page per command and one that lists them."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    names = [page_name(name) for name in commands]
    for name, command in commands.items():
        (folder / f"{page_name(name)}.rst").write_text(page(name, command), encoding="utf-8")
    rows = [(f":doc:`glassnet {name} <{page_name(name)}>`", first(command.help)) for name, command in commands.items()]
    listing = "\n".join(f"{name}\n   {rst.prose(text)}\n" for name, text in rows)
    text = [rst.heading("The command line"), rst.prose(SUMMARY), "", LEAD, "", listing, rst.contents(names, "Commands")]
    (folder / "commands.rst").write_text("\n".join(text), encoding="utf-8")


def page_name(command: str) -> str:
    """The name of a command's page."""
    return f"command-{command}"


def first(text: str) -> str:
    """The first paragraph."""
    return " ".join(text.split("\n\n")[0].split())


def page(name: str, command: Any) -> str:
    """The page of a command: usage, what it does, arguments, then the options of each group."""
    visible = [parameter for parameter in command.params if not parameter.hidden]
    arguments = [parameter for parameter in visible if parameter.param_type_name == "argument"]
    options = [parameter for parameter in visible if parameter.param_type_name == "option"]
    usage = " ".join(["glassnet", name, *(argument.metavar or argument.name.upper() for argument in arguments)])
    required = "".join(f" {option.opts[-1]} {option.metavar}" for option in options if option.required)
    parts = [
        rst.heading(f"glassnet {name}"),
        rst.literal(f"{usage}{required}{' [OPTIONS]' if options else ''}", "text"),
    ]
    parts += ["\n\n".join(rst.prose(paragraph) for paragraph in command.help.split("\n\n")), ""]
    if arguments:
        parts += [rst.heading("Arguments", 1), *map(described, arguments)]
    for title, group in grouped(options):
        parts += [rst.heading(title, 1), *map(described, group)]
    return "\n".join(parts)


def grouped(options: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    """The options by their panel of the help, those without one first."""
    groups: dict[str, list[Any]] = {"Options": []}
    for option in options:
        groups.setdefault(option.rich_help_panel or "Options", []).append(option)
    return [(title, group) for title, group in groups.items() if group]


def described(parameter: Any) -> str:
    """An argument or option: its names, its help and its default."""
    if parameter.param_type_name == "argument":
        spelled = parameter.metavar or parameter.name.upper()
    else:
        spelled = " / ".join([", ".join(parameter.opts), *parameter.secondary_opts])
        spelled += "" if parameter.is_flag else f" {parameter.metavar or type_name(parameter)}"
    facts = [rst.prose(parameter.help or ""), *extra(parameter)]
    return f"``{spelled}``\n   {' '.join(filter(None, facts))}\n"


def type_name(parameter: Any) -> str:
    """What an option without a metavar takes."""
    return {int: "INTEGER", float: "NUMBER"}.get(parameter.bare_type, "TEXT")


def extra(parameter: Any) -> list[str]:
    """Whether it is required or may be given several times, and its default."""
    texts = ["Required."] if parameter.required else []
    texts += ["May be given several times."] if parameter.multiple else []
    shown, default = parameter.show_default, parameter.default
    if isinstance(shown, str):
        texts.append(f"Default: {rst.prose(shown)}.")
    elif shown and not parameter.required and default not in (None, False, []) and not callable(default):
        texts.append(f"Default: ``{default}``.")
    return texts
