"""Functions that kernels call: pointers, memory on the stack, other kernels, a thread's share of the work.

A kernel is a Python function that Numba compiles. `inlined` lets it call a function that emits LLVM code.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.layout import CONTEXT, ROW
from glassnet.engine.llvm_vectors import LLVM, Builder, int64


def inlined(returns: types.Type = types.void) -> Callable[[Callable[..., Any]], Any]:
    """Let kernels call a function that emits LLVM code from the builder and its arguments; the code is inlined."""

    def decorate(emit: Callable[..., Any]) -> Any:
        @intrinsic
        @wraps(emit)
        def typed(typing: Any, *kinds: Any) -> Any:
            def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> Value:
                result = emit(builder, *arguments)
                return context.get_dummy_value() if returns is types.void else result

            return returns(*kinds), generate

        return typed

    return decorate


@intrinsic
def as_pointer(typing: Any, address: Any, dtype: Any) -> Any:
    """Convert an address to a pointer to numbers of `dtype`."""
    result = types.CPointer(dtype.instance_type)

    def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> Value:
        return builder.inttoptr(arguments[0], context.get_value_type(result))

    return result(address, dtype), generate


@intrinsic
def advance(typing: Any, pointer: Any, count: Any) -> Any:
    """The pointer advanced by `count` numbers."""

    def generate(context: Any, builder: Builder, signature: Any, arguments: Any) -> Value:
        return builder.gep(arguments[0], [arguments[1]])

    return pointer(pointer, types.int64), generate


@inlined(types.int64)
def minimum(builder: Builder, a: Value, b: Value) -> Value:
    """The smaller of two integers; Numba would compile Python's min as a function of its own."""
    return builder.select(builder.icmp_signed("<", a, b), a, b)


def stack_array(dtype: types.Type, size: int) -> Any:
    """An inlined function that returns a pointer to `size` numbers on the kernel's stack."""

    @inlined(types.CPointer(dtype))
    def allocate(builder: Builder) -> Value:
        return cgutils.alloca_once(builder, LLVM[dtype], size=int64(size))

    return allocate


@inlined()
def call_kernel(builder: Builder, address: Value, row: Value, context: Value) -> None:
    """Call the kernel at `address` for a row."""
    kind = ir.FunctionType(ir.VoidType(), [row.type, context.type])
    builder.call(builder.inttoptr(address, kind.as_pointer()), [row, context])


def load_slot(builder: Builder, slots: Value, index: int | Value) -> Value:
    """Load one int64 of a row or of the context."""
    offset = int64(index) if isinstance(index, int) else index
    return builder.load(builder.gep(slots, [offset]))


@inlined(types.UniTuple(types.int64, 2))
def thread_range(builder: Builder, row: Value, context: Value) -> Value:
    """The units that this thread computes, as (start, stop), cut at multiples of 8."""
    slots = (CONTEXT.thread, CONTEXT.threads, CONTEXT.samples)
    thread, threads, samples = (load_slot(builder, context, slot) for slot in slots)
    fixed, eight = load_slot(builder, row, ROW.units), int64(8)
    units = builder.select(builder.icmp_signed("==", fixed, int64(0)), samples, fixed)
    blocks = builder.lshr(builder.add(units, int64(7)), int64(3))

    def boundary(number: Value) -> Value:
        cut = builder.mul(eight, builder.sdiv(builder.mul(blocks, number), threads))
        return builder.select(builder.icmp_signed("<", cut, units), cut, units)

    variables = [cgutils.alloca_once_value(builder, bound) for bound in (int64(0), units)]
    with builder.if_then(builder.icmp_signed(">", threads, int64(1))):  # divisions are slow
        for variable, number in zip(variables, (thread, builder.add(thread, int64(1))), strict=True):
            builder.store(boundary(number), variable)
    return cgutils.pack_array(builder, [builder.load(variable) for variable in variables])
