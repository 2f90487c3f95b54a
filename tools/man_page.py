"""Write docs/glassnet.1, the manual page, from the command line itself: python tools/man_page.py.

The wheel installs it as share/man/man1/glassnet.1. A test compares it with what the command line says now.
"""

from __future__ import annotations

from pathlib import Path

from glassnet.cli.command_tree import Command, CommandParameter, commands, program

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
    whole = program()
    lines = ['.TH GLASSNET 1 "" "glassnet" "User Commands"', ".SH NAME"]
    lines += [rf"glassnet \- {escaped(first_sentence(whole)).rstrip('.').lower()}"]
    lines += [".SH SYNOPSIS", r".B glassnet", r"[\fIoptions\fR] \fIcommand\fR [\fIarguments\fR]", ".SH OPTIONS"]
    lines += option_lines(whole)
    lines += [".SH COMMANDS", *(line for command in commands() for line in command_lines(command))]
    lines += [".SH EXIT STATUS", *tagged(EXIT_CODES), ".SH ENVIRONMENT", *tagged(ENVIRONMENT)]
    return "\n".join(lines) + "\n"


def command_lines(command: Command) -> list[str]:
    """A command: its synopsis, its help, its arguments and options."""
    name = f"glassnet {escaped(command.name)}"
    synopsis = " ".join(rf"\fI{argument_name(argument)}\fR" for argument in command.arguments)
    lines = [f'.SS "{name}"', rf"\fB{name}\fR {synopsis} [\fIoptions\fR]", ".PP"]
    lines += [line for paragraph in command.help for line in (escaped(paragraph), ".PP")]
    for argument in command.arguments:
        lines += [".TP", rf"\fI{argument_name(argument)}\fR", escaped(argument.help)]
    return lines + option_lines(command)


def option_lines(command: Command) -> list[str]:
    """The options of a command, each with its help; --help is the same everywhere."""
    lines = []
    for option in command.options:
        names = ", ".join(rf"\fB{escaped(name)}\fR" for name in (*option.spellings, *option.opposites))
        value = rf" \fI{escaped(option.value)}\fR" if option.value else ""
        lines += [".TP", f"{names}{value}", escaped(option.help)]
    return lines


def argument_name(argument: CommandParameter) -> str:
    """The name of an argument as the help shows it."""
    (name,) = argument.spellings
    return escaped(name if argument.required or name.startswith("[") else f"[{name}]")


def tagged(entries: tuple[tuple[str, str], ...]) -> list[str]:
    """A list of terms with their meanings."""
    return [line for term, meaning in entries for line in (".TP", rf"\fB{term}\fR", meaning)]


def first_sentence(command: Command) -> str:
    """The first sentence of a command's help."""
    return command.help[0].split(". ")[0]


def escaped(text: str) -> str:
    """Text as roff reads it: backslashes, hyphens of options, other signs by code, no line that begins a request."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    text = "".join(sign if sign.isascii() else rf"\[u{ord(sign):04X}]" for sign in text)
    return rf"\&{text}" if text[:1] in (".", "'") else text


if __name__ == "__main__":
    PAGE.write_text(manual_page(), encoding="utf-8")
