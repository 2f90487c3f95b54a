"""The kernel that runs a program: for every step it fills the context and calls the rows' kernels by address.

Several threads may run it at once on the same rows, each with a context of its own; they wait for one another where a
row says so. During the steps of a training run, numbers too small for the dtype's full precision count as 0.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils, types

from glassnet.engine.kernel_functions import advance, as_pointer, call_kernel, inlined
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import CALL, CONTEXT, COUNTER_STRIDE, COUNTERS, ROW
from glassnet.engine.llvm_vectors import I32, Builder, int64

MAX_SPINS = 100  # reads of the barrier, some microseconds, before the processor is offered to others
FLUSH_TO_ZERO = 0x8040  # bits of MXCSR: flush to zero, denormals are zero
I8 = ir.IntType(8)
INTEGER, WIDE = types.int64, types.float64


def interpret(spec: KernelSpec) -> Any:
    """Run steps until all are done or the abort flag is set; a step that all threads have begun is finished.

    The first thread returns after all others. The arguments: `layout.InterpreterArguments`.
    """

    def interpret(arguments: Any, unused: Any) -> None:
        context, batches = as_pointer(arguments[CALL.context], INTEGER), as_pointer(arguments[CALL.batches], INTEGER)
        costs, cost = as_pointer(arguments[CALL.costs], WIDE), as_pointer(arguments[CALL.cost], WIDE)
        abort, barrier = as_pointer(context[CONTEXT.abort], INTEGER), as_pointer(arguments[CALL.counters], INTEGER)
        rows, size, threads, goal = arguments[CALL.rows], arguments[CALL.row_size], context[CONTEXT.threads], 0
        begin(barrier, threads)
        state, arguments[CALL.steps_done] = flush_denormals(arguments[CALL.flush]), 0
        for step in range(arguments[CALL.steps]):
            if abort[0] != 0:
                break
            context[CONTEXT.samples], context[CONTEXT.first_sample] = batches[2 * step + 1], batches[2 * step]
            number, offset = arguments[CALL.first_step] + step, step * arguments[CALL.scalar_bytes]
            context[CONTEXT.step], context[CONTEXT.scalars] = number, arguments[CALL.scalars] + offset
            row = as_pointer(arguments[CALL.table], INTEGER)
            for _ in range(rows):
                if row[ROW.barrier] != 0 and threads > 1:
                    goal += threads
                    wait(barrier, goal, abort)
                    if barrier[0] < goal:  # another thread will never come, so what follows would read stale numbers
                        break
                call_kernel(row[ROW.kernel], row, context)
                row = advance(row, size)
            if threads > 1 and barrier[0] < goal:
                break
            if context[CONTEXT.thread] == 0:
                costs[step] = cost[0]
            arguments[CALL.steps_done] = step + 1
        restore_denormals(state)
        end(barrier, threads, context[CONTEXT.thread], abort)

    return interpret


def count(builder: Builder, counters: Value, number: int) -> Value:
    """Add 1 to one of the numbers that the threads count (layout.COUNTERS); return its address."""
    counter = builder.gep(counters, [int64(COUNTER_STRIDE * number)])
    builder.atomic_rmw("add", counter, int64(1), "seq_cst")
    return counter


@inlined()
def begin(builder: Builder, counters: Value, threads: Value) -> None:
    """Count this thread among those that have begun, where there are several."""
    with builder.if_then(builder.icmp_signed(">", threads, int64(1))):
        count(builder, counters, COUNTERS.begun)


@inlined()
def end(builder: Builder, counters: Value, threads: Value, thread: Value, abort: Value) -> None:
    """Count this thread among those that have ended, where there are several; the first one waits for all others."""
    with builder.if_then(builder.icmp_signed(">", threads, int64(1))):
        ended = count(builder, counters, COUNTERS.ended)
        with builder.if_then(builder.icmp_signed("==", thread, int64(0))):
            spin(builder, ended, threads, abort)


@inlined()
def wait(builder: Builder, counters: Value, goal: Value, abort: Value) -> None:
    """Wait at the barrier until all threads have come: until its count reaches `goal`, or the run is aborted."""
    spin(builder, count(builder, counters, COUNTERS.barrier), goal, abort)


def spin(builder: Builder, counter: Value, goal: Value, abort: Value) -> None:
    """Wait until a count reaches `goal`, or the run is aborted."""
    spins = cgutils.alloca_once_value(builder, ir.Constant(I32, 0))
    check, spin, done = (builder.append_basic_block(name) for name in ("check", "spin", "done"))
    builder.branch(check)
    builder.position_at_end(check)
    all_came = builder.icmp_signed(">=", builder.load_atomic(counter, "acquire", 8), goal)
    aborted = builder.icmp_signed("!=", builder.load_atomic(abort, "acquire", 8), int64(0))
    builder.cbranch(builder.or_(all_came, aborted), done, spin)
    builder.position_at_end(spin)
    count = builder.add(builder.load(spins), ir.Constant(I32, 1))
    builder.store(count, spins)
    pause(builder)
    with builder.if_then(builder.icmp_signed(">", count, ir.Constant(I32, MAX_SPINS))):
        kind = ir.FunctionType(I32, [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
    builder.branch(check)
    builder.position_at_end(done)


def is_x86(builder: Builder) -> bool:
    """Whether the code is for an x86 processor."""
    return builder.module.triple.startswith(("x86", "i386", "i686"))


def pause(builder: Builder) -> None:
    """Tell an x86 processor that this thread is in a spin loop."""
    if is_x86(builder):
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])


def access_mxcsr(builder: Builder, verb: str, pointer: Value) -> None:
    """Load (ldmxcsr) or store (stmxcsr) the control register of floating point arithmetic."""
    kind = ir.FunctionType(ir.VoidType(), [I8.as_pointer()])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{verb}")
    builder.call(function, [builder.bitcast(pointer, I8.as_pointer())])


@inlined(types.int32)
def flush_denormals(builder: Builder, wanted: Value) -> Value:
    """Let denormals count as 0 in this thread where `wanted` is not 0; return what `restore_denormals` needs."""
    if not is_x86(builder):
        return ir.Constant(I32, 0)
    register = cgutils.alloca_once(builder, I32)
    access_mxcsr(builder, "stmxcsr", register)
    before = builder.load(register)
    with builder.if_then(builder.icmp_signed("!=", wanted, int64(0))):
        builder.store(builder.or_(before, ir.Constant(I32, FLUSH_TO_ZERO)), register)
        access_mxcsr(builder, "ldmxcsr", register)
    return before


@inlined()
def restore_denormals(builder: Builder, state: Value) -> None:
    """Restore the register to what it was before `flush_denormals`."""
    if is_x86(builder):
        access_mxcsr(builder, "ldmxcsr", cgutils.alloca_once_value(builder, state))
