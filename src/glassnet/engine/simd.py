"""Vector code for the kernels: loops over arrays in blocks of 16 lanes.

`emit_loop` evaluates a formula along contiguous arrays, block by block. The last, short block is masked, so nothing is
read or written beyond the arrays and every element goes through the same instructions. Sums keep 16 partial sums, added
in a fixed order, so that their bits depend on the array alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.formula_ir import evaluate, max_or_min
from glassnet.engine.kernel_functions import inlined
from glassnet.engine.llvm_vectors import (
    I32,
    I64,
    LANES,
    LLVM,
    SUFFIX,
    Builder,
    broadcast,
    constant,
    int64,
    shuffle,
    size_of,
)
from glassnet.tables.formula import Formula, trace

ALIGNMENT = 64  # bytes: of a cache line, and of the widest vector that may be stored past the caches
COPY, ZERO = trace(lambda x: x, 1), trace(lambda: 0.0, 0)


def lane_mask(builder: Builder, count: Value, lanes: int = LANES) -> Value:
    """A mask of the first `count` lanes; empty where `count` is below 1."""
    numbers = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes)))
    return builder.icmp_signed("<", numbers, broadcast(builder, builder.trunc(count, I32), lanes))


def for_each_block(builder: Builder, count: Value, body: Callable[[Value, Value | None], None]) -> None:
    """Emit body(first, mask) for every block of `count` numbers; only the short last block has a mask."""
    whole = builder.and_(count, int64(-LANES))
    with cgutils.for_range_slice(builder, int64(0), whole, int64(LANES), I64) as (first, _):
        body(first, None)
    rest = builder.trunc(builder.sub(count, whole), I32)
    with builder.if_then(builder.icmp_signed(">", rest, ir.Constant(I32, 0))):
        lane = ir.Constant(ir.VectorType(I32, LANES), list(range(LANES)))
        body(whole, builder.icmp_signed("<", lane, broadcast(builder, rest, LANES)))


def call_masked(builder: Builder, verb: str, vector: ir.VectorType, result: ir.Type, *arguments: Value) -> Value:
    """Call llvm.masked.load or llvm.masked.store."""
    element = vector.element
    suffix = f"i{element.width}" if isinstance(element, ir.IntType) else SUFFIX[element]
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    name = f"llvm.masked.{verb}.v{vector.count}{suffix}.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def block_pointer(builder: Builder, array: Value, first: Value) -> tuple[Value, ir.VectorType, int]:
    """The pointer to a block of an array, the block's type and the size of one number in bytes."""
    pointer = builder.gep(array, [first])
    vector = ir.VectorType(pointer.type.pointee, LANES)
    return builder.bitcast(pointer, vector.as_pointer()), vector, size_of(vector.element)


def load_block(builder: Builder, array: Value, first: Value, mask: Value | None, real: ir.Type) -> Value:
    """Load a block of an array as numbers of the program's dtype."""
    pointer, vector, size = block_pointer(builder, array, first)
    if mask is None:
        block = builder.load(pointer, align=size)
    else:
        zero = ir.Constant(vector, None)
        block = call_masked(builder, "load", vector, vector, pointer, ir.Constant(I32, size), mask, zero)
    return convert(builder, block, ir.VectorType(real, LANES))


def store_block(
    builder: Builder, array: Value, first: Value, mask: Value | None, block: Value, nontemporal: bool = False
) -> None:
    """Store a block of an array, rounded to the array's own dtype; if whole and `nontemporal`, past the caches."""
    pointer, vector, size = block_pointer(builder, array, first)
    block = convert(builder, block, vector)
    if mask is not None:
        call_masked(builder, "store", vector, ir.VoidType(), block, pointer, ir.Constant(I32, size), mask)
    elif nontemporal:
        one = builder.module.add_metadata([ir.Constant(I32, 1)])
        builder.store(block, pointer, align=ALIGNMENT).set_metadata("nontemporal", one)
    else:
        builder.store(block, pointer, align=size)


