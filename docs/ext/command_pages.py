"""The pages of the command line: every command with its arguments and options, read from the program itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ext import rst
from glassnet.cli.app import SUMMARY
from glassnet.cli.command_tree import Command, CommandParameter, commands

LEAD = """Errors are one sentence on stderr and the exit code 2; Ctrl-C ends with 130. An option may stand before or
behind the files. ``python -m glassnet`` is the same program."""


def write_commands(folder: Path) -> None:
    """Write a page per command and one that lists them."""
    tree = commands()
    names = [page_name(command) for command in tree]
    for command in tree:
        (folder / f"{page_name(command)}.rst").write_text(page(command), encoding="utf-8")
    rows = [(f":doc:`glassnet {command.name} <{page_name(command)}>`", command.help[0]) for command in tree]
    listing = "\n".join(f"{name}\n   {rst.prose(text)}\n" for name, text in rows)
    text = [rst.heading("The command line"), rst.prose(SUMMARY), "", LEAD, "", listing, rst.contents(names, "Commands")]
    (folder / "commands.rst").write_text("\n".join(text), encoding="utf-8")


def page_name(command: Command) -> str:
    """The name of a command's page."""
    return f"command-{command.name}"


def page(command: Command) -> str:
    """The page of a command: usage, what it does, arguments, then the options of each group."""
    usage = " ".join(["glassnet", command.name, *(argument.spellings[0] for argument in command.arguments)])
    required = "".join(f" {option.spellings[-1]} {option.value}" for option in command.options if option.required)
    parts = [
        rst.heading(f"glassnet {command.name}"),
        rst.literal(f"{usage}{required}{' [OPTIONS]' if command.options else ''}", "text"),
    ]
    parts += ["\n\n".join(map(rst.prose, command.help)), ""]
    if command.arguments:
        parts += [rst.heading("Arguments", 1), *map(described, command.arguments)]
    for title, group in grouped(command.options):
        parts += [rst.heading(title, 1), *map(described, group)]
    return "\n".join(parts)


def grouped(options: Iterable[CommandParameter]) -> list[tuple[str, list[CommandParameter]]]:
    """The options by their panel of the help, those without one first."""
    groups: dict[str, list[CommandParameter]] = {"Options": []}
    for option in options:
        groups.setdefault(option.panel, []).append(option)
    return [(title, group) for title, group in groups.items() if group]


def described(parameter: CommandParameter) -> str:
    """An argument or option: its names, its help and its default."""
    spelled = " / ".join([", ".join(parameter.spellings), *parameter.opposites])
    facts = [rst.prose(parameter.help), *extra(parameter)]
    return f"``{f'{spelled} {parameter.value}'.strip()}``\n   {' '.join(filter(None, facts))}\n"


def extra(parameter: CommandParameter) -> list[str]:
    """Whether it is required or may be given several times, and its default."""
    texts = ["Required."] if parameter.required else []
    texts += ["May be given several times."] if parameter.multiple else []
    return texts + ([f"Default: ``{parameter.default}``."] if parameter.default else [])
