"""What the vector unit of the processor offers: it decides how large the register tiles of a matrix product are.

The answer is derived from the instructions that LLVM selects for the target, so it depends only on the features that
are part of the cache's key.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir

from glassnet.engine.compile import assembly
from glassnet.engine.llvm_vectors import size_of
from glassnet.program.precision import is_emulated

PROBE = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define void @probe(<16 x float>* %pointer) {
  %x = load <16 x float>, <16 x float>* %pointer
  %y = call <16 x float> @llvm.fma.v16f32(<16 x float> %x, <16 x float> %x, <16 x float> %x)
  store <16 x float> %y, <16 x float>* %pointer
  ret void
}
"""


BFLOAT16_PROBE = """
define void @probe(<16 x float>* %pointer, <16 x bfloat>* %result) {
  %x = load <16 x float>, <16 x float>* %pointer
  %y = fptrunc <16 x float> %x to <16 x bfloat>
  store <16 x bfloat> %y, <16 x bfloat>* %result
  ret void
}
"""


class CpuTarget(NamedTuple):
    """The vector width in bytes, the heights (rows) of register tiles 1, 2, 3 vectors wide, and what is fast.

    `pairs`: the products are those of mixed precision, which add two terms at a time; `dots_pairs`: one instruction
    does that for all lanes of a vector (AVX512_BF16).
    """

    vector_bytes: int
    tile_heights: tuple[tuple[int, ...], ...]
    fma: bool  # fused multiply-add
    free_masks: bool  # masked loads and stores cost nothing
    scalef: bool  # one instruction multiplies by a power of two
    half_vectors: bool = False  # products of half a vector take half as long, or less
    near_panels: bool = False  # tiles are so small that their panel of b has to come from the first-level cache
    pairs: bool = False
    dots_pairs: bool = False

    @property
    def tile_rows(self) -> int:
        """The height of the tallest of the widest tiles."""
        return self.tile_heights[-1][0]

    def lanes(self, real: ir.Type) -> int:
        """Number of lanes of a vector."""
        return self.vector_bytes // size_of(real)


def cpu_target(pairs: bool = False) -> CpuTarget:
    """The target that Numba compiles for; with `pairs`, for products of mixed precision."""
    return vector_target()._replace(pairs=pairs, dots_pairs=pairs and not is_emulated() and dots_pairs())


@cache
def dots_pairs() -> bool:
    """Whether one instruction multiplies and adds pairs of bfloat16 numbers, as seen from those selected."""
    return "vcvtneps2bf16" in assembly(llvm.parse_assembly(BFLOAT16_PROBE))


@cache
def vector_target() -> CpuTarget:
    """The target as seen from the instructions selected for a fused multiply-add."""
    text = assembly(llvm.parse_assembly(PROBE))
    if "zmm" in text and "vfmadd" in text:
        return CpuTarget(64, ((8, 4, 1),) * 3, True, True, True, half_vectors=True)
    if "ymm" in text and "vfmadd" in text:
        return CpuTarget(32, ((8, 4, 1), (6, 5, 4, 1), (4, 3, 1)), True, False, False, near_panels=True)
    if "fmla" in text:
        return CpuTarget(16, ((8, 4, 1),) * 3, True, False, False)
    return CpuTarget(16, ((4, 1),) * 2, False, False, False)
