"""Kernels of equations that are a formula: elementwise, or summed over the width of each unit.

A formula's operands are read in one of several modes. "full" operands advance with the element, "column" ones are the
same for every unit; "unit" and "scalar" ones are one number for a whole unit, as the step's scalars are. "shared" ones
are "full" ones that are written for all threads to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.formula_ir import evaluate
from glassnet.engine.kernel_functions import as_pointer, inlined, load_slot, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import CONTEXT, FIRST_OPERAND, ROW
from glassnet.engine.llvm_vectors import I64, LANES, LLVM, broadcast, int64, size_of
from glassnet.engine.simd import ALIGNMENT, Reduction, emit_loop, lane_mask, load_block, store_block
from glassnet.tables.formula import trace

MAX_CACHED_BYTES = 1 << 19  # a share up to this size may still be in another processor's cache a step later
Kernel = Callable[..., None]


def formula(spec: KernelSpec) -> Kernel:
    """An elementwise formula: one long loop where all operands advance alike, else a loop for each unit."""
    modes = set(spec.modes) - {"scalar"}
    apply = formula_loop(spec._replace(modes=tuple("full" if mode == "unit" else mode for mode in spec.modes)))

    def flat(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        apply(row, context, 0, start * row[ROW.width], (stop - start) * row[ROW.width])

    def flat_units(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        apply(row, context, 0, start, stop - start)

    if "shared" in modes:
        return shared_formula(spec)
    if modes == {"full"}:
        return flat
    if modes == {"unit"}:
        return flat_units
    apply_to_units = unit_loops(spec)

    def by_unit(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        apply_to_units(row, context, start, stop, row[ROW.width])

    return by_unit


def shared_formula(spec: KernelSpec) -> Kernel:
    """A formula that updates in place what every thread reads in the next step.

    Several threads store it past the caches: a processor that writes a cache line held by another one waits for that
    one's answer, line by line, which takes longer than the update itself. A long share is not in any cache by then.
    """
    cached = tuple("full" if mode == "shared" else mode for mode in spec.modes)
    apply, apply_nontemporal = formula_loop(spec._replace(modes=cached)), formula_loop(spec)
    slot, size = FIRST_OPERAND + spec.modes.index("shared"), size_of(LLVM[getattr(types, spec.dtype)])

    def shared_formula(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        first, count = start * row[ROW.width], (stop - start) * row[ROW.width]
        is_cached = count * size <= MAX_CACHED_BYTES
        if context[CONTEXT.threads] > 1 and is_cached and (row[slot] + first * size) % ALIGNMENT == 0:
            apply_nontemporal(row, context, 0, first, count)
            store_fence()
        else:
            apply(row, context, 0, first, count)

    return shared_formula


@inlined()
def store_fence(builder: ir.IRBuilder) -> None:
    """Make whatever this thread has written, past the caches too, visible to others before its next write."""
    builder.fence("seq_cst")


def sums(spec: KernelSpec) -> Kernel:
    """A formula summed over the width of each unit, in float64. Units of one number are one long loop."""
    modes, slot = spec.modes[: spec.reads], FIRST_OPERAND + spec.reads
    total = formula_loop(spec._replace(modes=(*modes, "unit")), summed=True)
    as_sum = trace(lambda *values: spec.traced(*values) + 0.0, spec.traced.inputs)  # a sum of one term: −0 becomes 0
    single = spec._replace(modes=(*modes, "full"), formula=as_sum)
    copy, is_flat = formula_loop(single, result_dtype=types.float64), set(modes) <= {"full", "scalar"}

    def sums(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        results = as_pointer(row[slot], types.float64)
        if is_flat and row[ROW.width] == 1:
            copy(row, context, start, start, stop - start)
            return
        for unit in range(start, stop):
            results[unit] = total(row, context, unit, unit * row[ROW.width], row[ROW.width])

    return sums


def formula_loop(spec: KernelSpec, summed: bool = False, result_dtype: types.Type | None = None) -> Any:
    """An inlined loop(row, context, unit, offset, count): the row's formula along `count` numbers of its operands.

    Results have the program's dtype unless `result_dtype` is given.
    """
    dtype, formula = getattr(types, spec.dtype), spec.traced
    real = LLVM[dtype]
    shared = [index for index, mode in enumerate(spec.modes[spec.reads :]) if mode == "shared"]

    @inlined(types.float64 if summed else types.void)
    def loop(builder: ir.IRBuilder, row: Value, context: Value, unit: Value, offset: Value, count: Value) -> Value:
        operands = Operands(builder, spec, row, context)
        inputs = [operands.input(index, unit, offset) for index in range(formula.inputs)]
        reduction = Reduction(builder, "sum", real) if summed else None
        outputs = [] if summed else operands.outputs(offset, LLVM[result_dtype or dtype])
        emit_loop(builder, formula, real, inputs, outputs, count, reduction, shared)
        return reduction.result(builder) if reduction else None

    return loop


def unit_loops(spec: KernelSpec) -> Any:
    """An inlined loops(row, context, start, stop, width): the row's formula along each of some units.

    What all units have in common is read once; the compiler cannot do this, because a unit's result might overwrite it.
    Units of full operands are contiguous, so a block that begins in one unit ends in the next: few blocks are short.
    """

    @inlined()
    def loops(builder: ir.IRBuilder, row: Value, context: Value, start: Value, stop: Value, width: Value) -> None:
        blocks = UnitBlocks(Operands(builder, spec, row, context), start, stop, width)
        with cgutils.for_range_slice(builder, start, stop, int64(1), I64) as (unit, _):
            blocks.emit_unit(unit)

    return loops


class Operands:
    """The operands of a formula's row, found by their addresses."""

    def __init__(self, builder: ir.IRBuilder, spec: KernelSpec, row: Value, context: Value) -> None:
        self.builder, self.spec, self.row, self.context = builder, spec, row, context
        self.real = LLVM[getattr(types, spec.dtype)]
        self.addresses = [load_slot(builder, row, FIRST_OPERAND + index) for index in range(len(spec.modes))]

    def pointer(self, address: Value, real: ir.Type | None = None) -> Value:
        """An address as a pointer to the program's dtype, or another."""
        return self.builder.inttoptr(address, (real or self.real).as_pointer())

    def input(self, index: int, unit: Value, offset: Value) -> Value:
        """An input of the formula: a pointer to an array, or one number."""
        builder = self.builder
        if index >= self.spec.reads:
            outputs = len(self.spec.modes) - self.spec.reads
            scalar = load_slot(builder, self.row, FIRST_OPERAND + outputs + index)
            scalars = self.pointer(load_slot(builder, self.context, CONTEXT.scalars))
            return builder.load(builder.gep(scalars, [scalar]))
        start, mode = self.pointer(self.addresses[index]), self.spec.modes[index]
        if mode in ("unit", "scalar"):
            return builder.load(builder.gep(start, [unit if mode == "unit" else int64(0)]))
        return builder.gep(start, [offset]) if mode == "full" else start

    def outputs(self, offset: Value, real: ir.Type) -> list[Value]:
        """Pointers to the arrays that the results are written to; a result must be as long as its row."""
        modes, addresses = self.spec.modes[self.spec.reads :], self.addresses[self.spec.reads :]
        if len(modes) != len(self.spec.traced.outputs) or not {"full", "shared"}.issuperset(modes):
            raise ValueError(f"a formula writes whole rows, one per output, not {modes}")
        return [self.builder.gep(self.pointer(address, real), [offset]) for address in addresses]


