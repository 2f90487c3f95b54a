"""What tells one compiled kernel from another: its kind, its dtype and, for formulas, the operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Self

from glassnet.program.precision import is_emulated
from glassnet.tables.formula import Formula

CALLEES = {
    **{"affine": "gemm_epilogue", "propagate": "gemm_epilogue", "gemm_epilogue": "gemm", "bp4": "gemm"},
    **{"sparse_affine": "sparse_gemm_epilogue", "sparse_gemm_epilogue": "sparse_gemm", "sparse_bp4": "sparse_gemm"},
    **{"mixed_affine": "mixed_gemm_epilogue", "mixed_propagate": "mixed_gemm_epilogue"},
    **{"mixed_gemm_epilogue": "mixed_gemm", "mixed_bp4": "mixed_gemm"},
}


class KernelSpec(NamedTuple):
    """The specification of a kernel. Two with the same text are the same machine code."""

    kind: str
    dtype: str
    formula: Formula | None = None
    modes: tuple[str, ...] = ()
    scalars: int = 0

    @property
    def text(self) -> str:
        """The specification as text; unlike the tuple, it tells 1 from 1.0 and 0.0 from -0.0."""
        return f"{tuple(self)!r}{self._emulated}"

    @property
    def traced(self) -> Formula:
        """The formula of a kernel that needs one."""
        assert self.formula is not None
        return self.formula

    @property
    def reads(self) -> int:
        """Number of operands that the formula reads."""
        return self.traced.inputs - self.scalars

    @property
    def in_pairs(self) -> bool:
        """Whether it is a product of mixed precision, which reads bfloat16 numbers and adds two terms at a time."""
        return self.kind.startswith("mixed_") and self.dtype == "float32"

    @property
    def symbol(self) -> str:
        """The name under which other kernels call this one."""
        return f"glassnet_{self.kind}_{self.dtype}{self._emulated}"

    @property
    def _emulated(self) -> str:
        """What tells an emulated product, or a rounding, from one that uses the instructions of the processor."""
        return "_emulated" if (self.in_pairs or self.kind == "bfloat16") and is_emulated() else ""

    @property
    def callee(self) -> KernelSpec | None:
        """The kernel that this one calls by name, if any."""
        return KernelSpec(CALLEES[self.kind], self.dtype) if self.kind in CALLEES else None

    @property
    def chain(self) -> Iterator[KernelSpec]:
        """This kernel, and those that it calls by name, and these in turn."""
        spec: KernelSpec | None = self
        while spec is not None:
            yield spec
            spec = spec.callee


class KernelAddress(int):
    """The address of a kernel, which knows what the kernel is."""

    spec: KernelSpec

    def __new__(cls, address: int, spec: KernelSpec) -> Self:
        """An integer with a specification."""
        self = super().__new__(cls, address)
        self.spec = spec
        return self
