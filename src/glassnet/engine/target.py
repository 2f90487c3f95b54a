"""What the processor's vectors offer: it decides how large the tiles of a product are.

The answer comes from the instructions that LLVM chooses for the target, so that it depends on nothing but the features
that the cache has in its key.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir

from glassnet.engine.compile import assembly
from glassnet.engine.vectors import size_of

PROBE = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define void @probe(<16 x float>* %place) {
  %x = load <16 x float>, <16 x float>* %place
  %y = call <16 x float> @llvm.fma.v16f32(<16 x float> %x, <16 x float> %x, <16 x float> %x)
  store <16 x float> %y, <16 x float>* %place
  ret void
}
"""


class Target(NamedTuple):
    """A processor's vectors: bytes, rows and vectors of its tiles, fused multiply-add, masks that cost nothing.

    `scales` is whether one instruction (AVX-512's) multiplies by a power of two.
    """

    bytes: int
    rows: tuple[int, ...]
    vectors: int
    fused: bool
    masks: bool
    scales: bool

    def lanes(self, real: ir.Type) -> int:
        """Numbers in a vector."""
        return self.bytes // size_of(real)


@cache
def target() -> Target:
    """The target that Numba compiles for, told from the instructions it chooses for a fused multiply-add."""
    text = assembly(llvm.parse_assembly(PROBE))
    if "zmm" in text and "vfmadd" in text:
        return Target(64, (8, 4, 1), 3, True, True, True)
    if "ymm" in text and "vfmadd" in text:
        return Target(32, (4, 1), 3, True, False, False)
    if "fmla" in text:
        return Target(16, (8, 4, 1), 3, True, False, False)
    return Target(16, (4, 1), 2, False, False, False)
