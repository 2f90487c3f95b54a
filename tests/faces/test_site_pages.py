"""The generated pages of the site show what the program has, and the checker of links finds planted faults."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ext import api_pages, command_pages, docstrings, formulas, part_pages, rst, table_pages

import glassnet
import glassnet.scale
from glassnet.cli.command_tree import Command, commands
from glassnet.see.stage import recurrence
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.formula import trace
from glassnet.tables.optimizers import OPTIMIZERS

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {name: getattr(np, name) for name in ("where", "maximum", "minimum", "exp", "expm1", "log", "log1p")}
FUNCTIONS |= {name: getattr(np, name) for name in ("tanh", "sqrt", "sign", "abs")}


def evaluated(lines: list[str], values: dict[str, Any]) -> dict[str, Any]:
    """Compute the lines of a formula as a reader would, one after the other."""
    values = dict(values)
    for line in lines:
        name, text = re.split(r" [=←] ", line, maxsplit=1)
        for shown, python in {"·": "*", "−": "-", "^": "**", "≥": ">=", "≤": "<="}.items():
            text = text.replace(shown, python)
        text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
        values[name] = eval(text, {"__builtins__": {}}, {**FUNCTIONS, **values})
    return values


@pytest.mark.parametrize("name", [name for name, kind in ACTIVATIONS.items() if kind().elementwise])
def test_the_formula_on_the_page_computes_the_activation(name: str) -> None:
    entry, z = ACTIVATIONS[name](), np.linspace(-4, 4, 33)
    value = formulas.lines(trace(entry.value, 1), ["z"], ["a"])
    derivative = formulas.lines(trace(entry.derivative, 2), ["z", "a"], ["slope"])
    shown = evaluated([*value, *derivative], {"z": z})
    np.testing.assert_allclose(shown["a"], entry.value(z), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(
        shown["slope"] + 0 * z, entry.derivative(z, entry.value(z)) + 0 * z, rtol=1e-7, atol=1e-7
    )
    assert max(map(len, [*value, *derivative])) < 130, "a repeated part has no line of its own"


@pytest.mark.parametrize("name", COSTS)
def test_the_formula_on_the_page_computes_the_cost(name: str) -> None:
    entry, a, y = COSTS[name](), np.linspace(0.1, 0.9, 9), np.linspace(0.9, 0.2, 9)
    lines = formulas.lines(trace(entry.value, 2), ["a", "y"], ["c"])
    lines += formulas.lines(trace(entry.gradient, 2), ["a", "y"], ["slope"])
    shown = evaluated(lines, {"a": a, "y": y})
    np.testing.assert_allclose(shown["c"], entry.value(a, y), rtol=1e-7)
    np.testing.assert_allclose(shown["slope"], entry.gradient(a, y), rtol=1e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_recurrence_on_the_page_makes_the_step(name: str) -> None:
    entry, w, g = OPTIMIZERS[name](), np.array([1.0, -2.0]), np.array([0.5, 0.25])
    scalars = {key: values[0] for key, values in entry.scalars(np.arange(3, 4), 0.1).items()}
    states = [np.array([0.3, 0.2]) for _ in entry.states]
    names = ["w", "g", *entry.states, *scalars]

    def update(w: Any, g: Any, *rest: Any) -> Any:
        return entry.update(w, g, *rest[: len(states)], **dict(zip(scalars, rest[len(states) :], strict=True)))

    lines = recurrence("w", entry.states, trace(update, len(names)).text(names)).split("\n")
    shown = evaluated(lines, {"w": w, "g": g, **dict(zip(entry.states, states, strict=True)), **scalars})
    np.testing.assert_allclose(shown["w"], entry.update(w, g, *states, **scalars)[0], rtol=1e-12)


def test_every_entry_of_every_table_has_its_docstring_settings_and_source(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(table_pages.pictures, "draw", lambda path, drawing: None)
    for table in table_pages.TABLES:
        page = table_pages.page(table, tmp_path)
        for name, kind in table.entries.items():
            assert f".. autoclass:: glassnet.{kind.__name__}" in page, name
            assert rst.prose(kind.source) in page, name
            assert all(f"``{setting.name}" in page for setting in fields(kind)), name


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_every_option_of_a_command_is_on_its_page(command: Command) -> None:
    page = command_pages.page(command)
    assert command.parameters
    for parameter in command.parameters:
        assert rst.prose(parameter.help) in page, parameter.name
        assert all(spelling in page for spelling in [*parameter.spellings, *parameter.opposites]), parameter.name


def test_an_option_says_what_it_takes_and_its_default() -> None:
    (train,) = (command for command in commands() if command.name == "train")
    described = {each.name: command_pages.described(each).splitlines()[0] for each in train.parameters}
    assert described["lr"] == "``--lr NUMBER``"
    assert described["epochs"] == "``--epochs INTEGER``"
    assert described["target"] == "``--target COLUMN``"
    assert described["header"] == "``--header / --no-header``"
    assert described["file"] == "``FILE``"
    (hidden,) = (each for each in train.parameters if each.name == "hidden")
    assert "Default: ``128,64``." in command_pages.described(hidden)


def test_every_public_name_has_a_place_in_reference(tmp_path: Path) -> None:
    listed = {name for _, names in api_pages.write_names(tmp_path) for name in names}
    listed |= {kind.__name__ for table in table_pages.TABLES for kind in table.entries.values()}
    errors = (tmp_path / "errors.rst").read_text()
    listed |= set(re.findall(r"autoexception:: glassnet\.(\w+)", errors))
    assert listed == {*glassnet.__all__, *(f"scale.{name}" for name in glassnet.scale.__all__)}


def test_every_error_says_what_to_do() -> None:
    for name, home in api_pages.homes():
        assert home != "errors" or "What to do: " in getattr(glassnet, name).__doc__, name


def test_a_docstring_keeps_its_sentences_and_its_signs() -> None:
    lines = [
        "Compare |a − y| and `net.coefs_` with coefs_.",
        "",
        "Parameters",
        "----------",
        "x, y : (fan_in, batch) and",
        "    (fan_out, batch)",
        "",
        "Raises DataError for *any* fault.",
        "",
        ">>> 1 | 2",
        "3",
    ]
    assert docstrings.converted(lines) == [
        "Compare \\|a − y\\| and ``net.coefs_`` with coefs\\_.",
        "",
        "Parameters",
        "----------",
        "x, y",
        "    (fan_in, batch) and",
        "    (fan_out, batch)",
        "",
        "Notes",
        "-----",
        "Raises DataError for \\*any\\* fault.",
        "",
        ">>> 1 | 2",
        "3",
        "",
        "",
    ]


def test_the_links_of_a_part_are_its_contents() -> None:
    class Config:
        part_pages = ("use",)

    class Application:
        config = Config

    source = ["- [A](a.md): and [B](sub/b.md#there), [A again](a.md), [out](https://x.org/c.md)\n"]
    part_pages.add_contents(Application, "use", source)
    assert source[0].endswith("```{toctree}\n:hidden:\n:maxdepth: 1\n\na\nsub/b\n```\n")
    other = ["[A](a.md)"]
    part_pages.add_contents(Application, "a", other)
    assert other == ["[A](a.md)"]


@pytest.fixture
def faults() -> Iterator[Any]:
    yield runpy.run_path(str(ROOT / "tools" / "site_links.py"))["faults"]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<a href='other.html#there'>x</a><a href='https://example.org'>x</a><img src='data:,'>", ""),
        ("<a href='gone.html'>x</a>", "gone.html leads to no file of the site"),
        ("<a href='other.html#gone'>x</a>", "other.html#gone leads to no such anchor"),
        ("<a href='#gone'>x</a>", "#gone leads to no such anchor"),
        ("<a href='/other.html'>x</a>", "/other.html is no relative address"),
        ("<a href='../outside.html'>x</a>", "../outside.html leads to no file of the site"),
        (
            "<script src='https://cdn.example.org/a.js'></script>",
            "https://cdn.example.org/a.js is an asset from outside",
        ),
        ("<iframe src='//example.org/'></iframe>", "//example.org/ is an asset from outside"),
    ],
)
def test_the_checker_names_a_bad_link(tmp_path: Path, faults: Any, body: str, fault: str) -> None:
    (tmp_path / "outside.html").write_text("")
    site = tmp_path / "site"
    site.mkdir()
    (site / "other.html").write_text("<h1 id='there'>Other</h1>")
    (site / "index.html").write_text(body)
    assert list(faults(site)) == ([f"index.html: {fault}"] if fault else [])


def test_the_checker_names_a_font_from_outside_and_an_empty_site(tmp_path: Path, faults: Any) -> None:
    (tmp_path / "a.css").write_text("@font-face { src: url('https://fonts.example.org/a.woff2') }")
    assert list(faults(tmp_path)) == [
        f"{tmp_path} has no page.",
        "a.css: https://fonts.example.org/a.woff2 is an asset from outside",
    ]