def convert(builder: Builder, value: Value, kind: ir.Type) -> Value:
    """Convert a scalar or a vector of float32, float64, uint8 or int64 to floating point numbers of an LLVM type."""
    if value.type == kind:
        return value
    element = getattr(value.type, "element", value.type)
    if isinstance(element, ir.IntType):
        return builder.uitofp(value, kind) if element.width == 8 else builder.sitofp(value, kind)
    return builder.fpext(value, kind) if isinstance(element, ir.FloatType) else builder.fptrunc(value, kind)


class Reduction:
    """A reduction in 16 lanes: the "sum" in float64, or the "max" in the program's dtype."""

    def __init__(self, builder: Builder, operation: str, real: ir.Type) -> None:
        self.operation, self.element = operation, ir.DoubleType() if operation == "sum" else real
        self.kind = ir.VectorType(self.element, LANES)
        self.neutral = constant(self.kind, 0.0 if operation == "sum" else float("-inf"))
        self.lanes = cgutils.alloca_once(builder, self.kind)
        builder.store(self.neutral, self.lanes)

    def combine(self, builder: Builder, a: Value, b: Value) -> Value:
        """Combine two partial results."""
        return builder.fadd(a, b) if self.operation == "sum" else max_or_min(builder, ">", a, b)

    def add_block(self, builder: Builder, block: Value, mask: Value | None) -> None:
        """Combine a block with the lanes; lanes outside the mask change nothing."""
        block = convert(builder, block, self.kind)
        if mask is not None:
            block = builder.select(mask, block, self.neutral)
        builder.store(self.combine(builder, builder.load(self.lanes), block), self.lanes)

    def result(self, builder: Builder) -> Value:
        """Combine the lanes by halves: 16, 8, 4, 2, 1."""
        value = builder.load(self.lanes)
        while value.type.count > 1:
            half = value.type.count // 2
            low, high = (shuffle(builder, value, value, part) for part in (range(half), range(half, 2 * half)))
            value = self.combine(builder, low, high)
        return builder.extract_element(value, ir.Constant(I32, 0))


def emit_loop(
    builder: Builder,
    formula: Formula,
    real: ir.Type,
    inputs: list[Any],
    outputs: list[Value],
    count: Value,
    reduction: Reduction | None = None,
    nontemporal: Collection[int] = (),
) -> None:
    """Emit a loop that evaluates the formula along arrays of `count` numbers.

    Each input is an array (a pointer) or a scalar of the program's dtype. The formula's first results go to `outputs`,
    those with the indices in `nontemporal` past the caches, to addresses that are multiples of ALIGNMENT; `reduction`
    takes the last. A block is read whole before it is written, so an array may be both.
    """
    kind = ir.VectorType(real, LANES)
    scalars = [None if value.type.is_pointer else broadcast(builder, value, LANES) for value in inputs]

    def body(first: Value, mask: Value | None) -> None:
        values = list(scalars)
        for index in formula.reads:
            if inputs[index].type.is_pointer:
                values[index] = load_block(builder, inputs[index], first, mask, real)
        results = evaluate(builder, formula, values, kind)
        for index, array in enumerate(outputs):
            store_block(builder, array, first, mask, results[index], index in nontemporal)
        if reduction is not None:
            reduction.add_block(builder, results[-1], mask)

    for_each_block(builder, count, body)


def vector_loop(formula: Formula, dtype: types.Type, reduction: str = "") -> Any:
    """An inlined function loop(arrays, scalars, outputs, count): the formula along contiguous arrays.

    `arrays` and `outputs` are tuples of pointers, `scalars` a tuple of numbers; the formula's inputs are the arrays,
    then the scalars. With `reduction`, it returns the "sum" or the "max" of the formula's last result.
    """
    returned = {"": types.void, "sum": types.float64, "max": dtype}[reduction]
    real = LLVM[dtype]

    @inlined(returned)
    def loop(builder: Builder, arrays: Value, scalars: Value, outputs: Value, count: Value) -> Value:
        inputs, numbers, results = (cgutils.unpack_tuple(builder, values) for values in (arrays, scalars, outputs))
        inputs += [convert(builder, number, real) for number in numbers]
        reduced = Reduction(builder, reduction, real) if reduction else None
        emit_loop(builder, formula, real, inputs, results, count, reduced)
        return reduced.result(builder) if reduced else None

    return loop
