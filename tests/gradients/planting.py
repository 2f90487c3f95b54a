"""How a fault is planted: another function for a kind of row, another formula in a table, a row that is changed, moved
or missing. Each way gives a function of pytest's monkeypatch, which takes the fault out again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from glassnet.execution.reference import Reference
from glassnet.program.equations import EQUATIONS
from glassnet.program.program import Program, Row
from glassnet.tables.formula import trace

Plant = Callable[[pytest.MonkeyPatch], None]
Change = Callable[[list[Row], int], None]


def kind(name: str, function: Callable[..., Any]) -> Plant:
    """Another function for a kind of row."""
    return lambda patch: patch.setitem(EQUATIONS, name, function)


def table(owner: type, name: str, value: Any) -> Plant:
    """Another formula in a row of a table."""
    return lambda patch: patch.setattr(owner, name, value)


def edited(quantity: str, change: Change) -> Plant:
    """A change of the list of rows at the one that writes `quantity` last."""

    def changed(program: Program) -> Program:
        rows = list(program.rows)
        change(rows, max(number for number, row in enumerate(rows) if quantity in row.writes))
        return program._replace(rows=tuple(rows))

    def plant(patch: pytest.MonkeyPatch) -> None:
        kept = Reference.__init__
        patch.setattr(Reference, "__init__", lambda self, program, *rest: kept(self, changed(program), *rest))

    return plant


def row(quantity: str, function: Callable[..., Any] | None = None, reads: Sequence[str] = ()) -> Plant:
    """The row that writes `quantity` gets another formula, reads something else, or both."""

    def change(rows: list[Row], number: int) -> None:
        new = rows[number]._replace(reads=tuple(reads) or rows[number].reads)
        if function is not None:
            formula = trace(function, len(new.reads) + len(new.scalars))
            new = new._replace(formula=formula, kind="sums" if new.kind == "sums" else "formula")
        rows[number] = new

    return edited(quantity, change)


def then(quantity: str, function: Callable[..., Any], reads: tuple[str, ...], scalars: tuple[str, ...]) -> Plant:
    """One more row that changes `quantity`."""
    formula = trace(function, len(reads) + len(scalars))
    new = Row("formula", "", reads, (quantity,), formula=formula, scalars=scalars)
    return edited(quantity, lambda rows, number: rows.insert(number + 1, new))


def without(quantity: str) -> Plant:
    """The last row that writes `quantity` is missing."""
    return edited(quantity, lambda rows, number: rows.pop(number))


def too_early(quantity: str, other: str) -> Plant:
    """The row that writes `quantity` comes before the one that writes `other`."""

    def change(rows: list[Row], number: int) -> None:
        place = next(place for place, row in enumerate(rows) if other in row.writes)
        rows.insert(place, rows.pop(number))

    return edited(quantity, change)


def settings(quantity: str, place: int, value: int) -> Plant:
    """Another whole number among the settings of a row."""

    def change(rows: list[Row], number: int) -> None:
        found = list(rows[number].settings)
        found[place] = value
        rows[number] = rows[number]._replace(settings=tuple(found))

    return edited(quantity, change)


def every_setting(quantity: str, found: tuple[int, ...]) -> Plant:
    """Other whole numbers as the settings of a row."""

    def change(rows: list[Row], number: int) -> None:
        rows[number] = rows[number]._replace(settings=found)

    return edited(quantity, change)


def alike(*plants: Plant) -> Plant:
    """Several changes that hide each other."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for one in plants:
            one(patch)

    return plant


def clipped(scale: Callable[..., Any]) -> Plant:
    """Another factor on the gradients, from their square sums and the limit."""
    return kind("clip_scale", lambda *sums, limit: np.asarray(scale(sums, limit)))


def update(owner: type, function: Callable[..., Any]) -> Plant:
    """Another update in an optimiser's row; `function` gets the scalars as a dict."""
    return table(owner, "update", lambda _, *arrays, **scalars: function(*arrays, scalars))
