"""Kernels of rows that are a formula: elementwise, or summed over the width of a row.

A row's operands are lines: "full" ones walk with the element, "column" ones are the same for every unit, "unit" and
"scalar" ones are one number for the whole line, and so are the step's scalars. "shared" ones are "full" ones that are
written for all threads to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.identity import Identity
from glassnet.engine.simd import (
    ALIGNED,
    I64,
    LANES,
    LLVM,
    Stream,
    Total,
    compute,
    load,
    pointer,
    share,
    size_of,
    store,
    word_at,
)
from glassnet.engine.turning import below
from glassnet.engine.vectors import broadcast
from glassnet.engine.words import evaluate
from glassnet.tables.formula import Formula, trace

FIRST = 4  # the row's first address
NEAR = 1 << 19  # bytes of a share that another processor's own cache may still hold a step later
Kernel = Callable[..., None]


def formula(identity: Identity) -> Kernel:
    """An elementwise formula. One long line where all operands walk alike, else a line for each unit."""
    walking = set(identity.modes) - {"scalar"}
    apply = formula_line(identity._replace(modes=tuple("full" if mode == "unit" else mode for mode in identity.modes)))

    def flat(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        apply(row, context, 0, start * row[3], (stop - start) * row[3])

    def flat_units(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        apply(row, context, 0, start, stop - start)

    if "shared" in walking:
        return sharing(identity)
    if walking == {"full"}:
        return flat
    if walking == {"unit"}:
        return flat_units
    apply_to_units = formula_lines(identity)

    def lines(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        apply_to_units(row, context, start, stop, row[3])

    return lines


def sharing(identity: Identity) -> Kernel:
    """A formula that updates in place what every thread reads in the next step.

    Several threads write it past the caches: a processor that writes a line which lies in another one's cache waits
    for that one's answer, line by line, which takes longer than the update itself. Of a long share no line lies there
    any more.
    """
    near = tuple("full" if mode == "shared" else mode for mode in identity.modes)
    apply, apply_past = formula_line(identity._replace(modes=near)), formula_line(identity)
    place, size = FIRST + identity.modes.index("shared"), size_of(LLVM[getattr(types, identity.dtype)])

    def sharing(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        first, count = start * row[3], (stop - start) * row[3]
        if context[1] > 1 and count * size <= NEAR and (row[place] + first * size) % ALIGNED == 0:
            apply_past(row, context, 0, first, count)
            finish_writes()
        else:
            apply(row, context, 0, first, count)

    return sharing


@intrinsic
def finish_writes(typing: Any) -> Any:
    """Whatever this thread has written, past the caches too, is there for others before it writes anything else."""

    def generate(target: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        builder.fence("seq_cst")
        return target.get_dummy_value()

    return types.void(), generate


def sums(identity: Identity) -> Kernel:
    """A formula summed over the width of each unit, in float64. Units of one number are one long line."""
    modes, place = identity.modes[: identity.reads], FIRST + identity.reads
    total = formula_line(identity._replace(modes=(*modes, "unit")), summed=True)
    single = identity._replace(modes=(*modes, "full"), formula=as_sum(identity.formula))
    copy, walks_alike = formula_line(single, written=types.float64), set(modes) <= {"full", "scalar"}

    def sums(row: Any, context: Any) -> None:
        start, stop = share(row, context)
        results = pointer(row[place], types.float64)
        if walks_alike and row[3] == 1:
            copy(row, context, start, start, stop - start)
            return
        for unit in range(start, stop):
            results[unit] = total(row, context, unit, unit * row[3], row[3])

    return sums


def as_sum(formula: Formula | None) -> Formula:
    """The formula as a sum of one term: −0 becomes 0."""
    assert formula is not None
    return trace(lambda *values: formula(*values) + 0.0, formula.inputs)


def formula_line(identity: Identity, summed: bool = False, written: types.Type | None = None) -> Any:
    """An intrinsic line(row, context, unit, offset, count): the row's formula along one line of its operands.

    It writes numbers of the dtype `written`, the program's unless said.
    """
    dtype = getattr(types, identity.dtype)
    real, result = LLVM[dtype], types.float64 if summed else types.void
    formula = identity.formula
    assert formula is not None

    @intrinsic
    def line(typing: Any, row: Any, context: Any, unit: Any, offset: Any, count: Any) -> Any:
        def generate(target: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            words, state, unit, offset, count = arguments
            operands = Operands(builder, identity, words, state)
            inputs = [operands.read(index, unit, offset) for index in range(formula.inputs)]
            total = Total(builder, "sum", real) if summed else None
            writes = [] if summed else operands.writes(offset, written or dtype)
            compute(builder, formula, real, inputs, writes, count, total)
            return total.result(builder) if total else target.get_dummy_value()

        return result(row, context, types.int64, types.int64, types.int64), generate

    return line


def formula_lines(identity: Identity) -> Any:
    """An intrinsic lines(row, context, start, stop, width): the row's formula along a line for each of some units.

    What all lines have in common is read once; the compiler cannot, because for all it knows a line writes it. Full
    operands lie line behind line, so a block that begins in one line ends in the next, and few blocks are short.
    """

    @intrinsic
    def lines(typing: Any, row: Any, context: Any, start: Any, stop: Any, width: Any) -> Any:
        def generate(target: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            words, state, start, stop, width = arguments
            walk = Lines(Operands(builder, identity, words, state), start, stop, width)
            with cgutils.for_range_slice(builder, start, stop, ir.Constant(I64, 1), I64) as (unit, _):
                walk.line(unit)
            return target.get_dummy_value()

        return types.void(row, context, types.int64, types.int64, types.int64), generate

    return lines


class Operands:
    """Finds a formula row's operands through the addresses in its words."""

    def __init__(self, builder: ir.IRBuilder, identity: Identity, words: ir.Value, state: ir.Value) -> None:
        self.builder, self.identity, self.words, self.state = builder, identity, words, state
        self.dtype = getattr(types, identity.dtype)
        self.places = [word_at(builder, words, FIRST + index) for index in range(len(identity.modes))]

    def address(self, word: ir.Value, dtype: types.Type | None = None) -> ir.Value:
        """An int64 as a pointer to the program's dtype, or another."""
        return self.builder.inttoptr(word, LLVM[dtype or self.dtype].as_pointer())

    def operand(self, index: int, dtype: types.Type | None = None) -> ir.Value:
        """Where the operand begins."""
        return self.address(self.places[index], dtype)

    def read(self, index: int, unit: ir.Value, offset: ir.Value) -> Stream | ir.Value:
        """An input of the formula: a line, or one number."""
        builder = self.builder
        if index >= self.identity.reads:
            outputs = len(self.identity.modes) - self.identity.reads
            word = word_at(builder, self.words, FIRST + outputs + index)
            return builder.load(builder.gep(self.address(word_at(builder, self.state, 5)), [word]))
        start, mode = self.operand(index), self.identity.modes[index]
        if mode in ("unit", "scalar"):
            return builder.load(builder.gep(start, [unit if mode == "unit" else ir.Constant(I64, 0)]))
        return Stream(builder.gep(start, [offset]) if mode == "full" else start, self.dtype)

    def writes(self, offset: ir.Value, dtype: types.Type) -> list[Stream]:
        """The lines that the outputs go to; a result that is not as long as its row is refused."""
        indices = range(self.identity.reads, len(self.identity.modes))
        modes, formula = self.identity.modes[self.identity.reads :], self.identity.formula
        if formula is None or len(modes) != len(formula.outputs) or not {"full", "shared"}.issuperset(modes):
            raise ValueError(f"a formula writes whole rows, one an output, not {modes}")
        starts = [self.builder.gep(self.operand(index, dtype), [offset]) for index in indices]
        return [Stream(start, dtype, mode == "shared") for start, mode in zip(starts, modes, strict=True)]