class UnitBlocks:
    """Emits loops along the units `start` to `stop` − 1 in blocks; `done` counts the numbers of a unit already done."""

    def __init__(self, operands: Operands, start: Value, stop: Value, width: Value) -> None:
        self.operands, self.stop, self.width = operands, stop, width
        self.builder, self.spec, self.formula = operands.builder, operands.spec, operands.spec.traced
        self.kind, modes = ir.VectorType(operands.real, LANES), self.spec.modes
        self.scalars = {
            index: broadcast(self.builder, operands.input(index, start, start), LANES)
            for index in range(self.formula.inputs)
            if index >= self.spec.reads or modes[index] == "scalar"
        }
        self.done = cgutils.alloca_once_value(self.builder, int64(0))

    def emit_unit(self, unit: Value) -> None:
        """Emit whole blocks, then one that ends in the next unit, or a short one where there is none long enough."""
        builder, lanes, zero = self.builder, int64(LANES), int64(0)
        first = builder.load(self.done)
        last = builder.add(first, builder.and_(builder.sub(self.width, first), int64(-LANES)))
        with cgutils.for_range_slice(builder, first, last, lanes, I64) as (offset, _):
            self.block(unit, offset, lambda index: self.read(index, unit, offset, None), None)
        rest = builder.sub(self.width, last)
        mask = lane_mask(builder, rest)
        following = builder.add(unit, int64(1))
        continues = builder.and_(
            builder.icmp_signed("<", following, self.stop), builder.icmp_signed(">=", self.width, lanes)
        )
        builder.store(zero, self.done)
        with builder.if_then(builder.icmp_signed(">", rest, zero)), builder.if_else(continues) as (crossing, short):
            with crossing:
                self.block(unit, last, lambda index: self.read_across(index, unit, last, rest), None)
                builder.store(builder.sub(lanes, rest), self.done)
            with short:
                self.block(unit, last, lambda index: self.read(index, unit, last, mask), mask)

    def block(self, unit: Value, offset: Value, read: Callable[[int], Value], mask: Value | None) -> None:
        """Emit the formula on the block of a unit that begins at `offset`."""
        results = evaluate(self.builder, self.formula, list(map(read, range(self.formula.inputs))), self.kind)
        outputs = self.operands.outputs(self.builder.mul(unit, self.width), self.operands.real)
        for array, result in zip(outputs, results, strict=True):
            store_block(self.builder, array, offset, mask, result)

    def read(self, index: int, unit: Value, offset: Value, mask: Value | None) -> Value:
        """A block of an input."""
        if index in self.scalars:
            return self.scalars[index]
        value = self.operands.input(index, unit, self.builder.mul(unit, self.width))
        if value.type.is_pointer:
            return load_block(self.builder, value, offset, mask, self.kind.element)
        return broadcast(self.builder, value, LANES)

    def read_across(self, index: int, unit: Value, offset: Value, rest: Value) -> Value:
        """A block of an input, of which `rest` lanes are the end of a unit and the others the beginning of the next."""
        if index in self.scalars or self.spec.modes[index] == "full":
            return self.read(index, unit, offset, None)
        builder, mask = self.builder, lane_mask(self.builder, rest)
        following = builder.add(unit, int64(1))
        parts = ((unit, offset, mask), (following, builder.neg(rest), builder.not_(mask)))
        return builder.select(mask, *(self.read(index, *part) for part in parts))
