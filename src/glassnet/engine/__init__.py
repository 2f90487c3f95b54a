"""The compiled engine: `address` returns the address of a kernel, for every kind of equation in a program.

A kernel comes from the cache on disk, or is compiled by Numba, once per processor. A process whose kernels are all in
the cache never imports Numba. Where the engine cannot work it raises EngineUnavailable, and NumPy runs the program.
"""

from __future__ import annotations

import os
import threading

from glassnet.engine.kernel_spec import KernelSpec
from glassnet.errors import EngineUnavailable
from glassnet.tables.formula import Formula

__all__ = ["EngineUnavailable", "KernelSpec", "address"]

_addresses: dict[str, int] = {}
_lock = threading.RLock()


def _new_lock() -> None:
    """Replace the lock in a forked process: a thread that does not exist there may have held it."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def address(
    kind: str, dtype: str, formula: Formula | None = None, modes: tuple[str, ...] = (), scalars: int = 0
) -> int:
    """The address of a kernel `void(int64 *row, int64 *context)`, from this process, the cache or the compiler.

    Parameters
    ----------
    kind : a key of `kernels.KERNELS`
    dtype : "float32" or "float64"; "" for the interpreter
    formula : for the kinds "formula" and "sums"
    modes : how each operand of a formula is read or written, inputs first: "full", "column", "unit", "scalar" or
        "shared"; operands may share memory, because a block is read whole before it is written
    scalars : how many of the formula's last inputs are step scalars

    Raises
    ------
    EngineUnavailable
        Where Numba is missing or disabled, or the kernel cannot be compiled.
    """
    spec = KernelSpec(kind, dtype, formula, tuple(modes), scalars)
    known = _addresses.get(spec.text)
    if known is not None:
        return known
    with _lock:
        if spec.text not in _addresses:
            from glassnet.engine import cache

            if (callee := spec.callee) is not None:
                cache.add_symbol(callee.symbol, address(callee.kind, callee.dtype))
            _addresses[spec.text] = cache.kernel_address(spec)
        return _addresses[spec.text]
