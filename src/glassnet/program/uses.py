"""Which equations read and write a quantity, found without a search through all of them.

The fused lowering asks this for every equation, so that a search would take most of the time of a deep network.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from glassnet.program.program import Row


class Uses:
    """The equations of a list by the quantities that they read and write; a removed equation is None."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows: list[Row | None] = list(rows)
        self.numbers: dict[str, list[int]] = {}  # of the equations that read or write a quantity, in order
        for number, row in enumerate(rows):
            for name in {*row.reads, *row.writes}:
                self.numbers.setdefault(name, []).append(number)

    def row(self, number: int) -> Row:
        """An equation that is not removed."""
        row = self.rows[number]
        assert row is not None
        return row

    def remaining(self) -> list[Row]:
        """The equations that are not removed."""
        return [row for row in self.rows if row is not None]

    def readers(self, writer: int, name: str) -> list[int]:
        """The equations after `writer` that read what it wrote to `name`."""
        numbers, readers = self.numbers[name], []
        for number in numbers[bisect_right(numbers, writer) :]:
            if name in self.row(number).reads:
                readers.append(number)
            if name in self.row(number).writes:
                break
        return readers

    def writes_between(self, first: int, last: int, name: str) -> bool:
        """Whether an equation between two others writes `name`."""
        numbers = self.numbers[name]
        part = numbers[bisect_right(numbers, first) :]
        return any(name in self.row(number).writes for number in part if number < last)

    def replace(self, number: int, row: Row) -> None:
        """Replace an equation."""
        old = self.rows[number]
        before = {*old.reads, *old.writes} if old is not None else set()
        after = {*row.reads, *row.writes}
        for name in before - after:
            self.numbers[name].remove(number)
        for name in after - before:
            insort(self.numbers[name], number)
        self.rows[number] = row

    def remove(self, number: int) -> None:
        """Remove an equation."""
        row = self.row(number)
        for name in {*row.reads, *row.writes}:
            self.numbers[name].remove(number)
        self.rows[number] = None
