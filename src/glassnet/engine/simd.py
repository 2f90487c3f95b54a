"""Vector code for the kernels: pointers, a thread's share of the work, and lines of numbers in blocks of 16 lanes.

A line is a run of numbers side by side in memory. `compute` evaluates a formula along a line, block by block; the last,
short block is masked, so that nothing is read or written beyond the line and every element meets the same instructions.
Sums keep 16 partial sums, added in a fixed order, so that their bits depend on the line alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.vectors import broadcast, constant, size_of
from glassnet.engine.words import evaluate, extreme
from glassnet.tables.formula import Formula

LANES = 16
ALIGNED = 64  # bytes at whose multiples a vector as wide as the processor's may lie
I32, I64 = ir.IntType(32), ir.IntType(64)
LLVM = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
SUFFIX = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}
Builder = ir.IRBuilder


class Stream(NamedTuple):
    """A line in memory: the address of its first number, and Numba's name for what lies there.

    Whole blocks of a line that is `passing` are written past the caches; it must lie where a block may (64 bytes).
    """

    pointer: ir.Value
    dtype: types.Type
    passing: bool = False


@intrinsic
def pointer(typing: Any, address: Any, dtype: Any) -> Any:
    """The address as a pointer to numbers of `dtype`."""
    result = types.CPointer(dtype.instance_type)

    def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
        return builder.inttoptr(arguments[0], context.get_value_type(result))

    return result(address, dtype), generate


@intrinsic
def shift(typing: Any, start: Any, count: Any) -> Any:
    """The pointer moved on by `count` numbers."""

    def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
        return builder.gep(arguments[0], [arguments[1]])

    return start(start, types.int64), generate


@intrinsic
def smaller(typing: Any, a: Any, b: Any) -> Any:
    """The smaller of two whole numbers; Python's min would be compiled as a function of its own."""

    def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
        return builder.select(builder.icmp_signed("<", *arguments), *arguments)

    return types.int64(types.int64, types.int64), generate


