"""What makes one compiled kernel differ from another: its kind, its dtype and, for formulas, the operations."""

from __future__ import annotations

from typing import NamedTuple

from glassnet.tables.formula import Formula

CALLS = {
    **{"affine": "followed", "propagate": "followed", "followed": "product", "bp4": "product"},
    **{"affine skipping": "followed skipping", "followed skipping": "skipping", "bp4 skipping": "skipping"},
}


class Identity(NamedTuple):
    """A kernel's identity. Two kernels with the same text are the same machine code."""

    kind: str
    dtype: str
    formula: Formula | None = None
    modes: tuple[str, ...] = ()
    scalars: int = 0

    @property
    def text(self) -> str:
        """The identity in words; unlike the tuple, it tells 1 from 1.0 and 0.0 from -0.0."""
        return repr(tuple(self))

    @property
    def reads(self) -> int:
        """How many operands a formula row reads."""
        assert self.formula is not None
        return self.formula.inputs - self.scalars

    @property
    def symbol(self) -> str:
        """The name under which other kernels call this one."""
        return f"glassnet_{self.kind.replace(' ', '_')}_{self.dtype}"

    @property
    def called(self) -> Identity | None:
        """The kernel that this one calls by name, if any."""
        return Identity(CALLS[self.kind], self.dtype) if self.kind in CALLS else None
