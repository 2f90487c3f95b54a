"""The innermost loops of every kernel use vector instructions for their arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassnet.engine import KernelSpec
from glassnet.engine.kernel_functions import as_pointer, stack_array
from glassnet.engine.kernels import KERNELS
from glassnet.tables.formula import trace
from tests.twins.machine_code import has_fma, inner_loops, instructions, instructions_of, packed_loops, scalar_loops
from tests.twins.subprocesses import output

pytestmark = pytest.mark.skipif(not has_fma(), reason="not an x86 processor with fused multiply-add")
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
FORMULAS: dict[str, dict[str, Any]] = {
    "formula": {
        "formula": trace(lambda a, b, c, s: np.exp(a) * b + np.tanh(c) / s, 4),
        "modes": ("full", "column", "unit", "full"),
        "scalars": 1,
    },
    "sums": {"formula": trace(lambda a, y: (a - y) * (a - y), 2), "modes": ("full", "full", "unit")},
}
IN_ORDER = {
    "sample_weights": "gathers numbers from anywhere",
    "mean_cost": "adds one cost per sample, in order, so that its bits depend on nothing else",
    "clip_scale": "adds one number per row of weights, in order",
    "add_selected": "adds the few copies of a column, in order",
    "grouped_affine": "adds the few terms of an output beyond whole vectors, in order",
    "look_up": "gathers vectors from anywhere",
    "look_up_gradient": "adds the errors of the samples of a code, in order",
}
NO_ARITHMETIC = (
    *("one_hot", "gemm_epilogue", "sparse_gemm_epilogue", "propagate", "shuffle", "interpret"),
    *("select", "concatenate", "split", "mixed_gemm_epilogue", "mixed_propagate", "bfloat16"),
)

SPILLS = r"""
import re
from glassnet.engine import KernelSpec
from tests.twins.machine_code import instructions, packed_loops
on_the_stack = re.compile(r"\(%rsp[^)]*\).*%[xyz]mm|%[xyz]mm\d+, [-\w]*\(%rsp")  # a vector that is stored or loaded
for kind in ("gemm", "mixed_gemm", "sparse_gemm"):
    for dtype in ("float32", "float64"):
        print(sum(bool(on_the_stack.search(loop)) for loop in packed_loops(instructions(KernelSpec(kind, dtype)))))
"""


@every_dtype
@pytest.mark.parametrize("kind", [kind for kind in KERNELS if kind not in IN_ORDER])
def test_inner_loops_are_packed(kind: str, dtype: str) -> None:
    code = instructions(KernelSpec(kind, dtype, **FORMULAS.get(kind, {})))
    assert scalar_loops(code) == []
    assert bool(packed_loops(code)) == (kind not in NO_ARITHMETIC)


@pytest.mark.parametrize("kind", IN_ORDER)
def test_the_kernels_in_order_have_scalar_loops(kind: str) -> None:
    """So that the exceptions above stay true."""
    assert scalar_loops(instructions(KernelSpec(kind, "float32")))


def test_products_keep_their_sums_in_registers() -> None:
    """A sum that waits on the stack between two terms halves the speed, and by how much depends on the caller."""
    assert output(SPILLS, "znver4").split() == ["0"] * 6


@every_dtype
def test_a_scalar_loop_is_found(dtype: str) -> None:
    """A sum in order cannot be vectorized; the loop before it can."""
    from numba import types

    real = getattr(types, dtype)
    memory = stack_array(real, 64)

    def kernel(row: Any, context: Any) -> None:
        x, squares, total = as_pointer(row[0], real), memory(), real(0)
        for index in range(64):
            squares[index] = x[index] * x[index]
        for index in range(row[1]):
            total += squares[index & 63]
        x[0] = total

    code = instructions_of(kernel)
    assert len(scalar_loops(code)) >= 1
    assert len(inner_loops(code)) >= len(scalar_loops(code)) + len(packed_loops(code))
