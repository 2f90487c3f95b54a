"""The kernel that runs a program: for every step it fills the context and calls the rows' kernels by address.

Several threads may run it at once on the same rows, each with a context of its own; they wait for one another where a
row says so. While steps of a training run are computed, numbers too small for the dtype's full precision count as 0.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from glassnet.engine.identity import Identity
from glassnet.engine.simd import I32, I64, call, pointer, shift

SPINS = 100  # looks at the barrier, some microseconds, before the processor is offered to others
FLUSH = 0x8040  # MXCSR: flush to zero, denormals are zero
I8 = ir.IntType(8)


def interpret(identity: Identity) -> Any:
    """Run steps until all are done or the abort flag is set; a step that all threads have begun is finished.

    The words of `arguments`: [0] address of the table of rows, [1] rows, [2] words a row, [3] address of the context,
    [4] address of the batches (first, m), [5] address of the scalars, [6] bytes of scalars a step, [7] number of the
    first step, [8] steps, [9] address of the costs to write, [10] address of the program's cost, [11] steps done,
    [12] 1 to flush denormals, [13] address of the barrier: how often a thread has come to one.
    """
    words, wide = types.int64, types.float64

    def interpret(arguments: Any, unused: Any) -> None:
        rows, size = arguments[1], arguments[2]
        context, batches = pointer(arguments[3], words), pointer(arguments[4], words)
        costs, cost, abort = pointer(arguments[9], wide), pointer(arguments[10], wide), pointer(context[8], words)
        barrier, threads, goal = pointer(arguments[13], words), context[1], 0
        state = flush_denormals(arguments[12])
        arguments[11] = 0
        for step in range(arguments[8]):
            if abort[0] != 0:
                break
            context[2], context[3] = batches[2 * step + 1], batches[2 * step]
            context[4], context[5] = arguments[7] + step, arguments[5] + step * arguments[6]
            row = pointer(arguments[0], words)
            for _ in range(rows):
                if row[1] != 0 and threads > 1:
                    goal += threads
                    wait(barrier, goal, abort)
                    if barrier[0] < goal:  # another thread never comes: what follows would read what is missing
                        break
                call(row[0], row, context)
                row = shift(row, size)
            if threads > 1 and barrier[0] < goal:
                break
            if context[0] == 0:
                costs[step] = cost[0]
            arguments[11] = step + 1
        restore_denormals(state)

    return interpret


@intrinsic
def wait(typing: Any, barrier: Any, goal: Any, abort: Any) -> Any:
    """Come to the barrier and wait until all threads have: until its count reaches `goal`, or the run is aborted."""

    def generate(target: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        barrier, goal, abort = arguments
        builder.atomic_rmw("add", barrier, ir.Constant(I64, 1), "acq_rel")
        spins = cgutils.alloca_once_value(builder, ir.Constant(I32, 0))
        look, turn, done = (builder.append_basic_block(name) for name in ("look", "turn", "done"))
        builder.branch(look)
        builder.position_at_end(look)
        arrived = builder.icmp_signed(">=", builder.load_atomic(barrier, "acquire", 8), goal)
        given_up = builder.icmp_signed("!=", builder.load_atomic(abort, "acquire", 8), ir.Constant(I64, 0))
        builder.cbranch(builder.or_(arrived, given_up), done, turn)
        builder.position_at_end(turn)
        count = builder.add(builder.load(spins), ir.Constant(I32, 1))
        builder.store(count, spins)
        pause(builder)
        with builder.if_then(builder.icmp_signed(">", count, ir.Constant(I32, SPINS))):
            kind = ir.FunctionType(I32, [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        builder.branch(look)
        builder.position_at_end(done)
        return target.get_dummy_value()

    return types.void(barrier, goal, abort), generate


def is_x86(builder: ir.IRBuilder) -> bool:
    """Whether the code is for an x86 processor."""
    return builder.module.triple.startswith(("x86", "i386", "i686"))


def pause(builder: ir.IRBuilder) -> None:
    """Tell an x86 processor that this thread only waits."""
    if is_x86(builder):
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])


def control(builder: ir.IRBuilder, verb: str, place: ir.Value) -> None:
    """Load (ldmxcsr) or store (stmxcsr) the register that says how floating point behaves."""
    kind = ir.FunctionType(ir.VoidType(), [I8.as_pointer()])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{verb}")
    builder.call(function, [builder.bitcast(place, I8.as_pointer())])


@intrinsic
def flush_denormals(typing: Any, wanted: Any) -> Any:
    """Let denormals count as 0 in this thread where `wanted` is not 0; gives what `restore_denormals` needs."""

    def generate(target: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        if not is_x86(builder):
            return ir.Constant(I32, 0)
        place = cgutils.alloca_once(builder, I32)
        control(builder, "stmxcsr", place)
        before = builder.load(place)
        with builder.if_then(builder.icmp_signed("!=", arguments[0], ir.Constant(I64, 0))):
            builder.store(builder.or_(before, ir.Constant(I32, FLUSH)), place)
            control(builder, "ldmxcsr", place)
        return before

    return types.int32(types.int64), generate


@intrinsic
def restore_denormals(typing: Any, state: Any) -> Any:
    """Put the register back as `flush_denormals` found it."""

    def generate(target: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        if is_x86(builder):
            place = cgutils.alloca_once_value(builder, arguments[0])
            control(builder, "ldmxcsr", place)
        return target.get_dummy_value()

    return types.void(types.int32), generate
