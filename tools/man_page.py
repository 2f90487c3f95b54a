"""Write docs/glassnet.1, the manual page, from the command line itself: python tools/man_page.py.

The wheel installs it as share/man/man1/glassnet.1. A test compares it with what the command line says now.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer.main

from glassnet.cli.app import app

PAGE = Path(__file__).parents[1] / "docs" / "glassnet.1"
EXIT_CODES = (
    ("0", "The command did what it says."),
    ("1", "A check found a fault, as its output says."),
    ("2", "Something about the command or a file is wrong; one sentence on standard error says what, and what to do."),
    ("130", "Ctrl-C ended it; a model that was being trained has been saved."),
)
ENVIRONMENT = (
    ("GLASSNET_THREADS", "The most threads that training and prediction may use."),
    ("GLASSNET_CACHE", "The folder of compiled kernels; without it, glassnet in the caches of the user."),
)


def manual_page() -> str:
    """The whole page in the roff language."""
    group: Any = typer.main.get_command(app)
    lines = ['.TH GLASSNET 1 "" "glassnet" "User Commands"', ".SH NAME"]
    lines += [rf"glassnet \- {escaped(first_sentence(group.help)).rstrip('.').lower()}"]
    lines += [".SH SYNOPSIS", r".B glassnet", r"[\fIoptions\fR] \fIcommand\fR [\fIarguments\fR]", ".SH OPTIONS"]
    lines += option_lines(group)
    lines += [".SH COMMANDS"]
    for name in group.commands:
        lines += command_lines(name, group.commands[name])
    lines += [".SH EXIT STATUS", *tagged(EXIT_CODES), ".SH ENVIRONMENT", *tagged(ENVIRONMENT)]
    return "\n".join(lines) + "\n"


def command_lines(name: str, command: Any) -> list[str]:
    """A command: its synopsis, its help, its arguments and options."""
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    synopsis = " ".join(rf"\fI{escaped(argument_name(argument))}\fR" for argument in arguments)
    lines = [f'.SS "glassnet {escaped(name)}"', rf"\fBglassnet {escaped(name)}\fR {synopsis} [\fIoptions\fR]", ".PP"]
    for paragraph in (command.help or "").split("\n\n"):
        lines += [escaped(" ".join(paragraph.split())), ".PP"]
    for argument in arguments:
        lines += [".TP", rf"\fI{escaped(argument_name(argument))}\fR", escaped(argument.help or "")]
    return lines + option_lines(command)


def option_lines(command: Any) -> list[str]:
    """The options of a command, each with its help; --help is the same everywhere."""
    lines = []
    for option in command.params:
        if option.param_type_name != "option" or option.hidden or option.name == "help":
            continue
        names = ", ".join(rf"\fB{escaped(name)}\fR" for name in (*option.opts, *option.secondary_opts))
        value = "" if option.is_flag else rf" \fI{escaped(option.metavar or 'NUMBER')}\fR"
        lines += [".TP", f"{names}{value}", escaped(" ".join((option.help or "").split()))]
    return lines


def argument_name(argument: Any) -> str:
    """The name of an argument as the help shows it."""
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def tagged(entries: tuple[tuple[str, str], ...]) -> list[str]:
    """A list of terms with their meanings."""
    return [line for term, meaning in entries for line in (".TP", rf"\fB{term}\fR", meaning)]


def first_sentence(text: str) -> str:
    """The first sentence of a text."""
    return " ".join(text.split()).split(". ")[0]


def escaped(text: str) -> str:
    """Text as roff reads it: backslashes, hyphens of options, other signs by code, no line that begins a request."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    text = "".join(sign if sign.isascii() else rf"\[u{ord(sign):04X}]" for sign in text)
    return rf"\&{text}" if text[:1] in (".", "'") else text


if __name__ == "__main__":
    PAGE.write_text(manual_page(), encoding="utf-8")
