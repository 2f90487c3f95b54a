"""Links the kernels of a program's equations into one, for the sizes of the program and for one size of the batch.

LLVM inlines every call and knows the length of every loop, so that a step of the smallest networks takes half as long.
Operations keep their order, and no flag lets LLVM change a result: the bits are those of the kernels called one by one.
`program_kernel.py` decides when this pays off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import cgutils

from glassnet.engine import shared_locks
from glassnet.engine.compile import linked, optimise, optimised, target_machine
from glassnet.engine.kernel_functions import load_slot
from glassnet.engine.kernel_spec import KernelAddress, KernelSpec
from glassnet.engine.kernels import KERNELS
from glassnet.engine.layout import CONTEXT, CONTEXT_SIZE, PROGRAM, ROW
from glassnet.engine.llvm_vectors import Builder, int64
from glassnet.engine.row_table import Slots

SYMBOL = "glassnet_program"
STACK_ALIGNMENT = 64  # bytes: a vector that is stored on the stack for a moment lies in one cache line
POINTER = ir.IntType(64).as_pointer()
KERNEL_TYPE = ir.FunctionType(ir.VoidType(), [POINTER, POINTER])


def program_code(rows: Sequence[Slots], samples: int) -> tuple[str, bytes]:
    """The symbol and the object code of a kernel that runs all equations, fastest for batches of so many samples."""
    called = [slot.spec for slots in rows for slot in slots if isinstance(slot, KernelAddress)]
    specs = {spec.text: spec for kernel in called for spec in kernel.chain}
    kernels = {text: _optimised(spec) for text, spec in specs.items()}
    symbols = {text: symbol for text, (symbol, _) in kernels.items()}
    program = _Driver(rows, samples, specs, symbols).module
    module = linked(program, [kernel for _, kernel in kernels.values()], SYMBOL)
    with shared_locks.compiler():
        optimise(module)
        return SYMBOL, target_machine().emit_object(module)


def _optimised(spec: KernelSpec) -> tuple[str, Any]:
    """The symbol and the module of a kernel; a fork waits for one of them, not for all."""
    with shared_locks.compiler():
        return optimised(KERNELS[spec.kind](spec))


class _Driver:
    """The module of the function that calls the kernels; what they are is linked to it."""

    def __init__(
        self, rows: Sequence[Slots], samples: int, specs: dict[str, KernelSpec], symbols: dict[str, str]
    ) -> None:
        self.rows, self.samples, self.module = rows, samples, ir.Module()
        self.kernels = {text: ir.Function(self.module, KERNEL_TYPE, symbol) for text, symbol in symbols.items()}
        for spec in specs.values():
            if spec.callee is not None:
                self._define(spec.callee.symbol, self.kernels[spec.callee.text])
        function = ir.Function(self.module, KERNEL_TYPE, SYMBOL)
        function.attributes.alignstack = STACK_ALIGNMENT
        builder = ir.IRBuilder(function.append_basic_block())
        self.stride = max(map(len, rows))
        table = builder.inttoptr(load_slot(builder, function.args[0], PROGRAM.table), POINTER)
        m = load_slot(builder, function.args[1], CONTEXT.samples)
        with builder.if_else(builder.icmp_signed("==", m, int64(samples))) as (usual, other):
            with usual:
                self._run_known(builder, table, self._known_context(builder, function.args[1]))
            with other:
                self._run_others(builder, table, function.args[1])
        builder.ret_void()

    def _define(self, symbol: str, kernel: ir.Function) -> None:
        """Let other kernels call this one by its own symbol, unless that is defined already."""
        if symbol not in self.module.globals:
            function = ir.Function(self.module, KERNEL_TYPE, symbol)
            builder = ir.IRBuilder(function.append_basic_block())
            builder.call(kernel, function.args)
            builder.ret_void()

    def _known_context(self, builder: Builder, context: Value) -> Value:
        """A copy of the context, in which the threads and the number of samples are constants."""
        known = {CONTEXT.thread: 0, CONTEXT.threads: 1, CONTEXT.samples: self.samples}
        others = {slot: load_slot(builder, context, slot) for slot in range(CONTEXT_SIZE) if slot not in known}
        values = {slot: int64(number) for slot, number in known.items()} | others
        return self._stored(builder, [values[slot] for slot in range(CONTEXT_SIZE)])

    def _run_known(self, builder: Builder, table: Value, context: Value) -> None:
        """Call the kernel of every row with a copy of it, in which all but addresses is constant."""
        for number, slots in enumerate(self.rows):
            values = [self._value(builder, table, number, index, slot) for index, slot in enumerate(slots)]
            kernel = slots[ROW.kernel]
            assert isinstance(kernel, KernelAddress)
            builder.call(self.kernels[kernel.spec.text], [self._stored(builder, values), context])

    def _value(self, builder: Builder, table: Value, number: int, index: int, slot: Any) -> Value:
        """A slot of a row: the address of a quantity from the table, all others as constants."""
        if index == ROW.kernel:
            return int64(0)  # no kernel reads its own address
        if isinstance(slot, KernelAddress):
            return builder.ptrtoint(self.kernels[slot.spec.text], ir.IntType(64))
        return load_slot(builder, table, number * self.stride + index) if isinstance(slot, str) else int64(int(slot))

    def _stored(self, builder: Builder, values: Sequence[Value]) -> Value:
        """A pointer to these numbers on the stack."""
        pointer = cgutils.alloca_once(builder, ir.IntType(64), size=int64(len(values)))
        for index, value in enumerate(values):
            builder.store(value, builder.gep(pointer, [int64(index)], inbounds=True))
        return pointer

    def _run_others(self, builder: Builder, table: Value, context: Value) -> None:
        """Call the kernel of every row by its address: a batch of another size, such as the last of an epoch."""
        with cgutils.for_range(builder, int64(len(self.rows))) as loop:
            row = builder.gep(table, [builder.mul(loop.index, int64(self.stride))])
            kernel = builder.inttoptr(load_slot(builder, row, ROW.kernel), KERNEL_TYPE.as_pointer())
            builder.call(kernel, [row, context])
