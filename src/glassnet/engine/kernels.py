"""The registry of kernels: for every kind of equation, the function that builds its kernel.

A builder takes the kernel's specification and returns a Python function of (row, context), which `compile.py` compiles.
Importing this module imports Numba, so it is imported only where a kernel is missing from the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.engine import (
    cost_and_clipping,
    dense,
    dropout,
    elementwise,
    embedding,
    gather,
    gemm,
    interpreter,
    noise,
    reductions,
    rounding,
    shuffle,
    softmax,
    sparse_gemm,
)
from glassnet.engine.compile import object_code
from glassnet.engine.kernel_spec import KernelSpec

KERNELS: dict[str, Callable[[KernelSpec], Any]] = {
    builder.__name__: builder
    for builder in (
        *(elementwise.formula, elementwise.sums, gather.gather, gather.one_hot, gather.sample_weights),
        *(gemm.gemm, gemm.gemm_epilogue, sparse_gemm.sparse_gemm, dense.affine, dense.propagate, dense.bp4),
        *(reductions.bp3, reductions.mean_product, reductions.moments),
        *(reductions.feature_mean, reductions.feature_mean_product, reductions.feature_moments),
        *(softmax.softmax, softmax.softmax_error, softmax.softmax_cost, softmax.softmax_and_cost),
        *(dropout.dropout, shuffle.shuffle),
        *(noise.noise, dropout.scheduled_dropout, reductions.square_means, rounding.bfloat16),
        *(embedding.select, embedding.add_selected, embedding.concatenate, embedding.split),
        *(embedding.grouped_affine, embedding.grouped_propagate, embedding.grouped_bp4),
        *(embedding.look_up, embedding.look_up_gradient),
        *(cost_and_clipping.mean_cost, cost_and_clipping.clip_scale, interpreter.interpret),
    )
}
KERNELS |= {"mixed_gemm": gemm.gemm, "mixed_gemm_epilogue": gemm.gemm_epilogue, "mixed_affine": dense.affine}
KERNELS |= {"mixed_propagate": dense.propagate, "mixed_bp4": dense.bp4}
KERNELS |= {"sparse_gemm_epilogue": gemm.gemm_epilogue, "sparse_affine": dense.affine, "sparse_bp4": dense.bp4}


def build(spec: KernelSpec) -> tuple[str, bytes]:
    """Compile a kernel: the name of its symbol and its object code."""
    return object_code(KERNELS[spec.kind](spec))
