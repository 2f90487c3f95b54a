"""The compiled engine: `address` returns the address of a kernel, for every kind of equation in a program.

A kernel comes from the cache on disk, or is compiled by Numba, once per processor. A process whose kernels are all in
the cache never imports Numba. Where the engine cannot work it raises EngineUnavailable, and NumPy runs the program.
"""

from __future__ import annotations

from functools import partial

from glassnet.engine import shared_locks
from glassnet.engine.compiler_thread import run_on_large_stack
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.errors import EngineUnavailable
from glassnet.tables.formula import Formula

__all__ = ["EngineUnavailable", "KernelSpec", "address"]

_addresses: dict[str, int] = {}


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
        Where Numba is missing or disabled, where the kernel cannot be compiled, and where this process may not run it.
    """
    spec = KernelSpec(kind, dtype, formula, tuple(modes), scalars)
    known = _addresses.get(spec.text)
    if known is not None:
        return known
    callee_address = 0 if spec.callee is None else address(spec.callee.kind, spec.callee.dtype)
    with shared_locks.engine():
        if spec.text not in _addresses:
            _addresses[spec.text] = run_on_large_stack(partial(_load, spec, callee_address))
        return _addresses[spec.text]


def _load(spec: KernelSpec, callee_address: int) -> int:
    """The address of a kernel from the cache or the compiler. Raises EngineUnavailable for whatever the system denies.

    A process without free file descriptors cannot import a module, one without memory cannot load a library.
    """
    try:
        shared_locks.check_process()
        from glassnet.engine import cache

        return cache.kernel_address(spec, callee_address)
    except (OSError, MemoryError, ImportError) as error:
        raise EngineUnavailable(f"the compiled engine cannot be loaded: {error}") from error
