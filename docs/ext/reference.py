"""Writes docs/reference before a build: the public names, the tables, the commands and the errors, and their index."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterable
from pathlib import Path

from ext import rst
from ext.api_pages import public, write_names
from ext.command_pages import write_commands
from ext.table_pages import TABLES, Table, write_tables

LEAD = """Everything on these pages is read from the program: the public names from their docstrings, the tables from
their entries, the command line from its commands. ``import glassnet`` gives all names below, except those of
``glassnet.scale``; each is loaded when it is first used."""


def write_reference(folder: Path) -> None:
    """Write the folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_tables(folder)
    write_commands(folder)
    tables = [table.name for table in TABLES]
    parts = [rst.heading("Reference"), LEAD, "", *part("Tables", tables, map(table_line, TABLES))]
    for title, names in write_names(folder):
        parts += part(title, names, map(line, names))
    others = ["commands", "errors"]
    parts += part("The command line, and errors", others, (f"- :doc:`{page}`" for page in others))
    (folder / "index.rst").write_text("\n".join(parts), encoding="utf-8")


def part(title: str, pages: list[str], lines: Iterable[str]) -> list[str]:
    """A group of pages: its heading, a line for each page, and the navigation."""
    return [rst.heading(title, 1), "\n".join(lines), "", rst.contents(pages, title)]


def table_line(table: Table) -> str:
    """A table with the names of its entries."""
    return f":doc:`{table.name}`\n   {', '.join(f'``{name}``' for name in table.entries)}\n"


def line(name: str) -> str:
    """A name with the first sentence of its docstring."""
    return f":doc:`{name}`\n   {rst.prose(first_sentence(public(name)))}\n"


def first_sentence(value: object) -> str:
    """The first sentence of a docstring."""
    paragraph = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".") + "."
