"""Ways to plant a fault: another function for a kind of equation, another formula in a table, an equation that is
changed, moved or missing. Each returns a function of pytest's monkeypatch, which removes the fault again.
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
    """Another function for a kind of equation."""
    return lambda patch: patch.setitem(EQUATIONS, name, function)


def table(owner: type, name: str, value: Any) -> Plant:
    """Another formula in an entry of a table."""
    return lambda patch: patch.setattr(owner, name, value)


def edited(quantity: str, change: Change) -> Plant:
    """A change of the program at the last equation that writes `quantity`."""

    def changed(program: Program) -> Program:
        rows = list(program.rows)
        change(rows, max(number for number, row in enumerate(rows) if quantity in row.writes))
        return program._replace(rows=tuple(rows))

    def plant(patch: pytest.MonkeyPatch) -> None:
        initialise = Reference.__init__
        patch.setattr(Reference, "__init__", lambda self, program, *rest: initialise(self, changed(program), *rest))

    return plant


def equation(quantity: str, function: Callable[..., Any] | None = None, reads: Sequence[str] = ()) -> Plant:
    """The equation that writes `quantity` gets another formula, reads something else, or both."""

    def change(rows: list[Row], number: int) -> None:
        new = rows[number]._replace(reads=tuple(reads) or rows[number].reads)
        if function is not None:
            formula = trace(function, len(new.reads) + len(new.scalars))
            new = new._replace(formula=formula, kind="sums" if new.kind == "sums" else "formula")
        rows[number] = new

    return edited(quantity, change)


def followed_by(quantity: str, function: Callable[..., Any], reads: tuple[str, ...], scalars: tuple[str, ...]) -> Plant:
    """One more equation that changes `quantity`."""
    formula = trace(function, len(reads) + len(scalars))
    new = Row("formula", "", reads, (quantity,), formula=formula, scalars=scalars)
    return edited(quantity, lambda rows, number: rows.insert(number + 1, new))


def without(quantity: str) -> Plant:
    """The last equation that writes `quantity` is missing."""
    return edited(quantity, lambda rows, number: rows.pop(number))


def too_early(quantity: str, other: str) -> Plant:
    """The equation that writes `quantity` comes before the one that writes `other`."""

    def change(rows: list[Row], number: int) -> None:
        target = next(index for index, row in enumerate(rows) if other in row.writes)
        rows.insert(target, rows.pop(number))

    return edited(quantity, change)


def setting(quantity: str, index: int, value: int) -> Plant:
    """Another integer among the settings of an equation."""

    def change(rows: list[Row], number: int) -> None:
        values = list(rows[number].settings)
        values[index] = value
        rows[number] = rows[number]._replace(settings=tuple(values))

    return edited(quantity, change)


def all_settings(quantity: str, values: tuple[int, ...]) -> Plant:
    """Other integers as the settings of an equation."""

    def change(rows: list[Row], number: int) -> None:
        rows[number] = rows[number]._replace(settings=values)

    return edited(quantity, change)


def together(*plants: Plant) -> Plant:
    """Several changes that hide each other."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for one in plants:
            one(patch)

    return plant


def clipped(scale: Callable[..., Any]) -> Plant:
    """Another factor on the gradients, from their square sums and the limit."""
    return kind("clip_scale", lambda *sums, limit: np.asarray(scale(sums, limit)))


def update(owner: type, function: Callable[..., Any]) -> Plant:
    """Another update in an optimiser's entry; `function` gets the scalars as a dict."""
    return table(owner, "update", lambda _, *arrays, **scalars: function(*arrays, scalars))