class Lines:
    """Walks along the lines of units `start` to `stop` − 1 in blocks; `done` is how much of the next line is done."""

    def __init__(self, operands: Operands, start: ir.Value, stop: ir.Value, width: ir.Value) -> None:
        self.operands, self.stop, self.width = operands, stop, width
        self.builder, self.dtype, self.identity = operands.builder, operands.dtype, operands.identity
        self.kind = ir.VectorType(LLVM[self.dtype], LANES)
        modes = self.identity.modes
        self.numbers = {
            index: broadcast(self.builder, operands.read(index, start, start), LANES)
            for index in range(self.formula.inputs)
            if index >= self.identity.reads or modes[index] == "scalar"
        }
        self.done = cgutils.alloca_once_value(self.builder, ir.Constant(I64, 0))

    @property
    def formula(self) -> Formula:
        assert self.identity.formula is not None
        return self.identity.formula

    def line(self, unit: ir.Value) -> None:
        """Whole blocks, then one that ends in the next line, where there is one that is long enough, or a short one."""
        builder, lanes, none = self.builder, ir.Constant(I64, LANES), ir.Constant(I64, 0)
        first = builder.load(self.done)
        last = builder.add(first, builder.and_(builder.sub(self.width, first), ir.Constant(I64, -LANES)))
        with cgutils.for_range_slice(builder, first, last, lanes, I64) as (place, _):
            self.block(unit, place, lambda index: self.read(index, unit, place, None), None)
        left = builder.sub(self.width, last)
        mine = below(builder, left)
        following = builder.add(unit, ir.Constant(I64, 1))
        goes_on = builder.and_(
            builder.icmp_signed("<", following, self.stop), builder.icmp_signed(">=", self.width, lanes)
        )
        builder.store(none, self.done)
        with builder.if_then(builder.icmp_signed(">", left, none)), builder.if_else(goes_on) as (crossing, alone):
            with crossing:
                self.block(unit, last, lambda index: self.read_both(index, unit, last, left), None)
                builder.store(builder.sub(lanes, left), self.done)
            with alone:
                self.block(unit, last, lambda index: self.read(index, unit, last, mine), mine)

    def block(self, unit: ir.Value, place: ir.Value, read: Callable[[int], ir.Value], mask: ir.Value | None) -> None:
        """A block from `place` of a line on."""
        outputs = evaluate(self.builder, self.formula, [read(index) for index in range(self.formula.inputs)], self.kind)
        writes = self.operands.writes(self.builder.mul(unit, self.width), self.dtype)
        for stream, output in zip(writes, outputs, strict=True):
            store(self.builder, stream, place, mask, output)

    def read(self, index: int, unit: ir.Value, place: ir.Value, mask: ir.Value | None) -> ir.Value:
        """A block of an input."""
        if index in self.numbers:
            return self.numbers[index]
        found = self.operands.read(index, unit, self.builder.mul(unit, self.width))
        if isinstance(found, Stream):
            return load(self.builder, found, place, mask, self.kind.element)
        return broadcast(self.builder, found, LANES)

    def read_both(self, index: int, unit: ir.Value, place: ir.Value, left: ir.Value) -> ir.Value:
        """A block of an input, of which `left` lanes are the end of a line and the others the beginning of the next."""
        if index in self.numbers or self.identity.modes[index] == "full":
            return self.read(index, unit, place, None)
        builder, mine = self.builder, below(self.builder, left)
        following = builder.add(unit, ir.Constant(I64, 1))
        parts = ((unit, place, mine), (following, builder.neg(left), builder.not_(mine)))
        return builder.select(mine, *(self.read(index, *part) for part in parts))
