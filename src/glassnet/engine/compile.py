"""Compiles a kernel to plain object code: everything that touches Numba's internals.

A kernel is a Python function of two pointers, `void(int64 *row, int64 *context)`, of simple statements only. It is
compiled without fast-math flags and with NumPy's rules for division, for the processor that `cache.py` puts in its key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils, lowering, typed_passes, untyped_passes
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.registry import cpu_target

RAISES = "numba_gil_ensure"  # what a kernel refers to that could raise an exception, and that no warm process has


class Lower(lowering.Lower):
    """Lowers a kernel into its C function; Numba's would call it, which costs a small network a third of its time."""

    def lower_normal_function(self, fndesc: Any) -> None:
        """Lower the function as Numba has it, and the C function that it becomes a part of."""
        super().lower_normal_function(fndesc)
        self.function.linkage = "internal"
        self.function.attributes.add("alwaysinline")
        words = [self.context.get_value_type(kind) for kind in fndesc.argtypes]
        kind = ir.FunctionType(ir.VoidType(), words)
        outside = ir.Function(self.module, kind, fndesc.llvm_cfunc_wrapper_name)
        builder = ir.IRBuilder(outside.append_basic_block())
        inside = (self.function, fndesc.restype, fndesc.argtypes, outside.args)
        status, _ = self.call_conv.call_function(builder, *inside)
        with builder.if_then(status.is_error, likely=False):  # where it can never be, nothing of this is left
            builder.call(cgutils.get_or_insert_function(self.module, ir.FunctionType(ir.VoidType(), []), RAISES), [])
        builder.ret_void()

    def create_cfunc_wrapper(self) -> None:
        """It is there."""


@register_pass(mutates_CFG=True, analysis_only=False)
class Lowering(typed_passes.NativeLowering):
    """The pass that lowers a kernel."""

    _name = "kernel_lowering"
    lowering_class = Lower


WORDS = types.CPointer(types.int64)
SIGNATURE = types.void(WORDS, WORDS)
PASSES = (
    *(untyped_passes.TranslateByteCode, untyped_passes.FixupArgs, untyped_passes.IRProcessing),
    *(untyped_passes.ReconstructSSA, typed_passes.NopythonTypeInference, typed_passes.PreLowerStripPhis),
    *(typed_passes.AnnotateTypes, Lowering, typed_passes.NoPythonBackend),
)


class Pipeline(CompilerBase):
    """Numba's passes without those that kernels do not need: inlining, rewriting, closures, looking for literals."""

    def define_pipelines(self) -> list[PassManager]:
        manager = PassManager("kernel")
        for number, step in enumerate(PASSES):
            manager.add_pass(step, f"{number} {step.__name__}")
        manager.finalize()
        return [manager]


def object_code(kernel: Callable[..., Any]) -> tuple[str, bytes]:
    """Compile a kernel; the name of its symbol and its object code."""
    compiled = cfunc(SIGNATURE, pipeline_class=Pipeline, error_model="numpy")(kernel)
    code = compiled._library._get_compiled_object()
    if RAISES.encode() in code:
        raise ValueError(f"the kernel {kernel.__name__} could raise an exception, which no one would catch")
    return compiled.native_name, code


def assembly(module: str) -> str:
    """The instructions that the target's processor gets for a module in LLVM's own words."""
    return str(cpu_target.target_context.codegen()._tm.emit_assembly(llvm.parse_assembly(module)))
