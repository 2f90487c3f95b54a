"""Compiles a kernel to plain object code: everything that touches Numba's internals.

A kernel is a Python function of two pointers, `void(int64 *row, int64 *context)`, of simple statements only. It is
compiled without fast-math flags and with NumPy's rules for division, for the processor that `cache.py` puts in its key.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import jit, types
from numba.core import cgutils, config, lowering, typed_passes, untyped_passes
from numba.core.ccallback import _CFuncCompiler
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.cpu import CPUContext
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUTarget
from numba.core.target_extension import CPU, dispatcher_registry, jit_registry, target_override, target_registry

NAME = "glassnet"  # of the target
RAISES = "numba_gil_ensure"  # what a kernel refers to that could raise an exception, and that no warm process has
WORDS = types.CPointer(types.int64)


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


PASSES = (
    *(untyped_passes.TranslateByteCode, untyped_passes.FixupArgs, untyped_passes.IRProcessing),
    *(untyped_passes.ReconstructSSA, typed_passes.NopythonTypeInference, typed_passes.PreLowerStripPhis),
    *(typed_passes.AnnotateTypes, Lowering, typed_passes.NoPythonBackend),
)


class Context(CPUContext):
    """Numba's idea of this processor, without arrays, lists and linear algebra: they take long to import."""

    def load_additional_registries(self) -> None:
        from numba.cpython import builtins, mathimpl, numbers, rangeobj, tupleobj  # noqa: F401

        self.install_registry(mathimpl.registry)

    def post_lowering(self, module: Any, library: Any) -> None:
        """A kernel counts no references, so there is nothing to link it with."""


class Target(CPUTarget):
    """What kernels are compiled for, beside Numba's own target."""

    @cached_property
    def target_context(self) -> Context:
        return Context(self.typing_context, NAME)


class Kernels(CPU):
    """The target's place in Numba's tree of targets."""


class Intrinsics(Dispatcher):
    """Where Numba looks for the target of an intrinsic."""

    targetdescr = Target(NAME)


target_registry[NAME] = Kernels
dispatcher_registry[Kernels], jit_registry[Kernels] = Intrinsics, jit
TARGET = Intrinsics.targetdescr


class Library(JITCodeLibrary):
    """Where a kernel's code is put together; unlike Numba's, not optimised bit by bit before it is whole."""

    def _optimize_functions(self, module: llvm.ModuleRef) -> None:
        module.data_layout = self._codegen._data_layout


class Pipeline(CompilerBase):
    """Numba's passes without those that kernels do not need: inlining, rewriting, closures, looking for literals."""

    def define_pipelines(self) -> list[PassManager]:
        self.state.library = Library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        manager = PassManager("kernel")
        for number, step in enumerate(PASSES):
            manager.add_pass(step, f"{number} {step.__name__}")
        manager.finalize()
        return [manager]


def object_code(kernel: Callable[..., Any]) -> tuple[str, bytes]:
    """Compile a kernel; the name of its symbol and its object code."""
    symbol, module = optimised(kernel)
    code = processor().emit_object(module)
    if RAISES.encode() in code:
        raise ValueError(f"the kernel {kernel.__name__} could raise an exception, which no one would catch")
    return symbol, code


def optimised(kernel: Callable[..., Any]) -> tuple[str, llvm.ModuleRef]:
    """The name of a kernel's symbol, and its code in LLVM's own words.

    It is optimised once. Numba would do so three times, to find references that need not be counted.
    """
    with global_compiler_lock, target_override(NAME):
        compiler = _CFuncCompiler(kernel, TARGET, {"error_model": "numpy"}, {}, Pipeline)
        compiled = compiler.compile((WORDS, WORDS), types.void)
    module, options = compiled.library._final_module, llvm.create_pipeline_tuning_options(int(config.OPT))
    options.loop_vectorization, options.slp_vectorization = bool(config.LOOP_VECTORIZE), bool(config.SLP_VECTORIZE)
    builder = llvm.create_pass_builder(processor(), options)
    builder.getModulePassManager().run(module, builder)
    return compiled.fndesc.llvm_cfunc_wrapper_name, module


def assembly(module: llvm.ModuleRef) -> str:
    """The instructions that the target's processor gets for a module."""
    return str(processor().emit_assembly(module))


def processor() -> llvm.TargetMachine:
    """The processor that kernels are compiled for, as LLVM knows it."""
    return TARGET.target_context.codegen()._tm
