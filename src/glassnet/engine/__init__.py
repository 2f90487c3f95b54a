"""The compiled engine: for every kind of row in a program, a kernel of machine code, found by `address`.

A kernel comes from the cache on disk, or is compiled by Numba, once for a processor. A process whose kernels are all in
the cache never imports Numba. Where the engine cannot work it raises EngineUnavailable, and NumPy runs the program.
"""

from __future__ import annotations

import os
import threading

from glassnet.engine.identity import Identity
from glassnet.tables.formula import Formula

__all__ = ["EngineUnavailable", "Identity", "address"]

_addresses: dict[str, int] = {}
_lock = threading.RLock()


def _restart() -> None:
    """A process that was forked while another thread compiled has the lock, but not the thread that would open it."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart)


class EngineUnavailable(RuntimeError):
    """The compiled engine cannot be used here; the message is one sentence that says why."""


def address(
    kind: str,
    dtype: str,
    formula: Formula | None = None,
    modes: tuple[str, ...] = (),
    scalars: int = 0,
) -> int:
    """The address of a kernel `void(int64 *row, int64 *context)`, from this process, the cache or the compiler.

    Parameters
    ----------
    kind : a kind of row, as in `kernels.KERNELS`
    dtype : "float32" or "float64"; "" for the interpreter
    formula : for the kinds "formula" and "sums"
    modes : how each operand of a formula is walked, reads then writes: "full", "column", "unit" or "scalar";
        operands may share memory, because a block is read whole before it is written
    scalars : how many of the formula's last inputs are step scalars

    Raises
    ------
    EngineUnavailable
        Where Numba is missing or switched off, or the kernel cannot be compiled.
    """
    identity = Identity(kind, dtype, formula, tuple(modes), scalars)
    known = _addresses.get(identity.text)
    if known is not None:
        return known
    with _lock:
        if identity.text not in _addresses:
            from glassnet.engine import cache

            _addresses[identity.text] = cache.kernel(identity)
        return _addresses[identity.text]
