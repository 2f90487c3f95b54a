"""Compiles a kernel to object code: everything that touches Numba's internals.

A kernel is a Python function of two pointers, `void(int64 *row, int64 *context)`, made of simple statements. It is
compiled without fast-math flags and with NumPy's rules for division, for the processor that `cache.py` puts in its key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

TARGET_NAME = "glassnet"
RAISE_SYMBOL = "numba_gil_ensure"  # in a kernel that could raise an exception; absent from a process without Numba
INT64_POINTER = types.CPointer(types.int64)


class Lower(lowering.Lower):
    """Inlines a kernel into its C function; Numba would call it, which costs a small network a third of its time."""

    def lower_normal_function(self, fndesc: Any) -> None:
        """Lower the function as Numba does, then the C function that it is inlined into."""
        super().lower_normal_function(fndesc)
        self.function.linkage = "internal"
        self.function.attributes.add("alwaysinline")
        arguments = [self.context.get_value_type(kind) for kind in fndesc.argtypes]
        kind = ir.FunctionType(ir.VoidType(), arguments)
        wrapper = ir.Function(self.module, kind, fndesc.llvm_cfunc_wrapper_name)
        builder = ir.IRBuilder(wrapper.append_basic_block())
        status, _ = self.call_conv.call_function(builder, self.function, fndesc.restype, fndesc.argtypes, wrapper.args)
        with builder.if_then(status.is_error, likely=False):  # optimised away where it can never happen
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(self.module, kind, RAISE_SYMBOL), [])
        builder.ret_void()

    def create_cfunc_wrapper(self) -> None:
        """No-op: `lower_normal_function` has lowered it."""


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
    """Numba's context of this processor, without arrays, lists and linear algebra, which take long to import."""

    def load_additional_registries(self) -> None:
        from numba.cpython import builtins, mathimpl, numbers, rangeobj, tupleobj  # noqa: F401

        self.install_registry(mathimpl.registry)

    def post_lowering(self, module: Any, library: Any) -> None:
        """No-op: a kernel counts no references, so there is nothing to link."""


class KernelTarget(CPUTarget):
    """The Numba target of kernels."""

    @cached_property
    def target_context(self) -> Context:
        return Context(self.typing_context, TARGET_NAME)


class KernelHardware(CPU):
    """The target's class in Numba's hierarchy of targets."""


class KernelDispatcher(Dispatcher):
    """Tells Numba the target of an intrinsic."""

    targetdescr = KernelTarget(TARGET_NAME)


target_registry[TARGET_NAME] = KernelHardware
dispatcher_registry[KernelHardware], jit_registry[KernelHardware] = KernelDispatcher, jit
TARGET = KernelDispatcher.targetdescr


class Library(JITCodeLibrary):
    """Collects a kernel's code; unlike Numba's library, it does not optimise parts of it before it is complete."""

    def _optimize_functions(self, module: llvm.ModuleRef) -> None:
        module.data_layout = self._codegen._data_layout


class Pipeline(CompilerBase):
    """Numba's passes without those that kernels do not need: inlining, rewrites, closures, literal propagation."""

    def define_pipelines(self) -> list[PassManager]:
        self.state.library = Library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        manager = PassManager("kernel")
        for number, kernel_pass in enumerate(PASSES):
            manager.add_pass(kernel_pass, f"{number} {kernel_pass.__name__}")
        manager.finalize()
        return [manager]


def object_code(kernel: Callable[..., Any]) -> tuple[str, bytes]:
    """Compile a kernel: the name of its symbol and its object code."""
    symbol, module = optimised(kernel)
    code = target_machine().emit_object(module)
    if RAISE_SYMBOL.encode() in code:
        raise ValueError(f"the kernel {kernel.__name__} could raise an exception, which nothing would catch")
    return symbol, code


def optimised(kernel: Callable[..., Any]) -> tuple[str, llvm.ModuleRef]:
    """The name of a kernel's symbol, and its LLVM module.

    It is optimised once. Numba would optimise it three times, to remove reference counts.
    """
    with global_compiler_lock, target_override(TARGET_NAME):
        compiler = _CFuncCompiler(kernel, TARGET, {"error_model": "numpy"}, {}, Pipeline)
        compiled = compiler.compile((INT64_POINTER, INT64_POINTER), types.void)
    module = compiled.library._final_module
    optimise(module)
    return compiled.fndesc.llvm_cfunc_wrapper_name, module


def optimise(module: llvm.ModuleRef) -> None:
    """Optimise a module as Numba's settings say."""
    options = llvm.create_pipeline_tuning_options(int(config.OPT))
    options.loop_vectorization, options.slp_vectorization = bool(config.LOOP_VECTORIZE), bool(config.SLP_VECTORIZE)
    builder = llvm.create_pass_builder(target_machine(), options)
    builder.getModulePassManager().run(module, builder)


def linked(program: ir.Module, kernels: Sequence[llvm.ModuleRef], symbol: str) -> llvm.ModuleRef:
    """A module of the function `symbol` of a program, with the kernels that it calls inlined, not optimised yet."""
    program.triple, program.data_layout = kernels[0].triple, kernels[0].data_layout
    module = llvm.parse_assembly(str(program))
    for kernel in kernels:
        module.link_in(kernel)
    for function in module.functions:
        if not function.is_declaration and function.name != symbol:
            function.linkage = "internal"
            function.add_function_attribute("alwaysinline")
    return module


def assembly(module: llvm.ModuleRef) -> str:
    """A module as assembly language."""
    return str(target_machine().emit_assembly(module))


def target_machine() -> llvm.TargetMachine:
    """LLVM's description of the processor that kernels are compiled for."""
    return TARGET.target_context.codegen()._tm
