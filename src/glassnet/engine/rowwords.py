"""A program's rows as words for the interpreter: kernels, loops and settings as numbers, quantities by name.

They are made once for all executors of a program; each puts the addresses of its own quantities in place of the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from glassnet.engine import address
from glassnet.program.program import OPERANDS, Program, Row
from glassnet.tables.formula import Formula, trace

Words = tuple[int | str, ...]
GATHERING = ("gather", "one_hot", "sample_weights")
SKIPPING = ("affine", "bp4")  # kinds that may leave out zeros of x


class Same:
    """A program as a key: equal to itself alone, so that nothing of it is compared."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.program is other.program

    def __hash__(self) -> int:
        return id(self.program)


@lru_cache(maxsize=64)
def row_words(same: Same, dtype: str, skipping: bool) -> tuple[Words, ...]:
    """The words of every row: kernel, barrier, units, width, what it reads and writes, settings.

    With `skipping`, the products that read x leave out its zeros.
    """
    rows, writer = same.program.rows, _Writer(same.program, dtype, skipping)
    return tuple(writer.words(row, waits) for row, waits in zip(rows, same.program.barriers(), strict=True))


class _Writer:
    """Writes the words of a program's rows in one dtype."""

    def __init__(self, program: Program, dtype: str, skipping: bool) -> None:
        self.program, self.dtype, self.skipping = program, dtype, skipping

    def words(self, row: Row, waits: bool) -> Words:
        """One row."""
        units, width = self.program.extent(row)
        first = row.parts[0]  # the other segments lie behind it
        names = (*first.reads, *first.writes)
        if row.kind in ("mean_cost", "clip_scale"):
            width = len(names)
        return (self.kernel(row), int(waits), units or 0, width, *self.operands(row, names))

    def operands(self, row: Row, names: Sequence[str]) -> Words:
        """The words behind a row's kernel and loop; a product's formula comes behind the product's own words."""
        if row.kind not in OPERANDS or has_one_term(row):
            return (*names, *self.settings(row))
        own, follow = (*names[: OPERANDS[row.kind]], row.writes[0]), (row.writes[0], *names[OPERANDS[row.kind] :])
        kernel = self.follower(row.formula, len(follow)) if row.formula else 0
        return (*own, *row.settings, kernel, len(follow), *follow)

    def follower(self, formula: Formula, operands: int) -> int:
        """The kernel of a formula that follows a product: along whole lines."""
        return address("formula", self.dtype, formula, ("full",) * operands)

    def kernel(self, row: Row) -> int:
        """The address of the row's kernel."""
        if has_one_term(row):
            alone, others = ("unit", "column") if self.program.extent(row).width > 1 else ("full", "scalar")
            walks = (alone, *(others,) * (OPERANDS[row.kind] - 1))
            further = len(row.reads) - len(walks)
            return address("formula", self.dtype, one_term(row), (*walks, *("full",) * (further + 1)))
        if row.formula is None or row.kind in OPERANDS:
            skips = self.skipping and reads_x(self.program, row)
            return address(f"{row.kind} skipping" if skips else row.kind, self.dtype)
        first = row.parts[0]
        modes = [self.program.mode(row, name) for name in (*first.reads, *first.writes)]
        for place, name in enumerate(first.writes, len(first.reads)):
            if self.program.buffers[name].home == "parameters":  # every thread reads them in the next step
                modes[place] = "shared"
        return address(row.kind, self.dtype, row.formula, tuple(modes), scalars=len(row.scalars))

    def settings(self, row: Row) -> Words:
        """The words behind the addresses: whole numbers a kernel needs, and where its step scalars stand."""
        if row.kind == "gather":
            return (stride(row.reads[0]), code(row.reads[0]))
        if row.kind == "dropout":
            threshold, scale, place = row.settings
            return (threshold, *dropout_words(place), scale)
        return (*row.settings, *(self.program.scalars.index(name) for name in row.scalars))


def stride(source: str) -> str:
    """The name of the bytes from row to row of a source."""
    return f"stride of {source}"


def code(source: str) -> str:
    """The name of the number that stands for a source's dtype."""
    return f"dtype of {source}"


def dropout_words(place: int) -> tuple[str, str]:
    """The names of the two keys of a dropout layer."""
    return f"key 0 of {place}", f"key 1 of {place}"


@lru_cache(maxsize=64)
def width_beside_x(same: Same) -> int:
    """How long the lines are that are multiplied with numbers of x as it is; 0 where none are."""
    program = same.program
    return min((program.extent(row).width for row in program.rows if reads_x(program, row)), default=0)


def reads_x(program: Program, row: Row) -> bool:
    """Whether the row is a product with x as it is fetched or given."""
    return row.kind in SKIPPING and "a0" in row.reads


def has_one_term(row: Row) -> bool:
    """Whether the row is a product of one term, of one input or BP2 from one output: a formula of numbers and lines."""
    return row.kind in OPERANDS and row.settings == (1,)


def one_term(row: Row) -> Formula:
    """x·w + b or δ·w for each sample, then the row's own formula; a sum that starts at 0 has no −0."""
    operands, formula = OPERANDS[row.kind], row.formula

    def product(number: Any, w: Any, *rest: Any) -> Any:
        bias, further = (rest[0], rest[1:]) if row.kind == "affine" else (0.0, rest)
        result = number * w + bias
        return result if formula is None else formula(result, *further)

    return trace(product, operands if formula is None else operands - 1 + formula.inputs)