def local(dtype: types.Type, size: int) -> Any:
    """An intrinsic that gives a pointer to `size` numbers of the kernel's own."""

    @intrinsic
    def memory(typing: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            return cgutils.alloca_once(builder, context.get_value_type(dtype), size=ir.Constant(I64, size))

        return types.CPointer(dtype)(), generate

    return memory


@intrinsic
def call(typing: Any, address: Any, row: Any, context: Any) -> Any:
    """Call the kernel at `address` for a row."""

    def generate(target: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
        kind = ir.FunctionType(ir.VoidType(), [arguments[1].type, arguments[2].type])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return target.get_dummy_value()

    return types.void(address, row, context), generate


def word_at(builder: Builder, words: ir.Value, index: int | ir.Value) -> ir.Value:
    """One int64 of a row or of the context."""
    place = ir.Constant(I64, index) if isinstance(index, int) else index
    return builder.load(builder.gep(words, [place]))


@intrinsic
def share(typing: Any, row: Any, context: Any) -> Any:
    """The units that this thread does: (first, behind the last), cut at multiples of 8."""

    def generate(target: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
        thread, threads, samples = (word_at(builder, arguments[1], index) for index in range(3))
        fixed, eight = word_at(builder, arguments[0], 2), ir.Constant(I64, 8)
        units = builder.select(builder.icmp_signed("==", fixed, ir.Constant(I64, 0)), samples, fixed)
        blocks = builder.lshr(builder.add(units, ir.Constant(I64, 7)), ir.Constant(I64, 3))

        def edge(number: ir.Value) -> ir.Value:
            cut = builder.mul(eight, builder.sdiv(builder.mul(blocks, number), threads))
            return builder.select(builder.icmp_signed("<", cut, units), cut, units)

        places = [cgutils.alloca_once_value(builder, edge) for edge in (ir.Constant(I64, 0), units)]
        with builder.if_then(builder.icmp_signed(">", threads, ir.Constant(I64, 1))):  # divisions are slow
            for place, number in zip(places, (thread, builder.add(thread, ir.Constant(I64, 1))), strict=True):
                builder.store(edge(number), place)
        edges = [builder.load(place) for place in places]
        return target.make_tuple(builder, signature.return_type, edges)

    return types.UniTuple(types.int64, 2)(row, context), generate


def blocks(builder: Builder, count: ir.Value, body: Callable[[ir.Value, ir.Value | None], None]) -> None:
    """Emit body(first, mask) for every block of a line of `count` numbers; only the short last block has a mask."""
    whole = builder.and_(count, ir.Constant(I64, -LANES))
    with cgutils.for_range_slice(builder, ir.Constant(I64, 0), whole, ir.Constant(I64, LANES), I64) as (first, _):
        body(first, None)
    rest = builder.trunc(builder.sub(count, whole), I32)
    with builder.if_then(builder.icmp_signed(">", rest, ir.Constant(I32, 0))):
        lane = ir.Constant(ir.VectorType(I32, LANES), list(range(LANES)))
        body(whole, builder.icmp_signed("<", lane, broadcast(builder, rest, LANES)))


def masked(builder: Builder, verb: str, vector: ir.VectorType, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    """Call llvm.masked.load or llvm.masked.store."""
    element = vector.element
    suffix = f"i{element.width}" if isinstance(element, ir.IntType) else SUFFIX[element]
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    name = f"llvm.masked.{verb}.v{vector.count}{suffix}.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def load(builder: Builder, stream: Stream, first: ir.Value, mask: ir.Value | None, real: ir.Type) -> ir.Value:
    """A block of a line as numbers of the program's dtype."""
    place = builder.gep(stream.pointer, [first])
    vector = ir.VectorType(place.type.pointee, LANES)
    place, size = builder.bitcast(place, vector.as_pointer()), size_of(vector.element)
    if mask is None:
        block = builder.load(place, align=size)
    else:
        zero = ir.Constant(vector, None)
        block = masked(builder, "load", vector, vector, place, ir.Constant(I32, size), mask, zero)
    return convert(builder, block, stream.dtype, ir.VectorType(real, LANES))


def store(builder: Builder, stream: Stream, first: ir.Value, mask: ir.Value | None, block: ir.Value) -> None:
    """Write a block of a line, rounded to the line's own dtype."""
    place = builder.gep(stream.pointer, [first])
    vector = ir.VectorType(place.type.pointee, LANES)
    place, size = builder.bitcast(place, vector.as_pointer()), size_of(vector.element)
    block = convert(builder, block, types.float64, vector)
    if mask is not None:
        masked(builder, "store", vector, ir.VoidType(), block, place, ir.Constant(I32, size), mask)
    elif stream.passing:
        one = builder.module.add_metadata([ir.Constant(I32, 1)])
        builder.store(block, place, align=ALIGNED).set_metadata("nontemporal", one)
    else:
        builder.store(block, place, align=size)


def convert(builder: Builder, value: ir.Value, dtype: types.Type, kind: ir.Type) -> ir.Value:
    """A scalar or a vector, of Numba's `dtype`, as floating point numbers of another LLVM type."""
    if value.type == kind:
        return value
    element = getattr(value.type, "element", value.type)
    if isinstance(element, ir.IntType):
        return builder.sitofp(value, kind) if dtype.signed else builder.uitofp(value, kind)
    return builder.fpext(value, kind) if isinstance(element, ir.FloatType) else builder.fptrunc(value, kind)


class Total:
    """A reduction along a line in 16 lanes: the sum in float64, or the largest number in the program's dtype."""

    def __init__(self, builder: Builder, name: str, real: ir.Type) -> None:
        self.name, self.element = name, ir.DoubleType() if name == "sum" else real
        self.kind = ir.VectorType(self.element, LANES)
        self.start = constant(self.kind, 0.0 if name == "sum" else float("-inf"))
        self.lanes = cgutils.alloca_once(builder, self.kind)
        builder.store(self.start, self.lanes)

    def join(self, builder: Builder, a: ir.Value, b: ir.Value) -> ir.Value:
        """Two partial results as one."""
        return builder.fadd(a, b) if self.name == "sum" else extreme(builder, ">", a, b)

    def take(self, builder: Builder, block: ir.Value, mask: ir.Value | None) -> None:
        """Add a block; lanes outside the line count as nothing."""
        block = convert(builder, block, types.float64, self.kind)
        if mask is not None:
            block = builder.select(mask, block, self.start)
        builder.store(self.join(builder, builder.load(self.lanes), block), self.lanes)

    def result(self, builder: Builder) -> ir.Value:
        """The lanes joined by halves: 16, 8, 4, 2, 1."""
        value = builder.load(self.lanes)
        while value.type.count > 1:
            half = value.type.count // 2
            parts = [range(half), range(half, 2 * half)]
            low, high = (builder.shuffle_vector(value, value, _places(part)) for part in parts)
            value = self.join(builder, low, high)
        return builder.extract_element(value, ir.Constant(I32, 0))


def _places(indices: Sequence[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(I32, len(indices)), list(indices))


def compute(
    builder: Builder,
    formula: Formula,
    real: ir.Type,
    inputs: Sequence[Stream | ir.Value],
    writes: Sequence[Stream],
    count: ir.Value,
    total: Total | None = None,
) -> None:
    """Evaluate the formula along a line of `count` numbers.

    Each input is a line or a number of the program's dtype. The first outputs go to `writes`; `total` takes the last.
    A block is read whole before it is written, so that a line may be its own input.
    """
    kind = ir.VectorType(real, LANES)
    fixed = [None if isinstance(value, Stream) else broadcast(builder, value, LANES) for value in inputs]

    def body(first: ir.Value, mask: ir.Value | None) -> None:
        values = list(fixed)
        for index in formula.reads:
            if isinstance(inputs[index], Stream):
                values[index] = load(builder, inputs[index], first, mask, real)
        outputs = evaluate(builder, formula, values, kind)
        for stream, output in zip(writes, outputs[: len(writes)], strict=True):
            store(builder, stream, first, mask, output)
        if total is not None:
            total.take(builder, outputs[-1], mask)

    blocks(builder, count, body)


def line(formula: Formula, dtype: types.Type, total: str = "") -> Any:
    """An intrinsic line(reads, numbers, writes, count): the formula along a line.

    `reads` and `writes` are tuples of pointers, `numbers` a tuple of scalars; the formula's inputs are the reads, then
    the numbers. With `total`, it returns the "sum" or the "largest" of the formula's last output.
    """
    result = {"": types.void, "sum": types.float64, "largest": dtype}[total]
    real = LLVM[dtype]

    @intrinsic
    def line(typing: Any, reads: Any, numbers: Any, writes: Any, count: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> ir.Value:
            def items(index: int) -> list[tuple[ir.Value, Any]]:
                kinds = signature.args[index]
                return [(builder.extract_value(arguments[index], i), kind) for i, kind in enumerate(kinds)]

            streams = [[Stream(value, kind.dtype) for value, kind in items(index)] for index in (0, 2)]
            scalars = [context.cast(builder, value, kind, dtype) for value, kind in items(1)]
            sums = Total(builder, total, real) if total else None
            compute(builder, formula, real, [*streams[0], *scalars], streams[1], arguments[3], sums)
            return sums.result(builder) if sums else context.get_dummy_value()

        return result(reads, numbers, writes, types.int64), generate

    return line
