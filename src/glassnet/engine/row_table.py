"""A program's equations as rows of int64 slots for the interpreter: numbers, and quantities by their names.

They are encoded once for all executors of a program; each replaces the names by the addresses of its own quantities.
`layout.py` says what the slots mean.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from glassnet.engine import address
from glassnet.engine.kernel_spec import KernelAddress, KernelSpec
from glassnet.engine.layout import RowHeader
from glassnet.program.bfloat16_pairs import PAIRINGS, pair_count, paired_name
from glassnet.program.precision import unrounded_name
from glassnet.program.program import OPERANDS, Program, Row
from glassnet.tables.formula import Formula, trace

Slots = tuple[int | str, ...]
GATHER_KINDS = ("gather", "one_hot", "sample_weights")
SPARSE_KINDS = ("affine", "bp4")  # products that may skip zeros of x


class ProgramKey:
    """A program as a key of a cache: equal only to itself, so that no equations are compared."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProgramKey) and self.program is other.program

    def __hash__(self) -> int:
        return id(self.program)


@lru_cache(maxsize=64)
def encoded_rows(key: ProgramKey, dtype: str, sparse: bool) -> tuple[Slots, ...]:
    """Every equation as slots; with `sparse`, the products that read x skip its zeros."""
    rows, encoder = key.program.rows, _RowEncoder(key.program, dtype, sparse)
    return tuple(encoder.encode(row, waits) for row, waits in zip(rows, key.program.barriers(), strict=True))


class _RowEncoder:
    """Encodes a program's equations for one dtype."""

    def __init__(self, program: Program, dtype: str, sparse: bool) -> None:
        self.program, self.dtype, self.sparse = program, dtype, sparse

    def encode(self, row: Row, waits: bool) -> Slots:
        """The slots of one equation."""
        units, width = self.program.extent(row)
        first = row.parts[0]  # the other segments follow it in memory
        names = self.names(first)
        if row.kind in ("mean_cost", "clip_scale"):
            width = len(names)
        return (*RowHeader(self.kernel(row), int(waits), units or 0, width), *self.operands(row, names))

    def names(self, row: Row) -> tuple[str | int, ...]:
        """The names of what one part of an equation reads and writes; 0 where there is none."""
        if row.kind == "bfloat16":
            pairings, copy = self.program.pairings(row.writes[0]), row.writes[0]
            return (*row.reads, *(paired_name(copy, each) if each in pairings else 0 for each in ("columns", "rows")))
        pairs = zip(row.reads, PAIRINGS.get(row.kind, ()), strict=False) if reads_rounded(row) else ()
        paired = tuple(paired_name(name, pairing) for name, pairing in pairs)
        return (*paired, *row.reads[len(paired) :], *row.writes)

    def operands(self, row: Row, names: Slots) -> Slots:
        """The slots after the header; the operands of a formula that follows a product come last."""
        if row.kind not in OPERANDS or has_one_term(row):
            return (*names, *self.settings(row))
        product = (*names[: OPERANDS[row.kind]], row.writes[0])
        operands = (row.writes[0], *names[OPERANDS[row.kind] :])
        modes = ("full",) * len(operands)
        epilogue = self._address("formula", row.formula, modes) if row.formula else 0
        terms = pair_count(row.settings[0]) if reads_rounded(row) else row.settings[0]
        return (*product, terms, epilogue, len(operands), *operands)  # layout.AFFINE, layout.PROPAGATE

    def _address(
        self, kind: str, formula: Formula | None = None, modes: tuple[str, ...] = (), scalars: int = 0
    ) -> KernelAddress:
        """The address of a kernel of the program's dtype."""
        spec = KernelSpec(kind, self.dtype, formula, modes, scalars)
        return KernelAddress(address(*spec), spec)

    def kernel(self, row: Row) -> KernelAddress:
        """The address of the equation's kernel."""
        if has_one_term(row):
            number, others = ("unit", "column") if self.program.extent(row).width > 1 else ("full", "scalar")
            own = (number, *(others,) * (OPERANDS[row.kind] - 1))
            more = len(row.reads) - len(own)
            return self._address("formula", one_term(row), (*own, *("full",) * (more + 1)))
        if row.formula is None or row.kind in OPERANDS:
            is_sparse = self.sparse and reads_x(self.program, row)
            prefix = "sparse_" if is_sparse else "mixed_" if reads_rounded(row) else ""
            return self._address(prefix + row.kind)
        first = row.parts[0]
        modes = [self.program.mode(row, name) for name in (*first.reads, *first.writes)]
        is_flat = set(modes) <= {"full", "scalar"}
        for index, name in enumerate(first.writes, len(first.reads)):
            if is_flat and self.program.buffers[name].home == "parameters":  # every thread reads them in the next step
                modes[index] = "shared"
        return self._address(row.kind, row.formula, tuple(modes), len(row.scalars))

    def settings(self, row: Row) -> Slots:
        """The slots after the operands: integers that a kernel needs, and the indices of its step scalars."""
        if row.kind == "gather":
            return source_names(row.reads[0])[1:]
        if row.kind == "dropout":
            threshold, scale, layer = row.settings
            return (threshold, *key_names(layer), scale)
        if row.kind in ("scheduled_dropout", "noise"):
            number, layer = row.settings  # the rate or the scale
            return (number, *key_names(layer), *(self.program.scalars.index(name) for name in row.scalars))
        return (*row.settings, *(self.program.scalars.index(name) for name in row.scalars))


def source_names(source: str) -> tuple[str, str, str]:
    """The names of a source's address, of its row stride in bytes, and of the code of its dtype."""
    return source, f"stride of {source}", f"dtype of {source}"


def key_names(layer: int) -> tuple[str, str]:
    """The names of the two keys of a dropout layer."""
    return f"key 0 of {layer}", f"key 1 of {layer}"


@lru_cache(maxsize=64)
def sparse_width(key: ProgramKey) -> int:
    """The smallest width of the products with x that may skip zeros; 0 where there are none."""
    program = key.program
    return min((program.extent(row).width for row in program.rows if reads_x(program, row)), default=0)


def reads_x(program: Program, row: Row) -> bool:
    """Whether the equation is a product with x."""
    return row.kind in SPARSE_KINDS and "a0" in row.reads


def reads_rounded(row: Row) -> bool:
    """Whether the equation is a product of operands that are rounded to bfloat16."""
    return row.kind in PAIRINGS and unrounded_name(row.reads[0]) != row.reads[0]


def has_one_term(row: Row) -> bool:
    """Whether it is a product of one term (one input, or BP2 from one output), which is a formula."""
    return row.kind in OPERANDS and row.settings == (1,) and not reads_rounded(row)


def one_term(row: Row) -> Formula:
    """x·w + b or δ·w for each sample, then the equation's own formula; a sum that starts at 0 has no −0."""
    operands, formula = OPERANDS[row.kind], row.formula

    def product(number: Any, w: Any, *rest: Any) -> Any:
        bias, more = (rest[0], rest[1:]) if row.kind == "affine" else (0.0, rest)
        result = number * w + bias
        return result if formula is None else formula(result, *more)

    return trace(product, operands if formula is None else operands - 1 + formula.inputs)
